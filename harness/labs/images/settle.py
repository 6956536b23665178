"""What the lab mounts an image on, and its accounts: real folders and files, whatever the image had there."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Final

from harness.labs.roots.rootfs import DEVICES, FILES
from harness.labs.roots.within import within

MOUNTPOINTS: Final = ("mnt", "dev", "proc", "tmp", "run")
_WHEN: Final = (0, 0)
"""The time of what is made here: the same image is the same, whenever it is made."""


def settle(root: Path) -> None:
    """Make a root file system one that servers run in. No link in it is followed out of it."""
    # Reachable for the servers' user, whatever the umask of the caller.
    root.chmod(0o755)
    for name in (*MOUNTPOINTS, "etc"):
        _real_folder(root, name)
    for device in DEVICES:
        _file(root / "dev" / device, "")
    for name, text in FILES.items():
        _file(root / name, text)


def _real_folder(root: Path, name: str) -> None:
    """What is a link to a folder gets its contents; what is something else gives way."""
    place = root / name
    if place.is_symlink():
        found = place
        with suppress(OSError):  # A circle of links.
            found = within(root, name)
        place.unlink()
        if found.is_dir() and not place.is_relative_to(found):
            found.rename(place)
    elif place.exists() and not place.is_dir():
        place.unlink()
    place.mkdir(exist_ok=True)
    place.chmod(0o755)


def _file(path: Path, text: str) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)
    path.write_text(text)
    path.chmod(0o644)
    os.utime(path, _WHEN)
