"""Paths of a root file system, followed as a program in it would follow them, from outside of it.

In a root file system that somebody else made, a link may lead anywhere: /etc/os-release of one would be that
of this machine, and a file that is written into it would land in somebody's home.
"""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import Final

MOST_LINKS: Final = 40
"""As many as the kernel follows (path_resolution(7))."""


def within(root: Path, path: str | PurePosixPath) -> Path:
    """Where a path of a root file system is for us: links lead where they lead in chroot(2), never out.

    What it names need not exist, and is no link itself. Raises OSError (ELOOP) for links in a circle.
    """
    left = list(reversed(PurePosixPath(path).parts))
    found: list[str] = []
    links = 0
    while left:
        part = left.pop()
        if part in ("/", "//"):
            found = []
        elif part == "..":
            # Above the root is the root.
            del found[-1:]
        else:
            target = None
            with suppress(OSError):
                target = root.joinpath(*found, part).readlink()
            if target is None:
                found.append(part)
                continue
            links += 1
            if links > MOST_LINKS:
                raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(root / path))
            left += reversed(target.parts)
    return root.joinpath(*found)


def text(root: Path, path: str) -> str | None:
    """What a file of a root file system says; None where there is none that can be read."""
    try:
        return within(root, path).read_text(errors="replace")
    except (OSError, ValueError):
        return None


def data(root: Path, path: str) -> bytes | None:
    """The same as bytes."""
    try:
        return within(root, path).read_bytes()
    except (OSError, ValueError):
        return None
