"""Row 2: nt pipe support = no, the stop-gap against CVE-2017-7494.

The article saw Windows 10, 7 and XP denied access and called it "a stop-gap, no cure". What it saw is
the listing of the server's shares, which needs the pipe srvsvc; a share that is opened by its path needs
no pipe. After a mere reload, people who are already connected may go on listing: it depends on the release.
"""

from harness.model import Effect
from harness.scenario import Claim, Closes, Scenario

BY_PATH = "opening a share by its path uses no named pipe; only listing the server's shares does"

SCENARIO = Scenario(
    source="the article, row 2",
    servers=["sles11-like"],
    mitigations=["nt-pipe-support-off", "nt-pipe-support-off-reload"],
    clients=["windows-10-1703", "windows-7", "windows-xp"],
    checks=["browse", "browse-connected", "open", "write"],
    claims=[
        Claim("nt-pipe-support-off:*:*:browse,browse-connected", said=Effect.LOST),
        Claim("nt-pipe-support-off-reload:*:*:browse", said=Effect.LOST),
        Claim(
            "nt-pipe-support-off-reload:*:*:browse-connected",
            said=Effect.LOST,
            measured=Effect.KEPT,
            because="Samba 4.13 keeps the old setting for connections that were open before the reload",
        ),
        Claim("*:*:*:open,write", said=Effect.LOST, measured=Effect.KEPT, because=BY_PATH),
    ],
    closes=[Closes("nt-pipe-support-off,nt-pipe-support-off-reload:*:unauthenticated-pipes,anonymous-users")],
)
