"""People who are connected, with an open file, while a change is made and undone.

A configuration that is read again reaches them late or not at all: their sessions keep what was negotiated,
so that a hole stays open until they leave. A restart reaches everybody, and ends every connection and every
open file. ``smbcontrol smbd close-share`` lies between: open files end, sessions do not. The
dialect of a session stays with it, while encryption counts as soon as the share is connected again; ``nt pipe
support`` counts for each pipe that is opened.
"""

from harness.model import Effect
from harness.scenario import Claim, Scenario

SCENARIO = Scenario(
    source="smb.conf(5), smbcontrol(1): reload-config and close-share; measured on Samba 4.22",
    servers=["samba-4.22-smb1"],
    mitigations=[
        *(f"smb3-only@{way}" for way in ("sighup", "reload", "close-share", "restart")),
        *(f"nt-pipe-support-off@{way}" for way in ("sighup", "reload", "restart")),
        *(f"signing-required@{way}" for way in ("reload", "restart")),
        *(f"encryption-required@{way}" for way in ("reload", "close-share", "restart")),
    ],
    clients=["windows-xp", "windows-7", "windows-10-1703", "smbprotocol"],
    checks=["connected"],
    claims=[
        Claim("smb3-only@restart:*:windows-xp,windows-7:connected", said=Effect.LOST),
        Claim(
            "smb3-only@reload,smb3-only@close-share:*:windows-xp:connected",
            said=Effect.KEPT,
            measured=Effect.LOST,
            because="an smbd that has read that SMB1 is off takes the next SMB1 request for a broken one",
        ),
        Claim(
            "encryption-required@restart,encryption-required@close-share:*:windows-xp,windows-7:connected",
            said=Effect.LOST,
        ),
        Claim("*:*:*:connected", said=Effect.KEPT),
    ],
)
