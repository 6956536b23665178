"""Signing required shuts out guests, when it is the client that requires it.

A guest's session has no key, so it cannot sign. A client that requires signing therefore hangs up as soon as
the server makes it a guest, as Windows 11 24H2 does. A Samba server that requires signing is expected to
refuse guests as well; it exempts them, so that they stay, unsigned.
"""

from harness.model import Effect
from harness.scenario import Claim, Scenario

SCENARIO = Scenario(
    source="[MS-SMB2] 3.3.5.5.3 and 3.2.5.3.1",
    servers=["guest-share", "consumer-nas"],
    mitigations=["signing-required", "signing-client-required"],
    clients=["windows-10-1703", "windows-7", "smbclient-4.13"],
    checks=["open"],
    claims=[
        Claim("signing-client-required:*:windows-*", said=Effect.LOST),
        Claim("signing-client-required:guest-share", said=Effect.LOST),
        Claim(
            "signing-required:*:windows-*",
            said=Effect.LOST,
            measured=Effect.KEPT,
            because="Samba exempts the sessions of guests from signing, even where it is mandatory",
        ),
        Claim(
            "signing-required:guest-share:smbclient-4.13",
            said=Effect.LOST,
            measured=Effect.KEPT,
            because="Samba exempts the sessions of guests from signing, even where it is mandatory",
        ),
    ],
)
