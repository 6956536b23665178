"""Row 7, stage 3: SMB 3 only.

Windows 10 and Server 2016 at SMB 3.1.1, Samba 4.x serving SMB 3 only; old applications and old PCs are
locked out. The server here is a Samba that still allows SMB1 beside SMB3, so that everybody connects
before. "SMB3 only" is rehearsed as SMB 3.0 and newer, and as SMB 3.1.1 alone.
"""

from harness.model import Effect
from harness.scenario import Claim, Scenario

SCENARIO = Scenario(
    stage="stage 3: SMB 3 only",
    source="the article, stage 3",
    servers=["samba-4.22-smb1"],
    mitigations=["smb3-only", "smb311-only"],
    clients=["windows-10-1703", "windows-7", "windows-xp", "smbclient", "smbprotocol", "curl"],
    claims=[
        Claim("*:*:windows-10-1703,smbclient,smbprotocol", said=Effect.KEPT),
        Claim("*:*:windows-7,windows-xp", said=Effect.LOST),
        Claim("*:*:curl:open,write", said=Effect.LOST),
    ],
)
