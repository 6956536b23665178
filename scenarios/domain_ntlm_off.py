"""NTLM switched off at a member, on the domain controller, and by the clients.

At the member it does nothing for the domain's users, for the domain controller judges their proof: a change
that looks made and closes nothing. On the domain controller it takes NTLM from everybody, and whoever names
the server so that the KDC knows no such service (by its address, by an alias without SPN) finds out that this
was NTLM all along. Blocked by the client, the same names are lost on that client alone: try it there first.
"""

from harness.model import Effect
from harness.scenario import Claim, Closes, Scenario

SCENARIO = Scenario(
    source="smb.conf(5), ntlm auth and client use kerberos; Microsoft on disabling NTLM",
    servers=["samba-ad-member"],
    mitigations=["ntlm-off-member", "ntlm-off-domain", "ntlm-blocked-by-client"],
    clients=[
        # With tickets, and with NTLM where they get none; with tickets alone; with NTLM alone.
        "smbclient-kerberos",
        "smbclient-kerberos-required",
        "impacket-kerberos",
        "smbclient",
        "windows-7",
        "windows-10-22h2",
        "windows-11-23h2",
        "windows-11-24h2",
        "windows-server-2022",
        "macos-13",
    ],
    checks=["open-by-name", "open-by-spn-alias", "open-by-alias", "open-by-address"],
    includes=["domain-ntlm-off-programs"],
    claims=[
        Claim(
            "*:*:smbclient-kerberos-required,impacket-kerberos:open-by-alias,open-by-address",
            said=Effect.NEVER,
        ),
        Claim("ntlm-off-member:*:*:*", said=Effect.KEPT),
        Claim("*:*:*:open-by-alias,open-by-address", said=Effect.LOST),
        Claim("ntlm-off-domain:*:smbclient:*", said=Effect.LOST),
        Claim("*:*:*:open-by-name,open-by-spn-alias", said=Effect.KEPT),
    ],
    closes=[
        Closes("ntlm-off-member:*:ntlm-accepted-own-accounts"),
        Closes("ntlm-off-domain:*:ntlm-accepted,ntlm-accepted-by-dc"),
    ],
)
