"""Which cells of a plan are reused, and which of these are measured again: do they come out the same?

Those are drawn by chance (``harness.reuse.drawing``). What the probes of a job saw is reused as well, also
where some of its cells are measured.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from harness.catalogue import Catalogue
from harness.mitigations.base import Mitigation
from harness.model import CellId
from harness.planning.plan import Job, Plan
from harness.record.evidence import Wanted
from harness.record.journal import Recorded
from harness.record.judging import judged
from harness.record.reused import Pair
from harness.reuse.drawing import Drawn, draw
from harness.reuse.kept import KeptCell, KeptJob, cell_of, job_of
from harness.reuse.keys import JobKeys
from harness.reuse.store import Store


@dataclass(frozen=True, slots=True)
class Chosen:
    """What of a plan is reused."""

    cells: Mapping[CellId, KeptCell]
    """Reused, in the order of the plan."""
    drawn: Mapping[CellId, KeptCell]
    """Could be, and are measured again."""
    jobs: Mapping[Pair, KeptJob]
    """Jobs of which all cells are reused: no server is started for them."""
    probed: Mapping[Pair, KeptJob]
    """Jobs of which some cells are measured, and whose exposures are not looked for again."""
    drawn_jobs: Mapping[Pair, KeptJob]
    """What was found before in jobs whose exposures are looked for again."""
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
    made: dict[tuple[str, str, str], Mitigation] = {}
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
            if kept is None:
                continue
            evidence = wanted is not Wanted.NONE and wanted.of(
                judged(catalogue, recorded, cell, kept.attempts, kept.tried, made)
            )
            if not evidence or store.has_evidence(key):
                cells[cell] = replace(kept, evidence=evidence)
    return cells, jobs


def choose(
    plan: Plan,
    keys: Sequence[JobKeys],
    cells: Mapping[CellId, KeptCell],
    jobs: Mapping[Pair, KeptJob],
    chance: random.Random,
    least: int = 0,
) -> Chosen:
    """Which of the cells that can be reused are; ``chance`` draws those that are measured again.

    ``least``: so many of these at least.
    """
    by_job = {_pair(job): [cell for cell in job.cells if cell in cells] for job in plan.jobs}
    able = {pair: there for pair, there in by_job.items() if there}
    begun = [_pair(job) for job in plan.jobs if len(by_job[_pair(job)]) < len(job.cells)]
    probed = [pair for pair in able if plan.probes and pair in jobs]
    found = draw(able, probed, begun, chance, least)
    drawn = found.cells | _of_the_first(plan, keys, cells, jobs, found)
    reused = {cell: cells[cell] for cell in plan.cells if cell in cells and cell not in drawn}
    whole = {_pair(job) for job in plan.jobs if all(cell in reused for cell in job.cells)}
    never = Counter(one.why_not for job, one in zip(plan.jobs, keys, strict=True) for _ in job.cells)
    known = {pair: one for pair, one in jobs.items() if pair not in found.probes and plan.probes}
    return Chosen(
        reused,
        {cell: cells[cell] for cell in cells if cell in drawn},
        {pair: one for pair, one in jobs.items() if pair in whole},
        {pair: one for pair, one in known.items() if pair not in whole},
        {pair: jobs[pair] for pair in found.probes},
        {why: many for why, many in never.items() if why},
    )


def _of_the_first(
    plan: Plan,
    keys: Sequence[JobKeys],
    cells: Mapping[CellId, KeptCell],
    jobs: Mapping[Pair, KeptJob],
    found: Drawn,
) -> set[CellId]:
    """A cell more of each server that probes are made for, where others are probed that it is running for.

    So they are probed as the same users each time.
    """
    more: set[CellId] = set()
    of = {_pair(job): job for job in plan.jobs}
    for job, one in zip(plan.jobs, keys, strict=True):
        if one.beside and plan.probes and (_pair(job) in found.probes or _pair(job) not in jobs):
            first = of[job.mitigation, one.beside]
            if all(cell in cells and cell not in found.cells for cell in first.cells):
                more.add(first.cells[0])
    return more


def _pair(job: Job) -> Pair:
    return job.mitigation, job.server
