"""Which run folder the user means."""

from __future__ import annotations

from pathlib import Path

from harness import journal
from harness.errors import UsageError
from harness.registry import nearest


def find(home: Path, name: str) -> Path:
    """The run folder of that name or path; the newest one for "". Raises UsageError when there is none."""
    if name and (Path(name) / "plan.json").exists():
        return Path(name).resolve()
    known = {folder.name: folder for folder in journal.runs(home)}
    if not known:
        raise UsageError(f"there is no run in {home}", "start one: rehearse run")
    if not name:
        return max(known.values(), key=lambda folder: folder.stat().st_mtime_ns)
    if name not in known:
        near = nearest(name, known)
        meant = f"did you mean {' or '.join(near)}? " if near else ""
        raise UsageError(f"there is no run called {name!r}", f"{meant}See: rehearse list runs")
    return known[name]
