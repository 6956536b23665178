"""``rehearse replay``: measure cells of a run once more, and say whether they come out the same."""

from __future__ import annotations

import argparse
import random
import sys
from dataclasses import replace

from harness.catalogue import Catalogue
from harness.comparison import replays
from harness.comparison.replays import Replay, Replayed
from harness.errors import UsageError
from harness.record import folders, readback, replaying
from harness.report import replayed
from harness.report.documents import replay as replay_document
from harness.report.language import of_reader
from harness.report.page import console_for
from harness.system.plain import many, say
from harness.verbs import remote_libvirt
from harness.verbs.ending import FAULT, OK, UNEXPECTED
from harness.verbs.run import measure, new_folder

SEEDS = 10**6


def replay(options: argparse.Namespace) -> int:
    """Measure cells again under what was recorded: 0 the same, 1 different, 2 a fault.

    Raises UsageError, before anything is started, for a run that cannot be trusted, and for a cell that it
    has not.
    """
    if not (options.what or options.sample):
        raise UsageError(
            "no cell is named", "name cells of the run, or draw some: rehearse replay --sample 20"
        )
    if options.seed is not None and not options.sample:
        raise UsageError("--seed says which cells --sample draws", "add: --sample 20")
    folder = replaying.folder_of(options.runs, options.run)
    recorded = replaying.read(folder)
    # Whatever is called so elsewhere: it is the run's own that is measured again.
    catalogue: Catalogue = options.catalogue.only(*folders.of_run(folder))
    cells = candidates = replaying.chosen(catalogue, recorded, options.what)
    seed: int | None = None
    if options.sample:
        seed = random.randrange(SEEDS) if options.seed is None else options.seed
        cells = replaying.drawn(recorded, candidates, options.sample, seed)
    made = replaying.plan_for(catalogue, recorded, cells)
    reached = remote_libvirt.within_reach(options, catalogue, made)
    if len(reached.cells) < len(made.cells):
        left = (f"{one.mitigation} on {one.subject}: {one.reason}" for one in reached.not_applicable)
        why = "; ".join(left)
        raise UsageError(f"not all of these cells can be measured here: {why}", "See: rehearse doctor")
    drawn = f", drawn by seed {seed}" if seed is not None else ""
    say(f"replaying {many(len(cells), 'cell')} of {folder.name}{drawn}")
    notes = tuple(replaying.changed_since(recorded, made))
    again = new_folder(catalogue, options.runs, made)
    status, now = measure(catalogue, again, options)
    # Only these cells: what else is in the run need not be known here any more.
    before = readback.result_of(catalogue, replace(recorded, plan=made))
    found = replays.compare(before, now, seed=seed, of=len(candidates), notes=notes)
    if status == 0 or now.cells:
        if options.json:
            print(replay_document.render_json(found))
        else:
            replayed.render(found, console_for(sys.stdout), of_reader(options.lang))
        say(f"run folder: {again}")
    return status or _status(found)


def _status(found: Replay) -> int:
    if found.same:
        return OK
    broken = found.many(Replayed.FAULT) + found.many(Replayed.NOT_MEASURED)
    return FAULT if broken or found.now.damage else UNEXPECTED
