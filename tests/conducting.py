"""Conducts a rehearsal in a lab of the tests, with hooks for what may go wrong meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from known import CATALOGUE

from harness.catalogue import Catalogue
from harness.conduct.evidence import Keeper
from harness.conduct.rehearsal import Rehearsal
from harness.conduct.workers import Done, Order, Pool
from harness.exposures.survey import Survey, Surveyed
from harness.labs.base import Lab
from harness.model import Attempt, CellId, Check, Phase, Target
from harness.planning import plan, planner
from harness.record import journal, readback
from harness.record.judging import incomplete
from harness.result import RunResult
from harness.servers.base import Server
from harness.servers.live import LiveServer
from harness.smb import served


@dataclass(frozen=True)
class Moment:
    """A phase begins."""

    server: str
    phase: str
    times: int
    """How often it was announced: a change once before it is made, and again before its attempts."""
    live: LiveServer


@dataclass
class Stage:
    """A lab and an observer in one: remembers the servers, and calls ``enter`` as each phase begins."""

    lab: Lab
    enter: Callable[[Moment], None] = lambda _moment: None
    live: dict[str, LiveServer] = field(default_factory=dict)
    ended: list[str] = field(default_factory=list)
    cells: list[str] = field(default_factory=list)
    waited: list[str] = field(default_factory=list)
    _times: dict[tuple[str, str], int] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.lab.name

    @contextmanager
    def serve(self, server: Server) -> Iterator[LiveServer]:
        with self.lab.serve(server) as live:
            self.live[server.name] = live
            yield live

    def job(self, mitigation: str, server: str, phase: str) -> None:  # noqa: ARG002
        times = self._times[server, phase] = self._times.get((server, phase), 0) + 1
        # Of several servers in one the first was started.
        live = self.live.get(server) or next(reversed(self.live.values()))
        self.enter(Moment(server, phase, times, live))

    def waits(self, mitigation: str, server: str, what: str) -> None:
        self.waited.append(f"{mitigation}:{server}: {what}")

    def finished(self, mitigation: str, server: str) -> None:
        self.ended.append(f"{mitigation}:{server}")

    def cell(self, cell_id: str, effect: str, expected: bool, text: str) -> None:  # noqa: ARG002
        self.cells.append(cell_id)


class Tripwire(Pool):
    """A pool that calls ``before`` with each order right before it is handed out."""

    def __init__(self, pool: Pool, before: Callable[[Order], None]) -> None:
        self._pool = pool
        self.meter = pool.meter
        self._before = before

    def submit(self, order: Order) -> Future[Done]:
        self._before(order)
        return self._pool.submit(order)

    def survey(self, order: Survey) -> Future[Surveyed]:
        return self._pool.survey(order)


def conduct(
    folder: Path,
    selectors: Sequence[str],
    stage: Stage,
    pool: Pool,
    at_once: int = 2,
    catalogue: Catalogue = CATALOGUE,
    keeper: Keeper | None = None,
) -> RunResult:
    """Rehearse the selected cells in the run folder and read the result back from it."""
    made = planner.from_selectors(catalogue, selectors)
    return carry_out(folder, made, stage, pool, at_once, catalogue, keeper)


def carry_out(
    folder: Path,
    made: plan.Plan,
    stage: Stage,
    pool: Pool,
    at_once: int = 2,
    catalogue: Catalogue = CATALOGUE,
    keeper: Keeper | None = None,
) -> RunResult:
    """Carry out a plan in the run folder and read the result back from it."""
    with journal.create(folder, made) as book:
        recorded = journal.load(folder)
        cells = incomplete(catalogue, recorded)
        Rehearsal(catalogue, recorded, book, stage, pool, stage, keeper).run(cells, at_once)
    return readback.result_of(catalogue, journal.load(folder))


def hear_looks(patch: pytest.MonkeyPatch, heard: Callable[[Target], object]) -> None:
    """Tell of every look of the lab's own client at what a server serves. They are real."""
    real = served.look

    def spy(target: Target, check: Check, seconds: float) -> served.Served:
        heard(target)
        return real(target, check, seconds)

    patch.setattr(served, "look", spy)


def attempts(result: RunResult) -> dict[CellId, dict[Phase, Attempt]]:
    """The attempts of every finished cell."""
    return {cell.cell: dict(cell.phases) for cell in result.cells}


def worker_of(pool: Pool) -> int:
    """The pid of the worker process of a pool of one that is idle."""
    worker = pool._idle.get(timeout=60)
    pool._idle.put(worker)
    assert worker.process.pid is not None
    return worker.process.pid
