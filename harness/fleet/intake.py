"""Files that somebody collected, read into a stored fleet; and what each of them held."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from harness.errors import UsageError
from harness.fleet import merging, opening
from harness.fleet.machine import Fleet
from harness.fleet.reading import Tally
from harness.fleet.records import Gathering, Record
from harness.fleet.sighting import Place, Sighting
from harness.fleet.store import FileOf, Stored
from harness.system import files
from harness.system.paths import absolute

if TYPE_CHECKING:
    from harness.learn.matching import KnownPersona

_DIGITS: Final = 16
_PIECE: Final = 2**20


@dataclass(frozen=True, slots=True)
class Read:
    """What one file held."""

    name: str
    """As the user named it."""
    kind: str = ""
    """The importer that read it."""
    machines: int = 0
    sightings: int = 0
    nobody: int = 0
    """Sightings that name no address, no name and no kind: nobody can be told by them."""
    tally: Tally = field(default_factory=Tally)
    again: datetime | None = None
    """When it was read already: the very same file, which counts once; None for a new one."""
    failed: str = ""
    """Why it could not be read at all, in one line; "" where it could."""


@dataclass(frozen=True, slots=True)
class Imported:
    """What ``fleet import`` came to."""

    fleet: Fleet
    """With what was read, placed."""
    done: Sequence[Read]
    before: int
    """Machines that the fleet had."""
    file: str
    """Where it is kept."""
    hashed: bool
    """Addresses and names are kept as hashes."""


def take(stored: Stored, path: Path, kind: str, known: Callable[[], Sequence[KnownPersona]]) -> Read:
    """Read one more file into a fleet. Raises UsageError where it cannot be read at all."""
    number = _digest(path)
    before = next((one for one in stored.files if one.id == number), None)
    if before is not None:
        return Read(str(path), before.kind, before.machines, before.sightings, again=before.imported)
    read, records = records_of(path, kind, known, number)
    now = datetime.now(UTC).replace(microsecond=0)
    stored.take(
        FileOf(
            id=number,
            place=_place(path),
            name=path.name[:200],
            kind=read.kind,
            imported=now,
            lines=read.tally.lines,
            sightings=read.sightings,
            machines=read.machines,
        ),
        records,
    )
    return read


def records_of(
    path: Path, kind: str, known: Callable[[], Sequence[KnownPersona]], number: str = ""
) -> tuple[Read, list[Record]]:
    """What a file says, without a store. Raises UsageError as ``take``."""
    opened = opening.opened(path, kind, known)
    gathering = Gathering(number or _digest(path), _place(path))
    count = 0
    for one in _without_folder(opened.sightings):
        gathering.add(one)
        count += 1
    records = gathering.records()
    machines = merging.number(records)
    return (
        Read(str(path), opened.kind, machines, count, gathering.nobody, opened.tally),
        records,
    )


def _without_folder(sightings: Iterator[Sighting]) -> Iterator[Sighting]:
    """The place of what names a kind is kept: a folder may be called like its owner."""
    for one in sightings:
        if one.persona:
            yield replace(one, place=Place(Path(one.place.source).name, one.place.line))
        else:
            yield one


def _digest(path: Path) -> str:
    try:
        files.check(path)
        made = hashlib.sha256()
        with path.open("rb") as file:
            while piece := file.read(_PIECE):
                made.update(piece)
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror or error}") from error
    return made.hexdigest()[:_DIGITS]


def _place(path: Path) -> str:
    return hashlib.sha256(str(absolute(path)).encode("utf-8", "surrogateescape")).hexdigest()[:_DIGITS]
