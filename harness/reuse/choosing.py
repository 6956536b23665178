"""Which cells of a plan are reused, and which of these are measured again: do they come out the same?

Those are drawn by chance: one in ``ONE_IN``, at least one a run. A server is started for each job of which
some are drawn, so they are drawn by jobs: a cell by chance, then others of its job, until there are enough.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from harness.catalogue import Catalogue
from harness.model import CellId
from harness.planning.plan import Job, Plan
from harness.record.evidence import Wanted
from harness.record.journal import Recorded
from harness.record.judging import judged
from harness.record.reused import Pair
from harness.reuse.kept import KeptCell, KeptJob, cell_of, job_of
from harness.reuse.keys import JobKeys
from harness.reuse.store import Store

ONE_IN: Final = 100


@dataclass(frozen=True, slots=True)
class Chosen:
    """What of a plan is reused."""

    cells: Mapping[CellId, KeptCell]
    """Reused, in the order of the plan."""
    drawn: Mapping[CellId, KeptCell]
    """Could be, and are measured again."""
    jobs: Mapping[Pair, KeptJob]
    """Jobs of which all cells are reused: no server is started for them."""
    drawn_jobs: Mapping[Pair, KeptJob]
    """What was found before in jobs with drawn cells."""
    never: Mapping[str, int] = field(default_factory=dict)
    """Why cells are never reused -> how many."""


def known(
    catalogue: Catalogue, recorded: Recorded, keys: Iterable[JobKeys], store: Store, wanted: Wanted
) -> tuple[dict[CellId, KeptCell], dict[Pair, KeptJob]]:
    """The cells of a plan that can be reused, and their jobs.

    Not one whose evidence is ``wanted`` and was not kept. Raises CannotBeUsedError.
    """
    keys = list(keys)
    rows = store.get(key for one in keys if one.job for key in (one.job, *one.cells.values()))
    cells: dict[CellId, KeptCell] = {}
    jobs: dict[Pair, KeptJob] = {}
    for one in keys:
        pair = next(((cell.mitigation, cell.server) for cell in one.cells), ("", ""))
        row = rows.get(one.job)
        job = job_of(pair, row, probes=recorded.plan.probes) if row else None
        if job is None:
            continue
        jobs[pair] = job
        for cell, key in one.cells.items():
            found = rows.get(key)
            kept = cell_of(catalogue, cell, found) if found else None
            if kept and _has_evidence(catalogue, recorded, kept, cell, store, wanted):
                cells[cell] = kept
    return cells, jobs


def _has_evidence(
    catalogue: Catalogue, recorded: Recorded, kept: KeptCell, cell: CellId, store: Store, wanted: Wanted
) -> bool:
    if wanted is Wanted.NONE:
        return True
    verdict = judged(catalogue, recorded, cell, kept.attempts, kept.tried)
    return not wanted.of(verdict) or store.has_evidence(kept.row.key)


def choose(
    plan: Plan,
    keys: Sequence[JobKeys],
    cells: Mapping[CellId, KeptCell],
    jobs: Mapping[Pair, KeptJob],
    chance: random.Random,
) -> Chosen:
    """Which of the cells that can be reused are; ``chance`` draws those that are measured again."""
    drawn = draw(list(cells), chance)
    drawn |= _of_the_first(plan, keys, cells, drawn)
    reused = {cell: cells[cell] for cell in plan.cells if cell in cells and cell not in drawn}
    whole = {_pair(job) for job in plan.jobs if all(cell in reused for cell in job.cells)}
    some = {(cell.mitigation, cell.server) for cell in drawn}
    never = Counter(one.why_not for job, one in zip(plan.jobs, keys, strict=True) for _ in job.cells)
    return Chosen(
        reused,
        {cell: cells[cell] for cell in cells if cell in drawn},
        {pair: one for pair, one in jobs.items() if pair in whole},
        {pair: one for pair, one in jobs.items() if pair in some},
        {why: many for why, many in never.items() if why},
    )


def _of_the_first(
    plan: Plan, keys: Sequence[JobKeys], cells: Mapping[CellId, KeptCell], drawn: Collection[CellId]
) -> set[CellId]:
    """A cell more of each server that probes are made for, where others are started that it is running for.

    So they are probed as the same users each time.
    """
    more: set[CellId] = set()
    of = {_pair(job): job for job in plan.jobs}
    for job, one in zip(plan.jobs, keys, strict=True):
        if one.beside and any(cell in drawn or cell not in cells for cell in job.cells):
            first = of[job.mitigation, one.beside]
            if all(cell in cells and cell not in drawn for cell in first.cells):
                more.add(first.cells[0])
    return more


def draw(cells: Collection[CellId], chance: random.Random) -> set[CellId]:
    """Of these cells those that are measured again."""
    many = -(-len(cells) // ONE_IN)
    left = sorted(cells, key=str)
    chance.shuffle(left)
    by_job: dict[Pair, list[CellId]] = {}
    for cell in left:
        # The first of a job decides when that job's turn is.
        by_job.setdefault((cell.mitigation, cell.server), []).append(cell)
    return set([cell for those in by_job.values() for cell in those][:many])


def _pair(job: Job) -> Pair:
    return job.mitigation, job.server
