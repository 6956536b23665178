"""Row 4: the cheap consumer NAS, for which there is no patch.

No patch is to be had, and nobody knows whether the device is exposed. What is left is to change the
clients, or to close the guest share, and to see whom that costs.
"""

from harness.model import Effect
from harness.scenario import Claim, Scenario

SCENARIO = Scenario(
    source="the article, row 4, and the base configuration",
    servers=["consumer-nas"],
    mitigations=["none", "vendor-patch", "smb1-client-off", "guest-off"],
    clients=["windows-10-1703", "windows-7", "windows-xp", "curl"],
    claims=[
        Claim("none:*:*:open,write", said=Effect.KEPT),
        Claim("smb1-client-off", said=Effect.LOST),
        Claim("guest-off:*:*:*", said=Effect.LOST),
    ],
)
