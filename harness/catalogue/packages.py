"""Packages of others that add to what can be rehearsed, by their entry points.

    [project.entry-points."smb_rehearsal.mitigations"]
    ours = "our_package.mitigations"            # a module with MITIGATIONS, or MODULE:THING

The groups are those of ``GROUPS``. That of scenarios names a package whose modules are the scripts.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Final

from harness.catalogue.sources import Kind, Origin, Source, in_folder
from harness.system import files

PREFIX: Final = "smb_rehearsal."
GROUPS: Final = tuple(
    f"{PREFIX}{room}" for room in ("mitigations", "servers", "clients", "exposures", "scenarios")
)
"""The groups of entry points that add something."""


def installed() -> tuple[Source, ...]:
    """What the packages that are installed beside this one add; of one that cannot be found, why."""
    known = entry_points()
    every = (one for group in GROUPS for one in sorted(known.select(group=group), key=lambda one: one.value))
    return tuple(source for one in dict.fromkeys(every) for source in _sources(one))


def _sources(entry: EntryPoint) -> Iterator[Source]:
    by = f"{entry.dist.name} {entry.dist.version}" if entry.dist else entry.value
    room = entry.group.removeprefix(PREFIX)
    why = f"there is no module {entry.module}"
    try:
        found = importlib.util.find_spec(entry.module)
    except (Exception, SystemExit) as error:
        # To find a module of a package is to run the package.
        found, why = None, files.why(error)
    if room == "scenarios" and found and found.submodule_search_locations:
        for folder in found.submodule_search_locations:
            for source in in_folder(Kind.SCENARIO, Path(folder), Origin.PACKAGE):
                yield Source(source.kind, source.file, Origin.PACKAGE, lenient=True, by=by)
    elif room != "scenarios" and found and found.origin:
        file = Path(found.origin)
        yield Source(Kind.PACKAGE, file, Origin.PACKAGE, lenient=True, by=by, entry=f"{room}={entry.value}")
    else:
        if found:
            why = f"{entry.module} is no {'package of scripts' if room == 'scenarios' else 'file'}"
        # It goes the way of all sources, and is left out where they are read.
        wrong = f"{entry.group}: {why}"
        named = Path(entry.value)
        yield Source(
            Kind.PACKAGE,
            named,
            Origin.PACKAGE,
            lenient=True,
            by=by,
            entry=f"{room}={entry.value}",
            wrong=wrong,
        )
