"""Which run folder the user means."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

from harness.catalogue import Catalogue, Kind, Origin, Source
from harness.catalogue.sources import holes_in, personas_in
from harness.errors import UsageError
from harness.planning import sources
from harness.record import journal
from harness.system import files
from harness.system.registry import nearest

EXPOSURES = "exposures"
"""The folder in a run folder with the files of exposures that came from elsewhere."""
PERSONAS = "personas"
"""The folder in a run folder with the persona files of clients that came from elsewhere."""


LATEST, PREVIOUS = "latest", "previous"
"""Words that name a run: the one that was measured last, and the one before it."""


def of_run(folder: Path) -> tuple[Source, ...]:
    """The personas and known holes that a run keeps: clients and exposures of it that are not built in.

    Raises UsageError where one cannot be read.
    """
    personas = personas_in(folder / PERSONAS, Origin.KEPT) if (folder / PERSONAS).is_dir() else ()
    holes = (holes_in(file, Origin.KEPT) for file in sorted((folder / EXPOSURES).glob("*.toml")))
    return (*personas, *holes)


def kept(folder: Path) -> dict[str, bytes]:
    """The files of personas and exposures that a run keeps, by their names. Raises UsageError."""
    return {f"{path.parent.name}/{path.name}": files.read(path) for path in copies(folder)}


def copies(folder: Path) -> Iterator[Path]:
    """Where a run has its copies of personas and exposures."""
    return (path for room in (PERSONAS, EXPOSURES) for path in sorted((folder / room).glob("*.toml")))


def keep(folder: Path, catalogue: Catalogue, clients: Iterable[str]) -> None:
    """Copy what is not built in into the run folder, which must tell everything later.

    Of personas those of these clients, of known holes all: every run looks for each.
    """
    for persona in filter(None, (catalogue.file("client", name) for name in clients)):
        (folder / PERSONAS).mkdir(exist_ok=True)
        shutil.copy(persona, folder / PERSONAS)
    for number, holes in enumerate(catalogue.files(Kind.HOLES)):
        (folder / EXPOSURES).mkdir(exist_ok=True)
        shutil.copy(holes, folder / EXPOSURES / sources.kept_name(number, holes))


def by_age(home: Path) -> list[Path]:
    """The run folders below ``home`` in the order in which they were measured last."""
    return sorted(journal.runs(home), key=lambda folder: folder.stat().st_mtime_ns)


def named(home: Path, name: str) -> Path:
    """The run folder of that name or path; the newest one for "" and "latest", "previous" is the one before.

    Raises UsageError when there is none.
    """
    if name and (Path(name) / "plan.json").exists():
        return Path(name).resolve()
    known = {folder.name: folder for folder in journal.runs(home)}
    if not known:
        raise UsageError(f"there is no run in {home}", "start one: rehearse run")
    if name in ("", LATEST, PREVIOUS) and name not in known:
        found = by_age(home)
        if name == PREVIOUS and len(found) < 2:
            raise UsageError(f"there is no run before {found[0].name}", "See: rehearse list runs")
        return found[-2 if name == PREVIOUS else -1]
    if name not in known:
        near = nearest(name, [*known, LATEST, PREVIOUS])
        meant = f"did you mean {' or '.join(near)}? " if near else ""
        raise UsageError(f"there is no run called {name!r}", f"{meant}See: rehearse list runs")
    return known[name]
