"""What was measured, kept in one place a job: its attempts, their journal lines, what the observer is told.

``RunLedger`` is what the jobs of a run share; it opens a ``JobLedger`` for each. A plain ``Ledger`` only
remembers: that of a change that is tried beside the run.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from harness.catalogue import Catalogue
from harness.clients.base import Client
from harness.conduct.evidence import JobEvidence, Keeper
from harness.errors import LabFault, RunStopped
from harness.exposures.survey import facts
from harness.grammar.words import is_combination
from harness.model import Attempt, CellId, Hole, Outcome, Phase, Sighting
from harness.planning.plan import Job, phases_of
from harness.record import took
from harness.record.entries import (
    Attempted,
    Known,
    KnownClient,
    KnownExposures,
    Probed,
    TookEffect,
    TriedPart,
)
from harness.record.journal import Journal, Recorded
from harness.record.judging import judged, loses
from harness.record.sharing import Phases, Sharing
from harness.result import Applied, ClientFact, ServerFact
from harness.result.alike import alike
from harness.servers.live import LiveServer, target_of_clients
from harness.smb.footprint import Footprint
from harness.smb.packets import End


class Observer(Protocol):
    """Whoever wants to watch; called from several threads."""

    def job(self, mitigation: str, server: str, phase: str) -> None: ...

    def waits(self, mitigation: str, server: str, what: str) -> None:
        """A job waits for something that takes long, e.g. a reboot; "" when it goes on."""

    def finished(self, mitigation: str, server: str) -> None: ...

    def cell(self, cell_id: str, effect: str, expected: bool, text: str) -> None: ...


class Ledger:
    """What one job has measured so far."""

    def __init__(self, job: Job, known: Mapping[CellId, Mapping[Phase, Attempt]] | None = None) -> None:
        """``known``: what counts as measured from the beginning, by cell."""
        self.job = job
        self.attempts: dict[CellId, dict[Phase, Attempt]] = {
            cell: dict((known or {}).get(cell, {})) for cell in job.cells
        }

    def left(self, phase: Phase) -> list[CellId]:
        """The cells that have come to nothing in a phase yet."""
        return [cell for cell in self.job.cells if phase not in self.attempts[cell]]

    def keep(self, cell: CellId, phase: Phase, made: Attempt) -> None:
        """What a cell came to in a phase."""
        self.attempts[cell][phase] = made

    def fault(self, reason: str) -> None:
        """All that was not measured is a fault."""
        for cell in self.job.cells:
            for phase in phases_of(self.job.mitigation):
                if phase not in self.attempts[cell]:
                    self.keep(cell, phase, Attempt.fault(reason))

    def took_effect(self, fact: Applied) -> None:
        """The change is in force, or was taken back."""

    def found(self, phase: Phase, seen: Mapping[str, Sighting]) -> None:
        """What the probes saw of the server in a phase."""

    def watch(self, phase: Phase) -> None:
        """A phase begins."""

    def left_behind(self, cell: CellId, phase: Phase, left: Footprint | None) -> None:
        """What an attempt left behind for the evidence of its cell."""

    def measured(self, phase: Phase, live: LiveServer) -> None:
        """A phase is over, and its server is as it was in it."""


class RunLedger:
    """What the jobs of a run share: the run folder, the observer, and what each change alone came to."""

    def __init__(
        self,
        catalogue: Catalogue,
        recorded: Recorded,
        journal: Journal,
        observer: Observer,
        stopping: Callable[[], bool],
        keeper: Keeper | None = None,
    ) -> None:
        """``recorded``: what the run folder holds already; ``stopping``: somebody stops the run.

        ``keeper`` keeps evidence of cells; None for none.
        """
        self.catalogue = catalogue
        self.recorded = recorded
        self.journal = journal
        self.observer = observer
        self.stopping = stopping
        self.keeper = keeper
        self.servers: dict[str, ServerFact] = {}
        self.clients: dict[str, ClientFact] = {}
        self._introduced: set[str] = set()
        self._lock = threading.Lock()
        self._again: Collection[CellId] = ()
        """Of these nothing counts that was measured before."""
        self._combines = any(is_combination(job.mitigation) for job in recorded.plan.jobs)
        self._sharing = Sharing()
        self._alone: dict[CellId, Phases] = {}

    def measuring(self, cells: Collection[CellId]) -> None:
        """These are to be measured, whatever the run folder has of them."""
        self._again = cells

    def probes(self) -> None:
        """Write down what is looked for in this run."""
        self.journal.add(KnownExposures(facts(self.catalogue.exposures)))

    def introduce(self, job: Job, live: LiveServer) -> None:
        """Write down once what the server of a job and its clients are."""
        names = {f"server {job.server}": None} | {f"client {cell.client}": cell.client for cell in job.cells}
        with self._lock:
            new = {key: name for key, name in names.items() if key not in self._introduced}
            self._introduced.update(new)
        for name in new.values():
            if name is None:
                way = f"through an SSH tunnel to {live.target.tunnel}" if live.target.tunnel else ""
                server = self.servers[job.server] = replace(live.fact(), reached=way)
                self.journal.add(Known(server))
                continue
            client = self.catalogue.clients[name]
            software = _software(client, live)
            fact = ClientFact(name, client.title, str(client.fidelity), software, client.evidence)
            self.clients[name] = fact
            self.journal.add(KnownClient(fact))

    def alone(self, cell: CellId) -> Attempt | None:
        """What a cell came to under its change in this run; None where that was not measured yet."""
        before = self._alone.get(cell)
        if before is None and cell not in self._again:
            before = self.recorded.attempts.get(cell)
        made = before.get(Phase.APPLIED) if before is not None else None
        return made if made and made.outcome in (Outcome.OK, Outcome.REFUSED) else None

    def remember(self, cell: CellId, made: Attempt) -> None:
        """What a cell came to with its change in force, for combinations that the change is a part of."""
        if self._combines and made.outcome in (Outcome.OK, Outcome.REFUSED):
            with self._lock:
                self._alone[cell] = self._sharing.added(None, Phase.APPLIED, made)

    def took(self, ledgers: Sequence[JobLedger]) -> None:
        """Write down how long one running server did for these jobs, unless something was a fault."""
        made = [one for ledger in ledgers for phases in ledger.attempts.values() for one in phases.values()]
        if any(one.outcome is Outcome.FAULT for one in made):
            return
        seconds = time.monotonic() - ledgers[0].begun
        took.note(self.recorded.folder, self.recorded.plan.lab, [one.job for one in ledgers], seconds)

    def believes(self, made: Attempt) -> bool:
        """A fault in a run that is being stopped is none: its cell is measured later."""
        return made.outcome is not Outcome.FAULT or not self.stopping()


def _came_back(attempts: Mapping[Phase, Attempt], whole: Collection[Phase]) -> bool:
    if any(phase not in attempts or attempts[phase].outcome is Outcome.FAULT for phase in whole):
        return False
    before, after = attempts[Phase.BASELINE], attempts.get(Phase.ROLLED_BACK)
    return after is None or alike(before, after)


def _same_holes(before: Mapping[str, Sighting], after: Mapping[str, Sighting]) -> bool:
    """What one of the two could not tell is no difference, nor is what was not looked for at all."""
    states = ((one.state, after[name].state) for name, one in before.items() if name in after)
    return all(then is now or Hole.UNKNOWN in (then, now) for then, now in states)


def _software(client: Client, live: LiveServer) -> str:
    """What a client is; "" where it does not run: its own attempts say why, and no other's are lost by it."""
    try:
        return client.software(target_of_clients(live))
    except RunStopped:
        raise
    except LabFault:
        return ""


class JobLedger(Ledger):
    """What one job has measured, written down as it comes."""

    def __init__(self, run: RunLedger, job: Job) -> None:
        super().__init__(job)
        self.begun = time.monotonic()
        self._run = run
        self._tried: dict[CellId, dict[str, Attempt]] = {}
        self._holes: dict[Phase, Mapping[str, Sighting]] = {}
        self._evidence = JobEvidence(run.keeper, job) if run.keeper else None

    def keep(self, cell: CellId, phase: Phase, made: Attempt) -> None:
        """Write an attempt down; tell the observer when its cell is complete."""
        if not self._run.believes(made):
            return
        super().keep(cell, phase, made)
        self._run.journal.add(Attempted(cell, phase, made, self._round(cell)))
        if phase is Phase.APPLIED:
            self._run.remember(cell, made)
        whole = len(self.attempts[cell]) == len(phases_of(cell.mitigation))
        # What a combination loses is told when its parts were tried.
        if whole and not loses(cell, self.attempts[cell]):
            self._tell(cell)

    def took_effect(self, fact: Applied) -> None:
        """Write down that the change is in force, or was taken back."""
        self._run.journal.add(TookEffect(fact))

    def found(self, phase: Phase, seen: Mapping[str, Sighting]) -> None:
        """Write down what the probes saw."""
        self._holes[phase] = seen
        pair = (self.job.mitigation, self.job.server)
        number = self._run.recorded.probe_rounds.get(pair, -1) + 1
        self._run.journal.add(Probed(*pair, phase, dict(seen), number))

    def watch(self, phase: Phase) -> None:
        """Tell the observer where the job is."""
        self._run.observer.job(self.job.mitigation, self.job.server, phase)

    def served(self, live: LiveServer) -> None:
        """The job's server runs."""
        if self._evidence:
            self._evidence.served(live)

    def left_behind(self, cell: CellId, phase: Phase, left: Footprint | None) -> None:
        """Keep it until it is known what becomes of the cell."""
        if self._evidence and left:
            self._evidence.left_behind(cell, phase, left)

    def measured(self, phase: Phase, live: LiveServer) -> None:
        """Take what the server says as evidence."""
        if self._evidence:
            self._evidence.measured(phase, live)

    def made_for(self, cell: CellId, other: JobLedger, earlier: CellId) -> None:
        """Before the change a cell came to what one of another job came to, on the same server."""
        before = other.attempts[earlier][Phase.BASELINE]
        made = replace(before, made_for=before.made_for or earlier.mitigation)
        if self._evidence and other._evidence:
            self._evidence.made_for(cell, other._evidence, earlier)
        self.keep(cell, Phase.BASELINE, made)

    @property
    def came_back(self) -> bool:
        """After the job every client met what it met before, and so did the probes; nothing was a fault."""
        whole = phases_of(self.job.mitigation)
        return all(_came_back(self.attempts[cell], whole) for cell in self.job.cells) and _same_holes(
            self._holes.get(Phase.BASELINE, {}), self._holes.get(Phase.ROLLED_BACK, {})
        )

    def watch_part(self, change: str) -> None:
        """Tell the observer which part of the job's combination is being made alone."""
        self._run.observer.job(self.job.mitigation, self.job.server, f"{change} alone")

    def alone(self, cell: CellId) -> Attempt | None:
        """As ``RunLedger.alone``."""
        return self._run.alone(cell)

    def tried(self, cell: CellId, change: str, made: Attempt) -> None:
        """Write down what a lost cell of a combination came to under a change that is part of it."""
        if self._run.believes(made):
            self._tried.setdefault(cell, {})[change] = made
            self._run.journal.add(TriedPart(cell, change, made, self._round(cell)))

    def close(self) -> None:
        """Tell the observer of what was lost, now that parts were tried, and that the job is done."""
        for cell in self.job.cells:
            if loses(cell, self.attempts[cell]):
                self._tell(cell)
        if self._evidence:
            self._keep_evidence(self._evidence)
        self._run.observer.finished(self.job.mitigation, self.job.server)

    def ends_before(self, cell: CellId) -> tuple[End, ...]:
        """The client's ends of the connections on which the baseline of a cell was made, for its evidence."""
        return self._evidence.ends_before(cell) if self._evidence else ()

    def let_go(self, *, but: Iterable[End] = ()) -> None:
        """No job needs the packets of this server any more, but those of connections from these ends."""
        if self._evidence:
            self._evidence.let_go(but=but)

    def _round(self, cell: CellId) -> int:
        return self._run.recorded.rounds.get(cell, -1) + 1

    def _keep_evidence(self, evidence: JobEvidence) -> None:
        for cell in self.job.cells:
            attempts = self.attempts[cell]
            if len(attempts) == len(phases_of(cell.mitigation)):
                verdict = judged(
                    self._run.catalogue, self._run.recorded, cell, attempts, self._tried.get(cell)
                )
                server, client = self._run.servers.get(cell.server), self._run.clients.get(cell.client)
                evidence.write(verdict, attempts, server, client)

    def _tell(self, cell: CellId) -> None:
        run = self._run
        verdict = judged(run.catalogue, run.recorded, cell, self.attempts[cell], self._tried.get(cell))
        run.observer.cell(str(cell), verdict.effect, verdict.expected, verdict.cause)
