"""What is around us that we cannot work with, where a call failed for that: no bug of ours."""

from __future__ import annotations

import errno
import os
import resource
from typing import Final

_DISK: Final = "make room there, or choose another folder"
_KNOWN: Final = {
    errno.EMFILE: ("too few files may be open in this shell", "raise the limit: ulimit -n 1024"),
    errno.ENFILE: ("this machine has as many files open as it may (fs.file-max)", "end other programs"),
    errno.ENOMEM: ("memory ran out", "end other programs, or use fewer workers: --workers 1"),
    errno.ENOSPC: ("the disk is full", _DISK),
    errno.EDQUOT: ("this user's share of the disk is full", _DISK),
    errno.EFBIG: ("a file may not become so large (ulimit -f)", "raise the limit: ulimit -f unlimited"),
    errno.EROFS: ("the file system can only be read", "choose a folder that can be written"),
    errno.EACCES: ("this user may not use it", "ask its owner, or choose another folder"),
}
_PROCESSES: Final = "this user may have no more processes", "raise the limit: ulimit -u 4096"
_NO_THREAD: Final = "can't start new thread"
"""What Python says in a RuntimeError where pthread_create(3) answers EAGAIN."""


NOEXEC: Final = "no program can be run from its file system (mounted noexec)"
_NOEXEC: Final = "failed to map segment from shared object"
"""What ld.so(8) says of a library there."""
_NO_UTF_8: Final = "surrogates not allowed"
"""What Python, and pydantic, say where they should write a name of bytes that are no UTF-8."""
_SHOWN: Final = 200
"""Characters of a name; what is longer is a text in which the name stands."""


def lack(error: BaseException) -> str:
    """What was lacking, and what to do about it; "" where the error does not come from that."""
    if _NO_UTF_8 in str(error):
        named = error.object if isinstance(error, UnicodeEncodeError) and len(error.object) <= _SHOWN else ""
        shown = f" ({os.fsencode(named)!r})" if named else ""
        return f"the name of a file or folder is no UTF-8{shown}; rename it, or choose another"
    if isinstance(error, MemoryError):
        why, mend = _KNOWN[errno.ENOMEM]
    elif isinstance(error, ImportError) and _NOEXEC in str(error):
        why, mend = f"{error.path or error}: {NOEXEC}", "install it elsewhere"
    elif isinstance(error, RuntimeError) and _NO_THREAD in str(error):
        why, mend = _PROCESSES
    elif isinstance(error, OSError) and error.errno in _KNOWN:
        why, mend = _KNOWN[error.errno]
    else:
        return ""
    if isinstance(error, OSError) and error.errno == errno.EMFILE:
        why += f" (ulimit -n: {resource.getrlimit(resource.RLIMIT_NOFILE)[0]})"
    elif isinstance(error, OSError) and isinstance(error.filename, str | bytes):
        name, home = os.fsdecode(error.filename), os.environ.get("HOME", "")
        why = f"{name}: {why}"
        if error.errno == errno.EACCES and home and name.startswith(f"{home}/"):
            mend = f"set HOME to your own directory, for it is {home} (sudo may keep it: sudo -H)"
    return f"{why}; {mend}"
