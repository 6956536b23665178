"""Row 6, stage 2: patch everything and restart.

"All Windows and Samba, reboot everything, trouble here and there." Rehearsed here: the Samba half, as
security packages and as the next release of the distribution. The Windows half changes nothing on the
wire that a persona could show, and is not verified in this lab.
"""

from harness.model import Effect
from harness.scenario import Claim, Scenario

SCENARIO = Scenario(
    stage="stage 2: patch everything",
    source="the article, stage 2 (access stays, apart from trouble here and there)",
    servers=["sles11-like", "consumer-nas", "samba-4.13"],
    mitigations=["vendor-patch", "release-upgrade"],
    clients=["windows-10-1703", "windows-7", "windows-xp", "smbclient"],
    checks=["browse", "open"],
    claims=[
        Claim("*:sles11-like:windows-*", said=Effect.KEPT),
        Claim("*:samba-4.13:windows-7,windows-10-1703,smbclient", said=Effect.KEPT),
    ],
)
