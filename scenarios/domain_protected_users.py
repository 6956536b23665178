"""A user is put into Protected Users: no NTLM for that one, by address or alias.

Everybody else keeps NTLM, so this is where NTLM can be switched off for one account after another. A ticket
for the server's own name stays. impacket asks for a ticket that others may use for the user (proxiable),
which the KDC refuses to members of that group.
"""

from harness.model import Effect
from harness.scenario import Claim, Scenario

SCENARIO = Scenario(
    source="Microsoft, Protected Users security group; measured with Samba 4.22",
    servers=["samba-ad-member"],
    mitigations=["protected-users"],
    clients=[
        "smbclient-kerberos",
        "smbclient",
        "impacket-kerberos",
        "smbclient-kerberos-as-aes-only",
        "windows-10-22h2",
        "windows-11-24h2",
    ],
    checks=["open-by-name", "open-by-alias", "open-by-address"],
    claims=[
        Claim("*:*:smbclient-kerberos-as-aes-only:*", said=Effect.KEPT),
        Claim("*:*:impacket-kerberos:open-by-name", said=Effect.LOST),
        Claim("*:*:impacket-kerberos:*", said=Effect.NEVER),
        Claim("*:*:smbclient:*", said=Effect.LOST),
        Claim("*:*:*:open-by-name", said=Effect.KEPT),
        Claim("*:*:*:*", said=Effect.LOST),
    ],
)
