"""Row 1: SMB1 removed from Windows, while the server speaks nothing else.

In July 2017 an engineer switched "SMB 1.0/CIFS File Sharing Support" off on Windows 10 and rebooted.
His SLES 11 Samba server vanished from Network and could not be opened by its address either: "total
wipe-out". It had to be put back. Windows XP cannot be treated so at all: it has nothing but SMB1.
"""

from harness.model import Effect
from harness.scenario import Claim, Scenario

SCENARIO = Scenario(
    source="the article, row 1",
    servers=["sles11-like"],
    mitigations=["smb1-client-off"],
    clients=["windows-10-1703", "windows-7", "windows-xp"],
    claims=[
        Claim("smb1-client-off:sles11-like:windows-10-1703", said=Effect.LOST),
        Claim("smb1-client-off:sles11-like:windows-7", said=Effect.LOST),
    ],
)
