"""What a run came to in a few numbers, kept beside its journal so that a list of runs need not read them all.

    <run>/outline.json    what was counted, and of which journal and plan by which smb-rehearsal

It is no part of the truth: it is made of the journal, used only while journal, plan and program are those it
was made of, and made anew otherwise. Reading a journal of 140 MB takes ten seconds (measured).
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import UsageError
from harness.system import files, version

if TYPE_CHECKING:
    from harness.catalogue import Catalogue

_FILE = "outline.json"
_MOST = 2**16


@dataclass(frozen=True, slots=True)
class Outline:
    """One run in short."""

    cells: int
    """Measured."""
    planned: int
    complete: bool
    tally: Mapping[str, int]
    """Effect -> how many cells have it; in the order of reports."""
    damage: str = ""
    """As ``Recorded.damage``."""


def of(catalogue: Callable[[], Catalogue], folder: Path) -> Outline:
    """A run in short. Raises UsageError when it is not a run folder, or one of another format.

    ``catalogue`` makes what there is, with what the run keeps; it is asked where nothing is kept of the run.
    """
    origin = _made_of(folder)
    if kept := _read(folder, origin):
        return kept
    # Loaded for a run of which nothing is kept: most lists read none as a whole.
    from harness.record import journal, readback

    result = readback.result_of(catalogue(), journal.load(folder))
    made = Outline(len(result.cells), result.planned, result.complete, result.summary(), result.damage)
    # A run that goes on is another one with its next line.
    if made.complete and origin == _made_of(folder):
        _write(folder, origin, made)
    return made


def _made_of(folder: Path) -> list[str]:
    """What tells this state of a run from every other: its files, and who understands them."""
    found = [version.state()]
    for name in ("journal.jsonl", "plan.json"):
        with suppress(OSError):
            seen = (folder / name).stat()
            found.append(f"{name} {seen.st_ino} {seen.st_size} {seen.st_mtime_ns}")
    return found


def _read(folder: Path, origin: list[str]) -> Outline | None:
    """What was kept, if it is of this very state."""
    try:
        kept = json.loads(files.read(folder / _FILE, most=_MOST))
        return _outline(kept["outline"]) if kept["made_of"] == origin else None
    except (UsageError, ValueError, TypeError, KeyError):
        return None


def _outline(kept: Mapping[str, object]) -> Outline:
    """Raises TypeError or ValueError for what ``_write`` did not write."""
    made = Outline(**kept)  # type: ignore[arg-type]
    numbers = (made.cells, made.planned, *made.tally.values())
    if not all(type(number) is int for number in numbers) or not isinstance(made.complete, bool):
        raise ValueError(kept)
    if not isinstance(made.damage, str):
        raise ValueError(kept)
    return made


def _write(folder: Path, origin: list[str], made: Outline) -> None:
    """Keep it, where somebody may write there; nothing is lost otherwise."""
    # Two lists at once write the same.
    part = folder / f"{_FILE}.{os.getpid()}"
    try:
        part.write_text(json.dumps({"made_of": origin, "outline": asdict(made)}), "ascii")
        part.replace(folder / _FILE)
    except OSError:
        with suppress(OSError):
            part.unlink(missing_ok=True)
