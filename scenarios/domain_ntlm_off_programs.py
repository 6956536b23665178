"""NTLM off in a domain, and programs with an account and password in settings.

Backup jobs, players and scripts: each is told the domain as its users do it (a word of its own for it, or the
domain before the name), and none of them has tickets here. They go when NTLM is off on the domain controller;
by which name they call the server changes nothing for them.
"""

from harness.model import Effect
from harness.scenario import Claim, Scenario

SCENARIO = Scenario(
    source="smb.conf(5), ntlm auth; measured with Samba 4.22",
    servers=["samba-ad-member"],
    mitigations=["ntlm-off-member", "ntlm-off-domain"],
    clients=["rclone", "libsmb2", "libsmbclient", "pysmb", "smbprotocol", "impacket", "aiosmb"],
    checks=["open"],
    claims=[
        Claim("ntlm-off-member:*:*:*", said=Effect.KEPT),
        Claim("ntlm-off-domain:*:*:*", said=Effect.LOST),
    ],
)
