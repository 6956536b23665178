"""What a project adds to what can be rehearsed, as sources of a catalogue."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final

from harness.catalogue import Catalogue
from harness.catalogue.sources import FORMS, Kind, Source, in_folder
from harness.errors import UsageError
from harness.model import Check
from harness.projects import NAME, finding
from harness.projects.file import HINT, Project
from harness.system import files, own_code, trust
from harness.system.registry import nearest
from harness.system.toml_file import mistake

FOLDERS: Final[dict[str, tuple[Kind, ...]]] = {
    "mitigations": (Kind.MITIGATION, Kind.CODE),
    "personas": (Kind.PERSONA,),
    "servers": (Kind.SERVER, Kind.CODE),
    "clients": (Kind.CODE,),
    "exposures": (Kind.HOLES, Kind.CODE),
    "scenarios": (Kind.SCENARIO,),
}
"""The folders of a project, and the kinds of files that are found there."""


def sources(project: Project) -> tuple[Source, ...]:
    """The files of a project. A mistake in one leaves that one out.

    Raises UsageError where others can write one of them, or a folder on the way to it.
    """
    found = tuple(_found(project.folder))
    sound: set[Path] = set()
    for one in found:
        trust.check(one.file, sound)
        if one.kind is Kind.CODE:
            own_code.remember(files.read(one.file))
    return found


def here() -> tuple[Source, ...]:
    """What the project holds that somebody is in, for words that help; nothing where it cannot be read."""
    try:
        place = finding.of(None)
        return () if place is None else sources(place)
    except UsageError:
        return ()


def _found(folder: Path) -> Iterator[Source]:
    for name, kinds in FOLDERS.items():
        for kind in kinds:
            for one in in_folder(kind, folder / name):
                # As of our rooms: what begins with an underscore is for its neighbours.
                if not (FORMS[kind].suffix == ".py" and one.file.name.startswith("_")):
                    yield Source(kind, one.file, lenient=True)


def check_defaults(catalogue: Catalogue, project: Project) -> None:
    """Raises UsageError, with the line of rehearsal.toml, where a default selects nothing that there is."""
    defaults = project.file.defaults
    known: dict[str, tuple[list[str] | None, Iterable[str]]] = {
        "clients": (defaults.clients, catalogue.clients),
        "checks": (defaults.checks, list(Check)),
    }
    for key, (patterns, names) in known.items():
        for number, pattern in enumerate(patterns or ()):
            if not any(fnmatchcase(name, pattern) for name in names):
                near = nearest(pattern, names)
                meant = f", did you mean {near[0]!r}?" if near else ""
                what = f"defaults.{key}: no {key.removesuffix('s')} is called {pattern!r}{meant}"
                file = project.folder / NAME
                raise mistake(file, files.text(file), ("defaults", key, number), what, HINT)
