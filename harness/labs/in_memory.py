"""The databases of a lab's servers, in memory: nobody needs them when the server is gone.

smbd makes and removes two files for each connection (the socket and the lock of its messages), and writes
its databases through to the disk at each start. On ext4 a tenth of the processor time of its processes was
the search for inodes that were not used a moment ago (measured: perf(1), ``find_inode_bit``). What clients
see, the shares, stays where the run is: a tmpfs has no ``user.*`` attributes before Linux 6.6.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final

from harness.labs.home import Home
from harness.labs.roots.mounts import MS_NODEV, MS_NOSUID, mount
from harness.labs.samba_conf import DIRECTORIES

DATABASES: Final = ("private", "lock", "state", "cache")
"""Of a server's folders those that are kept so."""
_FOLDER: Final = ".memory"


def begin(state: Path) -> None:
    """Give a lab's state folder its part in memory: once, before an image shows that folder.

    Raises LabFault when the kernel refuses.
    """
    at = state / _FOLDER
    at.mkdir(parents=True)
    mount("tmpfs", at, MS_NOSUID | MS_NODEV, kind="tmpfs", data="mode=755")


def make_folders(home: Home) -> Path:
    """Make a server's folders, its ``DATABASES`` as links into memory; where these are. Raises OSError."""
    kept = home.folder / _FOLDER / home.name
    home.outside.mkdir()
    for name in DIRECTORIES:
        if name in DATABASES:
            (kept / name).mkdir(parents=True)
            # As somebody in an image follows it, too, who sees the state folder elsewhere.
            (home.outside / name).symlink_to(Path("..", _FOLDER, home.name, name))
        else:
            (home.outside / name).mkdir()
    return kept


def drop(home: Home) -> None:
    """Remove what of a server is in memory."""
    shutil.rmtree(home.folder / _FOLDER / home.name, ignore_errors=True)
