"""Which run folder the user means."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from harness.clients import FOLDERS, add_folder, added_file, clients
from harness.errors import UsageError
from harness.exposures import add_file, exposures, known_holes
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


def find(home: Path, name: str) -> Path:
    """The run folder, as ``named``; the personas that it keeps are clients from now on."""
    folder = named(home, name)
    _know(folder)
    return folder


def _know(folder: Path) -> None:
    """Raises UsageError where what a run keeps cannot be read, or has the name of another thing."""
    if (folder / PERSONAS).is_dir():
        add_folder(folder / PERSONAS)
    for file in sorted((folder / EXPOSURES).glob("*.toml")):
        if files.read(file) not in {files.read(known) for known in known_holes.added()}:
            add_file(file)


@contextmanager
def knowing(folder: Path, *, alone: bool = False) -> Iterator[None]:
    """Meanwhile the personas and exposures of this run are known: another run may have others so named.

    ``alone``: and none that were added otherwise.
    """
    before = {name: os.environ.get(name) for name in (FOLDERS, known_holes.FILES)}
    try:
        if alone:
            for name in before:
                os.environ.pop(name, None)
            clients.cache_clear()
            exposures.cache_clear()
        _know(folder)
        yield
    finally:
        if any(os.environ.get(name) != value for name, value in before.items()):
            for name, value in before.items():
                os.environ.pop(name, None)
                os.environ.update({name: value} if value is not None else {})
            clients.cache_clear()
            exposures.cache_clear()


def kept(folder: Path) -> dict[str, bytes]:
    """The files of personas and exposures that a run keeps, by their names. Raises UsageError."""
    places = (path for room in (PERSONAS, EXPOSURES) for path in sorted((folder / room).glob("*.toml")))
    return {f"{path.parent.name}/{path.name}": files.read(path) for path in places}


def keep_exposures(folder: Path) -> None:
    """Copy the files of exposures that are not ours into the run folder."""
    for number, source in enumerate(known_holes.added()):
        (folder / EXPOSURES).mkdir(exist_ok=True)
        shutil.copy(source, folder / EXPOSURES / sources.kept_name(number, source))


def keep_personas(folder: Path, names: Iterable[str]) -> None:
    """Copy the files of clients that are not ours into the run folder, which must tell everything later."""
    for name in names:
        source = added_file(name)
        if source is not None:
            (folder / PERSONAS).mkdir(exist_ok=True)
            shutil.copy(source, folder / PERSONAS)


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
        by_age = sorted(known.values(), key=lambda folder: folder.stat().st_mtime_ns)
        if name == PREVIOUS and len(by_age) < 2:
            raise UsageError(f"there is no run before {by_age[0].name}", "See: rehearse list runs")
        return by_age[-2 if name == PREVIOUS else -1]
    if name not in known:
        near = nearest(name, [*known, LATEST, PREVIOUS])
        meant = f"did you mean {' or '.join(near)}? " if near else ""
        raise UsageError(f"there is no run called {name!r}", f"{meant}See: rehearse list runs")
    return known[name]
