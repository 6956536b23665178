"""The guest button of macOS 10.14, and a server that requires signing.

Logging on as a guest goes well, and the request after it is refused: the Mac says that it signs, and sends
sixteen zero bytes. With an account, called guest or otherwise, it stays.
"""

from harness.model import Effect
from harness.scenario import Claim, Scenario

SCENARIO = Scenario(
    source="samba-technical, September 2019: smbd 4.9.3, log level 5",
    servers=["guest-share", "samba-4.22"],
    mitigations=["signing-required"],
    clients=["macos-10.14"],
    checks=["open"],
    claims=[
        Claim("*:guest-share:*:*", said=Effect.LOST),
        Claim("*:samba-4.22:*:*", said=Effect.KEPT),
    ],
)
