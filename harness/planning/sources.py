"""The user's own files that a run rests on: which they were, and what became of them since."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from harness.catalogue import Catalogue, Kind
from harness.catalogue import sources as catalogued
from harness.catalogue.sources import FORMS
from harness.errors import UsageError
from harness.model import CellId
from harness.planning.plan import Source, SourceKind
from harness.planning.scenario import Script
from harness.system import files


def of_scripts(catalogue: Catalogue, scripts: Iterable[Script]) -> tuple[Source, ...]:
    """The scenario files that are not ours. Raises UsageError for one that went away meanwhile."""
    ours = {path.resolve() for path in catalogue.scenarios.values()}
    return tuple(
        _source(SourceKind.SCENARIO, one.name, one.path) for one in scripts if one.path.resolve() not in ours
    )


KINDS: Final = {
    Kind.PERSONA: SourceKind.PERSONA,
    Kind.HOLES: SourceKind.EXPOSURES,
    Kind.MITIGATION: SourceKind.MITIGATION,
    Kind.SERVER: SourceKind.SERVER,
}
"""What a file of a catalogue decides in a run."""


_NUMBERED: Final = (Kind.HOLES, Kind.SERVER)
"""Kinds of which several files may have the same name: nothing in them is called as their file is."""


def kept(catalogue: Catalogue, cells: Iterable[CellId]) -> dict[str, catalogued.Source]:
    """What a run of these cells rests on that is not built in: the name of the run's copy -> the file."""
    things = [
        thing
        for cell in cells
        for thing in (("mitigation", cell.mitigation), ("server", cell.server), ("client", cell.client))
    ]
    found: dict[str, catalogued.Source] = {}
    numbers = dict.fromkeys(_NUMBERED, 0)
    for source in catalogue.used(things):
        name = source.file.name
        if source.kind in numbers:
            name = f"{numbers[source.kind]}-{source.file.name}"
            numbers[source.kind] += 1
        found[f"{FORMS[source.kind].folder}/{name}"] = source
    return found


def added(catalogue: Catalogue, cells: Iterable[CellId]) -> tuple[Source, ...]:
    """The files that a run of these cells rests on and keeps copies of. Raises UsageError."""
    return tuple(
        _source(KINDS[one.kind], name.partition("/")[2], one.file)
        for name, one in kept(catalogue, cells).items()
    )


def _source(kind: SourceKind, name: str, path: Path) -> Source:
    return Source(kind, name, str(path.resolve()), _digest(path))


def is_same(source: Source, path: Path) -> bool:
    """Whether a file holds what was measured with. Raises UsageError where it cannot be read."""
    return _digest(path) == source.sha256


def since(source: Source) -> str:
    """What became of a file since: "has changed since", "is gone"; "" where it is as it was."""
    path = Path(source.path)
    if not path.exists():
        return "is gone"
    try:
        return "" if is_same(source, path) else "has changed since"
    except UsageError as error:
        return f"cannot be read any more ({error.message})"


def _digest(path: Path) -> str:
    return hashlib.sha256(files.read(path)).hexdigest()
