"""What is reused is written into the journal of the new run, and what was measured in it is kept."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from harness.catalogue import Catalogue
from harness.errors import LabFault
from harness.exposures.survey import facts
from harness.model import CellId
from harness.planning.plan import Plan
from harness.record import circumstances, journal
from harness.record.entries import Begun, Ended, Entry, KnownClient, KnownExposures
from harness.record.evidence import MOST_OF_A_RUN, Wanted
from harness.record.journal import Recorded
from harness.record.rechecked import reused_changes
from harness.record.reused import Drawn, DrawnChange, Reused, ReusedChange
from harness.result.reuse import MeasuredBefore
from harness.result.spent import TimeSpent
from harness.reuse.believed import doubt
from harness.reuse.choosing import Chosen, choose, known
from harness.reuse.kept import KeptCell, of_cell, of_job, put_evidence
from harness.reuse.keys import JobKeys
from harness.reuse.store import Row, Store
from harness.system.version import version


def fill(
    catalogue: Catalogue,
    recorded: Recorded,
    keys: list[JobKeys],
    store: Store,
    wanted: Wanted,
    least: int = 0,
) -> Chosen:
    """Write what is reused into a run folder in which nothing was measured yet, as ``recorded`` has it.

    ``least``: so many of these cells are measured again at least. Raises CannotBeUsedError, LabFault where
    the run folder cannot be written.
    """
    folder = recorded.folder
    cells, jobs = known(catalogue, recorded, keys, store, wanted)
    chosen = choose(recorded.plan, keys, cells, jobs, random.Random(), least)
    if not (chosen.cells or chosen.drawn or chosen.probed):
        return chosen
    with journal.create(folder, recorded.plan) as book:
        book.add(Begun(recorded.plan.lab, version(), datetime.now(UTC), circumstances.found(), parts=True))
        book.add(*_of_drawn(chosen))
        book.add(*_of_jobs(catalogue, recorded.plan, chosen))
        told: set[bytes] = set()
        room = MOST_OF_A_RUN
        for cell, kept in chosen.cells.items():
            # Its evidence first: a cell that is there has all that belongs to it.
            room -= _evidence(folder, cell, kept, store, room) if kept.evidence else 0
            # What a client is, once.
            lines = [line for line in kept.row.lines if line not in told]
            book.add(Reused(cell, 0, kept.row.before), *lines)
            told.update(
                line
                for line, entry in zip(kept.row.lines, kept.entries, strict=True)
                if isinstance(entry, KnownClient)
            )
        # Nothing was measured: that says nothing of how long the plan takes.
        book.add(Ended(datetime.now(UTC), whole=False, spent=TimeSpent()))
    keys_used = [one.row.key for one in chosen.cells.values()]
    keys_used += [one.row.key for one in (*chosen.jobs.values(), *chosen.probed.values())]
    store.used(keys_used)
    return chosen


def _of_drawn(chosen: Chosen) -> Iterator[Entry]:
    for cell, kept in chosen.drawn.items():
        yield Drawn(cell, 0, kept.row.before, kept.attempts, kept.tried)
    for (change, server), job in chosen.drawn_jobs.items():
        if job.probed:
            probed = {phase: one.seen for phase, one in job.probed.items()}
            yield DrawnChange(change, server, 0, job.row.before, probed)


def _of_jobs(catalogue: Catalogue, plan: Plan, chosen: Chosen) -> Iterator[Entry | bytes]:
    if plan.probes:
        yield KnownExposures(facts(catalogue.exposures))
    for (change, server), job in chosen.jobs.items():
        yield ReusedChange(change, server, 0, job.row.before)
        yield from job.row.lines
    for (change, server), job in chosen.probed.items():
        # What the server is, and how the change is seen there, is found anew.
        yield ReusedChange(change, server, 0, job.row.before)
        yield from job.probed.values()


def _evidence(folder: Path, cell: CellId, kept: KeptCell, store: Store, room: int) -> int:
    """Put the evidence of a cell into the run folder, where there is room for it; its bytes."""
    files = store.evidence_of(kept.row.key)
    size = sum(map(len, files.values()))
    if not files or size > room:
        return 0
    try:
        put_evidence(folder, cell, files)
    except OSError as error:
        raise LabFault(f"{folder}: {error.strerror}", "make room, or choose --runs") from error
    return size


def keep(
    catalogue: Catalogue,
    before: Recorded,
    now: Recorded,
    keys: list[JobKeys],
    store: Store,
    *,
    resumed: bool = False,
) -> int:
    """Keep what was measured in a run folder between ``before`` and ``now``; how many cells that are.

    ``resumed``: some of it had been measured before somebody went on with it.
    Only what nobody need doubt (``harness.reuse.believed``). Raises CannotBeUsedError.
    """
    begun = now.begun.at if now.begun else None
    if begun is None:
        return 0
    origin = MeasuredBefore(now.folder.name, begun)
    rows: list[Row] = []
    cells = 0
    probed_before = reused_changes(now)
    started = {(cell.mitigation, cell.server) for cell in now.attempts if _is_new(before, now, cell)}
    for one in keys:
        new = [cell for cell in one.cells if _is_new(before, now, cell)]
        good = [
            cell
            for cell in new
            if not doubt(catalogue, cell, now.attempts[cell], now.tried.get(cell, {}))
            and not (resumed and _rests_on_older(before, now, cell))
        ]
        pair = (good[0].mitigation, good[0].server) if good else ("", "")
        # What its probes saw may be reused itself: it is kept already, with when that was.
        known = pair in probed_before
        # Without the first of its running server it was probed as other users than usual.
        usual = known or not one.beside or (pair[0], one.beside) in started
        job = of_job(now, pair, one.job, origin) if good and usual else None
        if job:
            rows += [] if known else [job]
            rows += [of_cell(now, cell, one.cells[cell], origin) for cell in good]
            cells += len(good)
    store.put(rows)
    return cells


def _is_new(before: Recorded, now: Recorded, cell: CellId) -> bool:
    """A cell was measured since, from its first phase to its last."""
    number = now.rounds.get(cell)
    if number is None or _is_reused(now, cell):
        return False
    return before.rounds.get(cell) != number


def _rests_on_older(before: Recorded, now: Recorded, cell: CellId) -> bool:
    """A part of its combination was made in an earlier stretch of the run, when others may have held."""
    parts = [replace(cell, mitigation=part) for part in now.tried.get(cell, ())]
    return any(part in before.attempts and before.rounds.get(part) == now.rounds.get(part) for part in parts)


def _is_reused(now: Recorded, cell: CellId) -> bool:
    mark = now.earlier.cells.get(cell)
    return mark is not None and mark.round == now.rounds.get(cell)
