"""What a job had in memory goes with the job: a run of many takes no more than one of few."""

from __future__ import annotations

import gc
import weakref
from pathlib import Path
from typing import Any

import pytest

from benchmarks.simulated import SimulatedClients, SimulatedLab, Unwatched, simulated
from harness.conduct.ledger import JobLedger
from harness.conduct.orders import Orders
from harness.conduct.rehearsal import Rehearsal
from harness.model import Phase
from harness.planning import planner
from harness.record import journal
from harness.record.entries import Begun


def test_a_job_that_is_over_is_in_no_circle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Python looks for circles of what is old only when there is a quarter more of it."""
    made: weakref.WeakSet[JobLedger] = weakref.WeakSet()
    alive: list[int] = []
    begin = JobLedger.__init__

    def counted(self: JobLedger, *words: Any) -> None:
        begin(self, *words)
        made.add(self)
        alive.append(len(made))

    monkeypatch.setattr(JobLedger, "__init__", counted)
    catalogue, selectors = simulated(400)
    plan = planner.from_selectors(catalogue, selectors)
    lab = SimulatedLab()
    searched = gc.isenabled()
    gc.disable()
    try:
        with journal.create(tmp_path / "run", plan) as book:
            recorded = journal.load(tmp_path / "run")
            book.add(Begun(lab.name, "simulated"))
            rehearsal = Rehearsal(catalogue, recorded, book, lab, SimulatedClients(lab), Unwatched())
            rehearsal.run(plan.cells, 1)
    finally:
        if searched:
            gc.enable()
    assert len(alive) == len(plan.jobs) == 40
    # The one at work, the one before it, and the one that made the baseline of the others.
    assert max(alive) <= 3


def test_what_was_seen_in_the_phases_of_a_job_is_kept_no_longer_than_the_job() -> None:
    catalogue, selectors = simulated(100)
    first, other, *_ = planner.from_selectors(catalogue, selectors).jobs
    orders = Orders(catalogue, SimulatedClients(SimulatedLab()), lambda: False, probing=True)
    orders._whole.update({(job.mitigation, job.server, Phase.APPLIED): None for job in (first, other)})  # type: ignore[misc]
    orders.let_go(first)
    assert [*orders._whole] == [(other.mitigation, other.server, Phase.APPLIED)]
