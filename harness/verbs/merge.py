"""``rehearse merge``: one run of those that measured the shards of a plan."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from harness.catalogue import Catalogue
from harness.errors import UsageError
from harness.labs import cleanup
from harness.record import folders, journal, merging, readback, shards
from harness.report.formats import Source
from harness.system.plain import say
from harness.verbs import gating, outputs
from harness.verbs.ending import exit_status
from harness.verbs.run import new_folder


def merge(options: argparse.Namespace) -> int:
    """Make one run of shards, and report it; the exit status is its verdict, as of ``report``.

    Raises UsageError for runs that do not make one result together.
    """
    wanted = outputs.wanted(options)
    places = [folders.named(options.runs, name) for name in options.which]
    _same_data(places)
    catalogue: Catalogue = options.catalogue
    for place in places:
        catalogue = catalogue.adding(*folders.of_run(place))
    gates = gating.given(catalogue, options)
    for place in places:
        if cleanup.is_attended(place):
            raise UsageError(f"{place.name} is still being measured", "merge it when it has ended")
    parts = [journal.load(place) for place in places]
    plan, missing = shards.whole_of(parts)
    of = parts[0].plan.shard.of if parts[0].plan.shard else 0
    folder: Path = new_folder(catalogue, options.runs, plan)
    for line in merging.fill(folder, parts):
        say(f"rehearse: {line}")
    # All of it is in the new folder: what is read of that takes as much memory once more.
    del parts
    result = gates.held_against(readback.result_of(catalogue, journal.load(folder)))
    if missing:
        say(f"rehearse: missing: {', '.join(f'shard {number}/{of}' for number in missing)}")
    if not result.complete:
        measured = f"{len(result.cells)} of {result.planned} cells are measured"
        say(f"rehearse: {measured}; the rest: rehearse run --resume {folders.lasting(folder)}")
    if result.damage:
        say(f"rehearse: {result.run}: {result.damage}")
    source = Source(result, folder, catalogue, options.lang, called=folders.lasting(folder))
    wanted.deliver(source)
    say(f"run folder: {folder}")
    return exit_status(result)


def _same_data(places: Sequence[Path]) -> None:
    """Raises UsageError where runs keep other data under the same name: no document can say both."""
    known: dict[str, tuple[Path, bytes]] = {}
    for place in places:
        for name, data in folders.kept(place).items():
            first, other = known.setdefault(name, (place, data))
            if other != data:
                raise UsageError(
                    f"{name} is not the same in {first.name} and in {place.name}",
                    "no document can say both: measure one of them again",
                )
