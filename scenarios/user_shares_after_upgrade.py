"""The upgrade from Debian 13 to 14, and a share that a user made: it is gone.

Debian's own defaults change between Samba 4.22 and 4.25. "usershare max shares" was 100 and is 0, so that
what users shared by net usershare is not served any more, though nobody touched smb.conf; where the file
says the number, all stays. "smb3 unix extensions" was off and is on, which takes nothing from anybody: a
Linux client that asks for them is answered now.
"""

from harness.model import Effect
from harness.scenario import Claim, Scenario

SCENARIO = Scenario(
    source="the defaults that testparm shows of Debian's Samba 4.22 and 4.25",
    servers=["samba-4.22-user-share", "samba-4.22-user-share-set"],
    mitigations=["release-upgrade"],
    clients=["smbclient", "windows-11-24h2", "macos-13", "linux-cifs"],
    checks=["browse", "open", "write"],
    claims=[
        Claim("*:samba-4.22-user-share:*:open,write", said=Effect.LOST),
        Claim("*:*:*:*", said=Effect.KEPT),
    ],
)
