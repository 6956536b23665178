"""RC4 off on the domain controller: a member and a user with no other key go.

Lost is a server whose account says RC4 alone (an old NAS or appliance that was joined long ago): the KDC
issues no ticket for it. A client that could fall back to NTLM does not do so for that error (measured with
smbclient; for Windows it is inferred). And a user is lost whose password is older than AES in the domain, for
it has no AES key: smbclient falls back to NTLM there, unless it may use tickets alone. Whoever came with NTLM
notices nothing. A server whose account is told that it takes AES stays: do that first.
"""

from harness.model import Effect
from harness.scenario import Claim, Closes, Scenario

SCENARIO = Scenario(
    source="smb.conf(5), kdc supported enctypes; measured with Samba 4.22",
    servers=["samba-ad-member", "samba-ad-member-rc4"],
    mitigations=["rc4-off", "aes-machine-account+rc4-off"],
    clients=[
        "smbclient-kerberos",
        "impacket-kerberos",
        "smbclient",
        "windows-10-22h2",
        "smbclient-kerberos-as-aes-only",
        "smbclient-kerberos-as-rc4-only",
        "smbclient-kerberos-required-as-rc4-only",
        "windows-10-22h2-as-rc4-only",
    ],
    checks=["open-by-name"],
    claims=[
        Claim("*:*:smbclient-kerberos-required-as-rc4-only,windows-10-22h2-as-rc4-only:*", said=Effect.LOST),
        # Its first ticket is refused, not that for the server: then smbclient goes on with NTLM.
        Claim("*:*:smbclient-kerberos-as-rc4-only:*", said=Effect.KEPT),
        Claim(
            "rc4-off:samba-ad-member-rc4:smbclient-kerberos,impacket-kerberos,windows-10-22h2,"
            "smbclient-kerberos-as-aes-only:*",
            said=Effect.LOST,
        ),
        Claim("*:*:*:*", said=Effect.KEPT),
    ],
    closes=[Closes("rc4-off:*:rc4-tickets,rc4-service-ticket")],
)
