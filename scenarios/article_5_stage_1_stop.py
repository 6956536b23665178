"""Row 5, stage 1: stop SMB1, stop Samba and the NAS.

Patches are checked meanwhile. The article expected furious users, and it is right: nobody can work.
SMB1 alone can be switched off where the server has anything newer; the consumer NAS has not.
"""

from harness.model import Effect
from harness.scenario import Claim, Scenario

SCENARIO = Scenario(
    stage="stage 1: stop SMB1, Samba and the NAS",
    source="the article, stage 1",
    servers=["sles11-like", "consumer-nas"],
    mitigations=["server-stopped", "smb1-server-off"],
    clients=["windows-10-1703", "windows-7", "windows-xp"],
    checks=["browse", "open"],
    claims=[
        Claim("server-stopped", said=Effect.LOST),
        Claim("smb1-server-off:sles11-like:windows-xp", said=Effect.LOST),
        Claim(
            "smb1-server-off:sles11-like:windows-7,windows-10-1703",
            said=Effect.LOST,
            measured=Effect.KEPT,
            because="with SMB 2.0.2 switched on in its place they no longer need SMB1",
        ),
    ],
)
