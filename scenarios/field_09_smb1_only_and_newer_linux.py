"""A server that speaks SMB1 only, and three generations of Linux clients.

Nothing on the server was changed: the client's default did, from 1.0 to 3.0 in Linux 4.13.
"""

from harness.model import Effect
from harness.scenario import Claim, Scenario

SCENARIO = Scenario(
    source="mount.cifs(8), vers",
    servers=["sles11-like"],
    mitigations=["none"],
    clients=["linux-cifs-4.12", "linux-cifs-4.13", "linux-cifs"],
    checks=["open"],
    claims=[
        Claim("*:*:linux-cifs-4.12:*", said=Effect.KEPT),
        Claim("*:*:linux-cifs-4.13,linux-cifs:*", said=Effect.NEVER),
    ],
)
