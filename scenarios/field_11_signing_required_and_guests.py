"""Signing required on a server, for guests and for people with an account.

Whoever has an account signs and stays. A guest has no key: Linux, asked to sign, signs with a key that the
server does not know. Sources disagree on what Windows does there: it goes on unsigned, which Samba lets pass,
or gives up.
"""

from harness.model import Effect
from harness.scenario import Claim, Scenario

SCENARIO = Scenario(
    source="reports of Samba with map to guest = Bad User; mount.cifs(8)",
    servers=["guest-share", "samba-4.22"],
    mitigations=["signing-required"],
    clients=["windows-10-22h2", "linux-cifs"],
    checks=["open"],
    claims=[
        Claim("*:samba-4.22:*:*", said=Effect.KEPT),
        Claim("*:guest-share:linux-cifs:*", said=Effect.LOST),
        Claim(
            "*:guest-share:windows-10-22h2:*",
            said=Effect.LOST,
            measured=Effect.NOT_SETTLED,
            because="as played here it goes on unsigned, which Samba allows to guests; others saw it give up",
        ),
    ],
)
