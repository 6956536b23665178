"""Old run folders, removed when the user asks for it; the newest stay, and whatever somebody works on."""

from __future__ import annotations

import shutil
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from harness.errors import LabFault, UsageError
from harness.record import folders, journal
from harness.system import files, locks
from harness.system.plain import many

KEEP: Final = 20
"""So many of the newest runs stay where nobody says how many."""
_GOING: Final = ".removed-"
"""How a folder is called while it is removed: what is half there is no run any more."""


@dataclass(slots=True)
class Pruned:
    """What came of the runs of a folder."""

    removed: list[str] = field(default_factory=list)
    kept: list[Path] = field(default_factory=list)
    """The newest."""
    spared: list[str] = field(default_factory=list)
    """Older ones that stay, each with why."""

    def __str__(self) -> str:
        since = f", the oldest of {_day(self.kept[0])}" if self.kept else ""
        return f"kept {many(len(self.kept), 'run')}{since}"


def prune(home: Path, keep: int) -> Pruned:
    """Remove all runs below ``home`` but the ``keep`` that were measured last.

    A run that a command works on stays, and so does what is no run folder of this program. Raises LabFault
    where one cannot be removed.
    """
    try:
        for left in home.glob(f"{_GOING}*"):
            shutil.rmtree(left)
        by_age = folders.by_age(home)
        old, found = by_age[: max(0, len(by_age) - keep)], Pruned(kept=by_age[max(0, len(by_age) - keep) :])
        for folder in old:
            if why := _why_not(folder):
                found.spared.append(f"{folder.name}: {why}")
            elif _remove(folder):
                found.removed.append(folder.name)
            else:
                found.spared.append(f"{folder.name}: a command works on it")
    except OSError as error:
        raise LabFault(f"{error.filename}: {error.strerror}", "remove it as its owner") from error
    return found


def _why_not(folder: Path) -> str:
    if folder.is_symlink():
        return "is a link"
    try:
        journal.plan_of(folder)
    except UsageError as error:
        return f"its plan cannot be read: {error.message.rpartition(': ')[2]}"
    return ""


def _remove(folder: Path) -> bool:
    """Remove a run; False where somebody works on it. Nobody can begin to meanwhile."""
    with ExitStack() as held:
        for name in (journal.ATTENDED, "lock"):
            path = folder / name
            if path.exists():
                files.check(path)
                if not locks.take(held.enter_context(path.open("a"))):
                    return False
        gone = folder.rename(folder.with_name(f"{_GOING}{folder.name}"))
        shutil.rmtree(gone)
    return True


def _day(folder: Path) -> str:
    return datetime.fromtimestamp(folder.stat().st_mtime, UTC).strftime("%Y-%m-%d")
