"""SMB1 switched off, and three old devices.

A media player, an office scanner and a Windows XP offer nothing but SMB1: no dialect is chosen. What the
scanner does is to write, what the player does is to open a share.
"""

from harness.model import Effect
from harness.scenario import Claim, Scenario

SCENARIO = Scenario(
    source="reports of media players, scanners and Windows XP; smb.conf(5), server min protocol",
    servers=["samba-4.22-smb1"],
    mitigations=["smb1-server-off"],
    clients=["media-player", "office-scanner", "windows-xp"],
    checks=["open", "write"],
    claims=[
        Claim("*:*:*:*", said=Effect.LOST),
    ],
)
