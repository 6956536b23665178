"""Folders for what is thrown away afterwards; of a process that was killed, the next start removes them.

Whoever uses one holds a lock on it (flock(2)), which ends with its process however that ends.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from harness.errors import LabFault
from harness.system import locks

SHORT = Path("/tmp")
"""For folders of Unix sockets, whose path may have 107 bytes (unix(7)), whatever TMPDIR is."""
_PREFIX = "rehearse-"


@contextmanager
def folder(kind: str, base: Path | None = None) -> Iterator[Path]:
    """An empty folder that nobody else may enter, below ``base`` or where temporary files are (TMPDIR).

    Raises LabFault when there is no room for it.
    """
    path, lock = _made(kind, base)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
        os.close(lock)


def sweep() -> list[str]:
    """Remove this user's folders that nobody uses any more; their names."""
    removed = []
    for base in sorted({SHORT, Path(tempfile.gettempdir())}):
        for path in sorted(base.glob(f"{_PREFIX}*")):
            lock = _lock(path)
            if lock is None:
                continue
            shutil.rmtree(path, ignore_errors=True)
            os.close(lock)
            removed.append(path.name)
    return removed


def _made(kind: str, base: Path | None) -> tuple[Path, int]:
    while True:
        try:
            path = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{kind}-", dir=base))
        except OSError as error:
            said = error.strerror or error
            raise LabFault(f"no temporary folder: {said}", "make room, or set TMPDIR") from error
        # A sweep that comes in between takes it for one that nobody uses: then it is its to remove.
        if (lock := _lock(path)) is not None:
            return path, lock


def _lock(path: Path) -> int | None:
    """A descriptor that holds the lock of a folder of ours; None when it is in use, gone, or not ours."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return None
    with suppress(OSError):
        ours = os.fstat(handle).st_uid == os.geteuid() and locks.take(handle)
        if ours and os.path.samestat(os.fstat(handle), path.lstat()):
            return handle
    os.close(handle)
    return None
