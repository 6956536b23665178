"""NTLM switched off on a server that is in no domain.

Without a domain there is no Kerberos, and nobody with an account is left. The refusal comes at SESSION_SETUP
with a status of its own: it is neither a wrong password nor a matter of dialect or encryption.
"""

from harness.model import Effect
from harness.scenario import Claim, Closes, Scenario

SCENARIO = Scenario(
    source="smb.conf(5), ntlm auth",
    servers=["samba-4.17", "samba-4.22-smb1"],
    mitigations=["ntlm-off"],
    clients=["smbclient", "impacket", "smbprotocol", "linux-cifs", "windows-10-22h2"],
    checks=["open"],
    claims=[
        Claim("*:*:*:*", said=Effect.LOST),
    ],
    closes=[Closes("*:*:ntlm-accepted")],
)
