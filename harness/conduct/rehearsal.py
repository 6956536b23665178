"""The conductor: plan -> servers -> attempts in three phases -> journal. Jobs run side by side."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable, Mapping
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, suppress
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Protocol

from harness.clients import clients
from harness.conduct import parts_alone
from harness.conduct.jobs import Passage
from harness.conduct.phases import Measured
from harness.conduct.workers import Done, Order, Pool
from harness.errors import LabFault, RunStopped
from harness.exposures.survey import Survey, Surveyed, facts
from harness.labs.base import Lab, LabOfMachines
from harness.mitigations import mitigation
from harness.model import Attempt, CellId, Outcome, Phase, Side, Sighting
from harness.planning.plan import Job, phases_of
from harness.record.journal import (
    Attempted,
    Journal,
    Known,
    KnownClient,
    KnownExposures,
    Probed,
    Recorded,
    TookEffect,
    TriedPart,
)
from harness.record.judging import judged, loses
from harness.result import Applied, ClientFact
from harness.servers import servers
from harness.servers.live import LiveServer
from harness.system import waits
from harness.system.mistakes import blame


class Observer(Protocol):
    """Whoever wants to watch; called from several threads."""

    def job(self, mitigation: str, server: str, phase: str) -> None: ...

    def waits(self, mitigation: str, server: str, what: str) -> None:
        """A job waits for something that takes long, e.g. a reboot; "" when it goes on."""

    def finished(self, mitigation: str, server: str) -> None: ...

    def cell(self, cell_id: str, effect: str, expected: bool, text: str) -> None: ...


class Rehearsal:
    """Measures the cells of a plan that are not measured yet."""

    def __init__(
        self, recorded: Recorded, journal: Journal, lab: Lab, pool: Pool, observer: Observer
    ) -> None:
        """``recorded`` is what the run folder holds already: nothing for a new run."""
        self._recorded = recorded
        self._journal = journal
        self._lab = lab
        self._pool = pool
        self._observer = observer
        self._stopping = False
        self._known: set[str] = set()
        self._known_lock = threading.Lock()
        self._baselines: dict[str, Future[Surveyed]] = {}
        self._baselines_lock = threading.Lock()
        self._alone: dict[CellId, Attempt] = {}
        """With each change in force: what was measured here, for combinations that it is a part of."""
        self._tried: dict[CellId, dict[str, Attempt]] = {}

    def run(self, cells: Iterable[CellId], jobs_at_once: int, waves: Mapping[str, int] | None = None) -> None:
        """Measure these cells of the plan. Every path leaves every started server stopped.

        ``waves``: by a server's name, what cannot be in the lab at the same time; lower numbers go first.
        A lab fault of one job makes its own cells faults; the others go on. So does a mistake in a file that
        somebody added, which the faults name. Raises what else goes wrong.
        """
        wanted = set(cells)
        if self.probing:
            self._journal.add(KnownExposures(facts()))
        jobs = [
            replace(job, cells=tuple(cell for cell in job.cells if cell in wanted))
            for job in self._recorded.plan.only(wanted.__contains__).jobs
        ]
        # What fits in the lab together is measured together; within a wave the plan's order stays.
        jobs.sort(key=lambda job: (waves or {}).get(job.server, 0))
        with ThreadPoolExecutor(jobs_at_once, thread_name_prefix="job") as threads:
            running: list[Future[None]] = [threads.submit(self._job, job) for job in jobs]
            try:
                done, _ = wait(running, return_when=FIRST_EXCEPTION)
                for one in done:
                    one.result()
            except BaseException:
                self.stop()
                threads.shutdown(wait=False, cancel_futures=True)
                raise

    def stop(self) -> None:
        """Begin nothing any more, and believe no fault. May be called by a signal handler."""
        self._stopping = True

    def _job(self, job: Job) -> None:
        measured: Measured = {cell: {} for cell in job.cells}
        told = partial(self._observer.waits, job.mitigation, job.server)
        try:
            with (
                waits.watched(told, lambda: self._stopping),
                self._lab.serve(servers()[job.server]) as live,
                ExitStack() as held,
            ):
                self._introduce(job, live)
                Passage(self, job, live, held, measured).through()
                parts_alone.measure(self, job, live, measured, machines=isinstance(self._lab, LabOfMachines))
        except LabFault as fault:
            self.fault(job, measured, str(fault))
        except (Exception, SystemExit) as error:
            why = blame(error)
            if not why:
                raise
            logging.getLogger(__name__).exception("%s on %s", job.mitigation, job.server)
            self.fault(job, measured, why)
        for cell in filter(lambda cell: loses(cell, measured[cell]), job.cells):
            self._tell(cell, measured[cell])
        self._observer.finished(job.mitigation, job.server)

    def _introduce(self, job: Job, live: LiveServer) -> None:
        """Write down once what the server and its clients are."""
        names = {f"server {job.server}": None} | {f"client {cell.client}": cell.client for cell in job.cells}
        with self._known_lock:
            new = {key: name for key, name in names.items() if key not in self._known}
            self._known.update(new)
        for name in new.values():
            if name is None:
                way = f"through an SSH tunnel to {live.target.tunnel}" if live.target.tunnel else ""
                self._journal.add(Known(replace(live.fact(), reached=way)))
                continue
            client = clients()[name]
            software = client.software(live.target)
            fact = ClientFact(name, client.title, str(client.fidelity), software, client.evidence)
            self._journal.add(KnownClient(fact))

    def ordered(self, order: Order) -> Future[Done]:
        """Hand an attempt to the pool. Raises RunStopped."""
        if self._stopping:
            raise RunStopped
        return self._pool.submit(order)

    @property
    def probing(self) -> bool:
        """Exposures are looked for in this run."""
        return self._recorded.plan.probes

    def probes(self, job: Job, phase: Phase, live: LiveServer) -> Future[Surveyed] | None:
        """Have the exposures of a server looked for; None in a run without.

        A server that has not been changed is looked at once a run: its baseline is that of every job, and
        what is done to clients leaves it as it is. Raises RunStopped.
        """
        if not self.probing:
            return None
        if self._stopping:
            raise RunStopped
        unchanged = phase is Phase.BASELINE or Side.SERVER not in mitigation(job.mitigation).sides
        if not unchanged:
            return self._pool.survey(order_for(live))
        with self._baselines_lock:
            if job.server not in self._baselines:
                self._baselines[job.server] = self._pool.survey(order_for(live))
            return self._baselines[job.server]

    def found(self, job: Job, phase: Phase, seen: Mapping[str, Sighting]) -> None:
        """Write down what the probes saw."""
        number = self._recorded.probe_rounds.get((job.mitigation, job.server), -1) + 1
        self._journal.add(Probed(job.mitigation, job.server, phase, dict(seen), number))

    def keep(self, measured: Measured, cell: CellId, phase: Phase, made: Attempt) -> None:
        """Write an attempt down; tell the observer when its cell is complete.

        A fault in a run that is being stopped is none: its cell is measured later.
        """
        if self._stopping and made.outcome is Outcome.FAULT:
            return
        measured[cell][phase] = made
        number = self._recorded.rounds.get(cell, -1) + 1
        self._journal.add(Attempted(cell, phase, made, number))
        if phase is Phase.APPLIED and made.outcome in (Outcome.OK, Outcome.REFUSED):
            self._alone[cell] = made
        whole = len(measured[cell]) == len(phases_of(cell.mitigation))
        # What a combination loses is told when its parts were tried.
        if whole and not loses(cell, measured[cell]):
            self._tell(cell, measured[cell])

    def _tell(self, cell: CellId, phases: Mapping[Phase, Attempt]) -> None:
        verdict = judged(self._recorded, cell, phases, self._tried.get(cell))
        self._observer.cell(str(cell), verdict.effect, verdict.expected, verdict.cause)

    def alone(self, cell: CellId) -> Attempt | None:
        """What a cell came to under its change in this run; None where that was not measured yet."""
        before = self._recorded.attempts.get(cell, {}).get(Phase.APPLIED)
        made = self._alone.get(cell, before)
        return made if made and made.outcome in (Outcome.OK, Outcome.REFUSED) else None

    def tried(self, cell: CellId, change: str, made: Attempt) -> None:
        """Write down what a lost cell of a combination came to under a change that is part of it."""
        if self._stopping and made.outcome is Outcome.FAULT:
            return
        self._tried.setdefault(cell, {})[change] = made
        number = self._recorded.rounds.get(cell, -1) + 1
        self._journal.add(TriedPart(cell, change, made, number))

    def watch_part(self, job: Job, change: str) -> None:
        """Tell the observer which part of a job's combination is being made alone."""
        self._observer.job(job.mitigation, job.server, f"{change} alone")

    def fault(self, job: Job, measured: Measured, reason: str) -> None:
        """All that was not measured is a fault."""
        for cell in job.cells:
            for phase in phases_of(job.mitigation):
                if phase not in measured[cell]:
                    self.keep(measured, cell, phase, Attempt.fault(reason))

    def took_effect(self, fact: Applied) -> None:
        """Write down that a mitigation is in force, or was taken back."""
        self._journal.add(TookEffect(fact))

    def watch(self, job: Job, phase: Phase) -> None:
        """Tell the observer where a job is."""
        self._observer.job(job.mitigation, job.server, phase)


def order_for(live: LiveServer) -> Survey:
    """The probes of a server of a lab, as it is now."""
    today = datetime.now(UTC).date()
    account = not live.server.unknown_user
    if not live.state.running:
        return Survey(live.target, today, platform=live.server.platform, account=account, down=True)
    inside = None
    # One that cannot be looked into is probed from the wire alone.
    with suppress(LabFault):
        inside = live.inside()
    return Survey(live.target, today, inside, live.server.platform, account)
