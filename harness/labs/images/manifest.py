"""What is recorded of a finished image, so that a truncated, missing or changed file is noticed."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

BAD = (OSError, ValidationError)
"""What reading a manifest raises when there is no good one."""


class Manifest(BaseModel):
    """``complete.json``: written last, when everything else of the image is in place."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    schema_version: Literal[1] = 1
    suite: str
    samba: str
    """The version of the samba package; "" for an image without it."""
    recipe: str
    """Digest of what the image was built from (``Image.recipe``)."""
    tree: str
    """Digest of the tree (``digest``)."""
    files: int
    size: int
    """Bytes of all files."""


@dataclass(frozen=True, slots=True)
class Tree:
    """A directory tree in short."""

    digest: str
    files: int
    size: int
    """Bytes of all files."""


def digest(root: Path) -> Tree:
    """Digest the relative path, type, size and modification time of every file below ``root``.

    Contents are not read: 3,500 files take about 20 ms. Directories count by their names alone, for
    being a mount point changes nothing else in them.
    """
    lines: list[str] = []
    total = 0
    pending = [""]
    while pending:
        folder = pending.pop()
        try:
            # By a handle of the folder: the kernel finds each file in it, and not from the top again.
            with _opened(root, folder) as handle:
                for entry in os.scandir(handle):
                    info = entry.stat(follow_symlinks=False)
                    if stat.S_ISDIR(info.st_mode):
                        pending.append(f"{folder}{entry.name}/")
                        lines.append(pending[-1])
                    else:
                        total += info.st_size
                        kind = stat.S_IFMT(info.st_mode)
                        lines.append(f"{folder}{entry.name} {kind:o} {info.st_size} {info.st_mtime_ns}")
        except OSError as error:
            lines.append(f"unreadable {error.errno}")
    lines.sort()
    text = "\n".join(lines).encode("utf-8", "surrogateescape")
    return Tree(hashlib.sha256(text).hexdigest(), sum(not line.endswith("/") for line in lines), total)


@contextmanager
def _opened(root: Path, folder: str) -> Iterator[int]:
    handle = os.open(f"{root}/{folder}", os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield handle
    finally:
        os.close(handle)


def whole_seconds(root: Path) -> None:
    """Cut the modification time of every file to seconds: archives and layers of containers keep no more.

    Else a copy would look changed (measured: the layers that buildah 1.28 writes).
    """
    for folder, folders, names in os.walk(root):
        # A link to a folder is among the folders.
        for name in (*folders, *names):
            path = os.path.join(folder, name)  # noqa: PTH118 - thousands of files
            info = os.lstat(path)
            seconds = info.st_mtime_ns // 1_000_000_000 * 1_000_000_000
            os.utime(path, ns=(seconds, seconds), follow_symlinks=False)
