"""What a run came to in a few numbers, kept beside its journal so that a list of runs need not read them all.

    <run>/outline.json    what was counted, and of which journal and plan by which smb-rehearsal

It is no part of the truth: it is made of the journal, used only while journal, plan and program are those it
was made of, and made anew otherwise. Reading a journal of 140 MB takes ten seconds (measured).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from harness.catalogue import Catalogue
from harness.errors import UsageError
from harness.record import journal, readback
from harness.system import files
from harness.system.version import version

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


@dataclass(frozen=True, slots=True)
class _Kept:
    made_of: tuple[str, ...]
    outline: Outline


@cache
def _kept() -> TypeAdapter[_Kept]:
    return TypeAdapter(_Kept)


def of(catalogue: Callable[[], Catalogue], folder: Path) -> Outline:
    """A run in short. Raises UsageError when it is not a run folder, or one of another format.

    ``catalogue`` makes what there is, with what the run keeps; it is asked where nothing is kept of the run.
    """
    origin = _made_of(folder)
    if kept := _read(folder, origin):
        return kept
    result = readback.result_of(catalogue(), journal.load(folder))
    made = Outline(len(result.cells), result.planned, result.complete, result.summary(), result.damage)
    # A run that goes on is another one with its next line.
    if made.complete and origin == _made_of(folder):
        _write(folder, _Kept(origin, made))
    return made


def _made_of(folder: Path) -> tuple[str, ...]:
    """What tells this state of a run from every other: its files, and who understands them."""
    found = [version()]
    for name in ("journal.jsonl", "plan.json"):
        with suppress(OSError):
            seen = (folder / name).stat()
            found.append(f"{name} {seen.st_ino} {seen.st_size} {seen.st_mtime_ns}")
    return tuple(found)


def _read(folder: Path, origin: tuple[str, ...]) -> Outline | None:
    """What was kept, if it is of this very state."""
    try:
        kept = _kept().validate_json(files.read(folder / _FILE, most=_MOST))
    except (UsageError, ValidationError):
        return None
    return kept.outline if kept.made_of == origin else None


def _write(folder: Path, kept: _Kept) -> None:
    """Keep it, where somebody may write there; nothing is lost otherwise."""
    # Two lists at once write the same.
    part = folder / f"{_FILE}.{os.getpid()}"
    try:
        part.write_bytes(_kept().dump_json(kept))
        part.replace(folder / _FILE)
    except OSError:
        with suppress(OSError):
            part.unlink(missing_ok=True)
