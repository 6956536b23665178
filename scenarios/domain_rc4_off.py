"""RC4 switched off on the domain controller: a member that has no other key goes.

Lost is a server whose account says RC4 alone (an old NAS or appliance that was joined long ago): the KDC
issues no ticket for it. A client that could fall back to NTLM does not do so for that error (measured with
smbclient; for Windows it is inferred), and whoever came with NTLM notices nothing.
"""

from harness.model import Effect
from harness.scenario import Claim, Scenario

SCENARIO = Scenario(
    source="smb.conf(5), kdc supported enctypes; measured with Samba 4.22",
    servers=["samba-ad-member", "samba-ad-member-rc4"],
    mitigations=["rc4-off"],
    clients=["smbclient-kerberos", "impacket-kerberos", "smbclient", "windows-10-22h2"],
    checks=["open-by-name"],
    claims=[
        Claim("*:samba-ad-member-rc4:*-kerberos,windows-10-22h2:*", said=Effect.LOST),
        Claim("*:*:*:*", said=Effect.KEPT),
    ],
)
