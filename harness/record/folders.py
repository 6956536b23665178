"""Which run folder the user means."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

from harness.catalogue import Catalogue, Kind, Origin, Source
from harness.catalogue.sources import FORMS, in_folder
from harness.errors import UsageError
from harness.model import CellId
from harness.planning import sources
from harness.system import files, own_code, paths
from harness.system.plain import word
from harness.system.registry import nearest

LATEST, PREVIOUS = "latest", "previous"
"""Words that name a run: the one that was measured last, and the one before it."""


def of_run(folder: Path) -> tuple[Source, ...]:
    """The files that a run keeps: what of it is not built in.

    Raises UsageError for Python that was never used on this machine: a run folder may be a stranger's, and to
    read it runs no program of his.
    """
    found = _copies(folder)
    for one in found:
        if one.kind is Kind.CODE and not own_code.is_known(files.read(one.file)):
            raise UsageError(
                f"{one.file}: {folder.name} rests on this Python file, which was never used on this machine",
                "read it; to have it run as you, copy it into a project of yours: docs/your-project.md",
            )
    return found


def _copies(folder: Path) -> tuple[Source, ...]:
    return tuple(
        one
        for kind, form in FORMS.items()
        if form.kept
        for one in in_folder(kind, folder / form.folder, Origin.KEPT)
    )


def kept(folder: Path) -> dict[str, bytes]:
    """What is in the files that a run keeps, by their names. Raises UsageError."""
    return {f"{path.parent.name}/{path.name}": files.read(path) for path in copies(folder)}


def copies(folder: Path) -> Iterator[Path]:
    """Where a run has its copies of what is not built in."""
    return (one.file for one in _copies(folder))


def keep(folder: Path, catalogue: Catalogue, cells: Iterable[CellId]) -> None:
    """Copy into the run folder, which must tell everything later, what of these cells is not built in."""
    for name, source in sources.kept(catalogue, cells).items():
        (folder / name).parent.mkdir(exist_ok=True)
        shutil.copy(source.file, folder / name)


def by_age(home: Path) -> list[Path]:
    """The run folders below ``home`` in the order in which they were measured last."""
    return sorted(paths.run_folders(home), key=lambda folder: folder.stat().st_mtime_ns)


def called(folder: Path) -> str:
    """What a command takes for that run: "" for the newest of the usual place, the name of another there,
    else its path. ``rehearse report`` alone would show another run than the one that it stands below."""
    home = paths.runs_dir()
    if folder.absolute().parent != home.absolute():
        return word(str(folder.absolute()))
    return "" if by_age(home)[-1].name == folder.name else folder.name


def lasting(folder: Path) -> str:
    """The same for a document, which is read later, when another run is the newest: never ""."""
    return called(folder) or folder.name


def named(home: Path, name: str) -> Path:
    """The run folder of that name or path; the newest one for "" and "latest", "previous" is the one before.

    Raises UsageError when there is none.
    """
    if name and (Path(name) / "plan.json").exists():
        return Path(name).resolve()
    known = {folder.name: folder for folder in paths.run_folders(home)}
    if not known:
        called = f" called {name!r}, nor any other," if name not in ("", LATEST, PREVIOUS) else ""
        raise UsageError(f"there is no run{called} in {home}", "start one: rehearse run")
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
