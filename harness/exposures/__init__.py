"""The room of exposures: one file each; known holes are data with one file for all."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

from harness.errors import UsageError
from harness.exposures.base import Exposure
from harness.exposures.known_holes import FILES, added, read
from harness.system.registry import collect


@cache
def exposures() -> dict[str, Exposure]:
    """Every exposure there is, by name: those of this room, then those of the files added to it.

    Raises UsageError for a file that is wrong, or for a name that another exposure has.
    """
    found = collect("harness.exposures", "EXPOSURES", Exposure)
    for path in added():
        for hole in read(path):
            if hole.name in found:
                raise UsageError(
                    f"{path}: there is another exposure called {hole.name!r}", "rename one of them"
                )
            found[hole.name] = hole
    return found


def add_file(path: Path) -> None:
    """The holes of this file are exposures too, here and in every process started from now on.

    Raises UsageError when the file is wrong.
    """
    read(path)
    resolved = str(path.resolve())
    known = list(map(str, added()))
    if resolved not in known:
        os.environ[FILES] = os.pathsep.join([*known, resolved])
        exposures.cache_clear()
    exposures()
