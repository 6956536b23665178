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
from harness.result import FileSince
from harness.servers.base import Server
from harness.system import files


def of_scripts(catalogue: Catalogue, scripts: Iterable[Script]) -> tuple[Source, ...]:
    """The scenario files that are not ours. Raises UsageError for one that went away meanwhile."""
    ours = {
        path.resolve() for name, path in catalogue.scenarios.items() if not catalogue.whose("scenario", name)
    }
    return tuple(
        _source(SourceKind.SCENARIO, one.name, one.path) for one in scripts if one.path.resolve() not in ours
    )


KINDS: Final = {
    Kind.PERSONA: SourceKind.PERSONA,
    Kind.HOLES: SourceKind.EXPOSURES,
    Kind.MITIGATION: SourceKind.MITIGATION,
    Kind.SERVER: SourceKind.SERVER,
    Kind.CODE: SourceKind.CODE,
    Kind.PACKAGE: SourceKind.PACKAGE,
    Kind.IMAGE: SourceKind.IMAGE,
}
"""What a file of a catalogue decides in a run."""


def _used(catalogue: Catalogue, cells: Iterable[CellId]) -> tuple[catalogued.Source, ...]:
    """What a run of these cells rests on that is not built in."""
    return catalogue.used(
        thing
        for cell in cells
        for thing in (
            ("mitigation", cell.mitigation),
            ("server", cell.server),
            ("client", cell.client),
            *(("image", name) for name in _images(catalogue.servers[cell.server])),
        )
    )


def _images(server: Server) -> tuple[str, ...]:
    """The images that a server may run from, with those of its upgrades."""
    return (server.image, *server.upgrades.values())


def kept(catalogue: Catalogue, cells: Iterable[CellId]) -> dict[str, catalogued.Source]:
    """What a run of these cells keeps copies of: the name of the copy in its folder -> the file."""
    found: dict[str, catalogued.Source] = {}
    number = dict.fromkeys(Kind, 0)
    for source in _used(catalogue, cells):
        form, name = FORMS[source.kind], source.file.name
        if not form.kept:
            continue
        if form.renamed:
            name = f"{number[source.kind]}-{name}"
            number[source.kind] += 1
        found[f"{form.folder}/{name}"] = source
    return found


def added(catalogue: Catalogue, cells: Iterable[CellId]) -> tuple[Source, ...]:
    """The files that a run of these cells rests on. Raises UsageError."""
    cells = tuple(cells)
    return (
        *(
            _source(KINDS[one.kind], name.partition("/")[2], one.file)
            for name, one in kept(catalogue, cells).items()
        ),
        *(
            _source(SourceKind.PACKAGE, one.by, one.file)
            for one in _used(catalogue, cells)
            if one.kind is Kind.PACKAGE
        ),
    )


def _source(kind: SourceKind, name: str, path: Path) -> Source:
    return Source(kind, name, str(path.resolve()), _digest(path))


def is_same(source: Source, path: Path) -> bool:
    """Whether a file holds what was measured with. Raises UsageError where it cannot be read."""
    return _digest(path) == source.sha256


def since(source: Source) -> FileSince | None:
    """What became of a file since; None where it is as it was."""
    path = Path(source.path)
    if not path.exists():
        return FileSince(source.kind, source.path, "gone")
    try:
        return None if is_same(source, path) else FileSince(source.kind, source.path, "changed")
    except UsageError as error:
        return FileSince(source.kind, source.path, "unreadable", error.message)


def _digest(path: Path) -> str:
    return hashlib.sha256(files.read(path)).hexdigest()
