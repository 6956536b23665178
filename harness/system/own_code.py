"""Which Python beside ours this user has let run: a run folder may hold some, and be a stranger's.

Of each file that was used here an empty file with the name of its SHA-256 is kept beside the runs.
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from pathlib import Path

from harness.errors import LabFault
from harness.system.paths import made_runs_dir, runs_dir


def remember(data: bytes) -> None:
    """The user lets this run: it is in a project of his. What cannot be written down is not remembered."""
    with suppress(OSError, LabFault):
        known = _known(data)
        if not known.exists():
            made_runs_dir()
            known.parent.mkdir(mode=0o700, exist_ok=True)
            known.touch(mode=0o600)


def is_known(data: bytes) -> bool:
    """Whether just this ran here."""
    return _known(data).exists()


def _known(data: bytes) -> Path:
    return runs_dir().parent / "code" / hashlib.sha256(data).hexdigest()
