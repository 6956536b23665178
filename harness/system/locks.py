"""Locks on files (flock(2)): the kernel lets go of them when the file is closed, however its holder ended."""

from __future__ import annotations

import fcntl
from typing import Protocol


class _WithDescriptor(Protocol):
    def fileno(self) -> int: ...


def take(file: int | _WithDescriptor, *, shared: bool = False, wait: bool = False) -> bool:
    """Lock an open file; False when somebody else has it.

    ``shared``: with others who share it, and only for as long as nobody has it alone. ``wait``: as long as it
    takes; for locks that are held for a moment. A lock that is held already is changed. Raises OSError where
    the file system has no locks.
    """
    kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    try:
        fcntl.flock(file, kind if wait else kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
