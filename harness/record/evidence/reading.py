"""Which cells of a run have evidence. Only names are read: nothing in a run folder is believed or loaded."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from harness.model import CellId
from harness.record.evidence import MANIFEST, PLACE, folder_of


def places(folder: Path, cells: Iterable[CellId]) -> dict[CellId, str]:
    """The folders with the evidence of these cells, relative to the run folder, with / between their parts.

    A link is none: it may lead to anywhere.
    """
    there: dict[str, str] = {}
    for place in _homes(folder):
        with suppress(OSError), os.scandir(folder / place) as found:
            for one in found:
                if one.is_dir(follow_symlinks=False) and Path(one.path, MANIFEST).is_file():
                    there[one.name] = f"{place}/{one.name}"
    if not there:
        return {}
    return {cell: there[name] for cell in cells if (name := folder_of(cell)) in there}


def files(folder: Path, place: str) -> frozenset[str]:
    """The names of the regular files in the evidence of a cell."""
    with suppress(OSError), os.scandir(folder / place) as found:
        return frozenset(one.name for one in found if one.is_file(follow_symlinks=False))
    return frozenset()


def _homes(folder: Path) -> list[str]:
    """A run's own, or those of the shards that it was merged of."""
    shards = sorted(path.parent.name for path in folder.glob("evidence/shard-*-of-*/cells"))
    homes = [PLACE, *(f"evidence/{name}/cells" for name in shards)]
    return [home for home in homes if not (folder / home).is_symlink()]
