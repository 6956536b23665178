"""The conductor: plan -> servers -> attempts in three phases -> journal. Jobs run side by side."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack
from dataclasses import replace

from harness.catalogue import Catalogue
from harness.conduct import in_turn, parts_alone
from harness.conduct.evidence import Keeper
from harness.conduct.jobs import ThreePhases
from harness.conduct.ledger import JobLedger, Observer, RunLedger
from harness.conduct.orders import Orders
from harness.conduct.workers import Pool
from harness.errors import LabFault
from harness.labs.base import Lab, LabOfMachines
from harness.model import CellId
from harness.planning.plan import together
from harness.record.journal import Journal, Recorded
from harness.record.took import NOTHING, History
from harness.result.spent import Kind
from harness.servers.base import Server
from harness.servers.live import LiveServer, SeveralInOne, TakesTurns
from harness.system import waits
from harness.system.mistakes import blame


class Rehearsal:
    """Measures the cells of a plan that are not measured yet."""

    def __init__(
        self,
        catalogue: Catalogue,
        recorded: Recorded,
        journal: Journal,
        lab: Lab,
        pool: Pool,
        observer: Observer,
        keeper: Keeper | None = None,
        *,
        probed: Collection[tuple[str, str]] = (),
        history: History = NOTHING,
    ) -> None:
        """``recorded`` is what the run folder holds already: nothing for a new run.

        ``keeper`` keeps evidence of single cells; None for none. ``probed``: as ``Orders`` has it.
        ``history``: how long jobs took in earlier runs.
        """
        self._catalogue = catalogue
        self._plan = recorded.plan
        self._served = in_turn.Served(catalogue, recorded.plan)
        self._lab = lab
        self._observer = observer
        self._history = history
        self._stopping = False
        noting = keeper is not None
        self._meter = pool.meter
        self._orders = Orders(
            catalogue, pool, self.stopping, probing=recorded.plan.probes, noting=noting, probed=probed
        )
        self._ledger = RunLedger(catalogue, recorded, journal, observer, self.stopping, keeper)

    def run(self, cells: Iterable[CellId], jobs_at_once: int, waves: Mapping[str, int] | None = None) -> None:
        """Measure these cells of the plan. Every path leaves every started server stopped.

        ``waves``: by a server's name, what cannot be in the lab at the same time; lower numbers go first.
        A lab fault of one job makes its own cells faults; the others go on. So does a mistake in a file that
        somebody added, which the faults name. Raises what else goes wrong.
        """
        wanted = set(cells)
        self._ledger.measuring(wanted)
        if self._orders.probing:
            self._ledger.probes()
        jobs = [
            replace(job, cells=tuple(cell for cell in job.cells if cell in wanted))
            for job in self._plan.only(wanted.__contains__).jobs
        ]
        # What fits in the lab together is measured together; within a wave the plan's order stays.
        jobs.sort(key=lambda job: (waves or {}).get(job.server, 0))
        groups = together(self._catalogue, jobs)
        lines = [[group] for group in groups]
        if not isinstance(self._lab, LabOfMachines):
            lines = in_turn.lines(self._catalogue, groups, self._served, jobs_at_once, self._history)
        with ThreadPoolExecutor(jobs_at_once, thread_name_prefix="job") as threads:
            running: list[Future[None]] = [threads.submit(self._line, line) for line in lines]
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

    def stopping(self) -> bool:
        """Somebody stops the run."""
        return self._stopping

    def _line(self, line: Iterable[in_turn.Group]) -> None:
        """Groups of jobs, one after the other: on one running server for as long as it comes back."""
        left = deque(line)
        with self._meter.doing(Kind.OTHER):
            while left and not self._stopping:
                self._started_for(left)

    def _started_for(self, left: deque[in_turn.Group]) -> None:
        """Start a server for the first group, and take out all that it did for."""
        now = self._begin(left.popleft())
        baseline = in_turn.Baseline()

        def told(what: str) -> None:
            self._observer.waits(now[0].job.mitigation, now[0].job.server, what)

        try:
            serving = self._lab.serve(self._served(now[0].job))
            with (
                waits.watched(told, self.stopping),
                self._meter.around(Kind.START, serving, Kind.STOP) as running,
            ):
                while self._measured(now, running, baseline) and left and isinstance(running, TakesTurns):
                    self._end(now, baseline)
                    now = self._begin(left.popleft())
                    running.next_job()
        except LabFault as fault:
            for ledger in now:
                ledger.fault(str(fault))
        except (Exception, SystemExit) as error:
            why = blame(error)
            if not why:
                raise
            logging.getLogger(__name__).exception("%s on %s", now[0].job.mitigation, now[0].job.server)
            for ledger in now:
                ledger.fault(why)
        self._end(now)

    def _begin(self, group: in_turn.Group) -> list[JobLedger]:
        return [JobLedger(self._ledger, job) for job in group]

    def _end(self, ledgers: Sequence[JobLedger], baseline: in_turn.Baseline | None = None) -> None:
        """Write down what came of jobs. ``baseline``: what is kept of it for those that follow them."""
        for ledger in ledgers:
            ledger.close()
        if not self._stopping:
            self._ledger.took(ledgers)
        for ledger in ledgers:
            self._orders.let_go(ledger.job)
            ledger.let_go(but=baseline.ends() if baseline else ())

    def _measured(
        self, ledgers: Sequence[JobLedger], running: LiveServer, baseline: in_turn.Baseline
    ) -> bool:
        """Measure jobs that one running server does for at once; whether it is now as it was before."""
        state = running.state
        first = ledgers[0].job
        servers = [self._served(ledger.job, first) for ledger in ledgers[1:]]
        with ExitStack() as connections:
            pairs = list(zip(ledgers, [running, *_also(running, servers)], strict=True))
            for ledger, live in pairs:
                self._ledger.introduce(ledger.job, live)
                ledger.served(live)
                baseline.give(ledger)
            phases = ThreePhases(self._orders, pairs, connections, job=first.mitigation)
            machines = isinstance(self._lab, LabOfMachines)
            with self._meter.doing(Kind.CHANGE):
                phases.measure()
                whole = [(ledger, live) for ledger, live in pairs if live in phases.whole]
                broken = parts_alone.measure(self._orders, whole, machines=machines)
        for ledger in ledgers:
            baseline.take(ledger)
        return not broken and running.state == state and all(ledger.came_back for ledger in ledgers)


def _also(running: LiveServer, others: Sequence[Server]) -> list[LiveServer]:
    """A running server as each of the others that it is. Raises LabFault where a lab cannot show it so."""
    if others and not isinstance(running, SeveralInOne):
        raise LabFault(f"{running.server.name} cannot be {others[0].name}, too")
    return [running.also(one) for one in others] if isinstance(running, SeveralInOne) else []
