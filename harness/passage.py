"""One server on its way through the phases: baseline, applied, rolled back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import ExitStack
from dataclasses import replace
from typing import Any, Protocol

from harness.belief import Belief, gone
from harness.client_side import ClientSide
from harness.clients import clients
from harness.deadline import Deadline
from harness.errors import LabFault, RunStopped
from harness.exposures.survey import SURVIVES, Surveyed
from harness.held import HeldClient
from harness.labs.base import How, LiveServer
from harness.mitigations import mitigation
from harness.mitigations.base import Mitigation
from harness.model import (
    Attempt,
    CellId,
    Check,
    ClientPolicy,
    Dialect,
    Finding,
    Hole,
    Outcome,
    Phase,
    Side,
    Sighting,
)
from harness.plan import Job, phases_of
from harness.result import Applied
from harness.workers import Done, Order

RELOAD_SECONDS = 5.0
"""When a reload that does not show is given up; it takes 44 to 89 ms to reach new connections (measured)."""


Measured = dict[CellId, dict[Phase, Attempt]]
"""What a job has measured so far."""


def _reach(policy: ClientPolicy) -> tuple[bool, int]:
    """The more servers a client could speak with, the larger."""
    return policy.smb1, list(Dialect).index(policy.max_dialect)


class Desk(Protocol):
    """Where a passage orders its attempts and hands in what came of them."""

    def ordered(self, order: Order) -> Future[Done]: ...

    def keep(self, measured: Measured, cell: CellId, phase: Phase, made: Attempt) -> None: ...

    def took_effect(self, fact: Applied) -> None: ...

    @property
    def probing(self) -> bool: ...

    def probes(self, job: Job, phase: Phase, live: LiveServer) -> Future[Surveyed] | None: ...

    def found(self, job: Job, phase: Phase, seen: Mapping[str, Sighting]) -> None: ...

    def watch(self, job: Job, phase: Phase) -> None: ...


class Passage:
    """One server on its way through baseline, applied and rolled back."""

    def __init__(
        self,
        desk: Desk,
        job: Job,
        live: LiveServer,
        held: ExitStack,
        measured: Measured,
    ) -> None:
        self._desk = desk
        self._job = job
        self._live = live
        self._measured = measured
        self._change: Mitigation = mitigation(job.mitigation)
        self._on_server = Side.SERVER in self._change.sides
        self._applied: Applied | None = None
        self._policies = {cell.client: clients()[cell.client].policy for cell in job.cells}
        self._clients = ClientSide(self._change, self._policies, live.target, self._fail)
        self._held = {
            cell.client: held.enter_context(HeldClient(clients()[cell.client], live.target))
            for cell in job.cells
            if cell.check == Check.BROWSE_CONNECTED
        }

    def through(self) -> None:
        """Raises LabFault when the server cannot be brought back; what was measured stays."""
        with self._clients.ready(Phase.BASELINE, self._policies):
            self._phase(Phase.BASELINE, self._policies)
            self._clients.remember()
        if Phase.APPLIED not in phases_of(self._job.mitigation):
            return
        before = self._live.state
        found = self._change.verify(self._live) if self._on_server else None
        with ExitStack() as machines:
            try:
                policies = self._apply(machines)
            except RunStopped:
                raise
            except LabFault as fault:
                for name in self._policies:
                    self._fail(Phase.APPLIED, name, Attempt.fault(str(fault)))
            else:
                self._phase(Phase.APPLIED, policies)
        self._change.revert(self._live, before)
        with self._clients.ready(Phase.ROLLED_BACK, self._policies):
            self._rolled_back(found)
            self._phase(Phase.ROLLED_BACK, self._policies)

    def _apply(self, machines: ExitStack) -> Mapping[str, ClientPolicy]:
        """Apply and verify; the policies of the clients with the change, which ``machines`` keeps so.

        Raises LabFault when it did not take effect on the server: that is no result.
        """
        self._desk.watch(self._job, Phase.APPLIED)
        evidence = []
        if self._on_server:
            self._change.apply(self._live)
            seen = self._wait_until(in_effect=True)
            if not seen.in_effect:
                raise self._without_effect(seen)
            evidence.append(seen.evidence)
        policies = self._clients.changed()
        machines.enter_context(self._clients.ready(Phase.APPLIED, policies))
        evidence += self._clients.took_effect()
        if evidence:
            self._applied = Applied(self._job.mitigation, self._job.server, "; ".join(evidence))
            self._desk.took_effect(self._applied)
        return policies

    def _without_effect(self, seen: Finding) -> LabFault:
        complaints = "; ".join(self._live.complaints())
        if not seen.visible:
            return LabFault(
                f"{self._job.mitigation} cannot be seen on {self._job.server}: {seen.evidence}",
                "rehearse its parts alone, or on a server that lets somebody in",
            )
        return LabFault(
            f"{self._job.mitigation} did not take effect on {self._job.server}: {seen.evidence}",
            f"the server says: {complaints}" if complaints else "",
        )

    def _wait_until(self, *, in_effect: bool) -> Finding:
        """What verify sees; a reload is given time to reach new connections, a restart needs none."""
        deadline = Deadline(RELOAD_SECONDS if self._change.how is How.RELOAD else 0.0)
        while True:
            seen = self._change.verify(self._live)
            if seen.in_effect is in_effect or deadline.expired:
                return seen

    def _rolled_back(self, before: Finding | None) -> None:
        """The change is gone again as far as it was not there before. Raises LabFault when it is not."""
        undone = []
        if before is not None:
            seen = self._wait_until(in_effect=before.in_effect)
            if seen.in_effect is not before.in_effect:
                raise LabFault(
                    f"{self._job.mitigation} could not be taken back from {self._job.server}: {seen.evidence}"
                )
            undone.append(seen.evidence)
        undone += self._clients.came_back()
        if self._applied is not None:
            self._desk.took_effect(
                replace(
                    self._applied,
                    undone="; ".join(undone),
                    pristine=self._live.pristine,
                    brought_back=self._live.brought_back,
                )
            )

    def _fail(self, phase: Phase, client: str, made: Attempt) -> None:
        """Keep this for the cells of a client that have come to nothing in the phase yet."""
        for cell in self._left(phase):
            if cell.client == client:
                self._desk.keep(self._measured, cell, phase, made)

    def _left(self, phase: Phase) -> list[CellId]:
        return [cell for cell in self._job.cells if phase not in self._measured[cell]]

    def _phase(self, phase: Phase, policies: Mapping[str, ClientPolicy]) -> None:
        """One attempt of every cell that is left and all probes, side by side, on a server proven healthy.

        Raises LabFault when the server fell over under the probes; what was measured is kept.
        """
        self._desk.watch(self._job, phase)
        serves = phase is not Phase.APPLIED
        scout = self._scout(phase, policies) if serves else None
        self._live.prove(serves=serves, served=scout is not None)
        down = not self._live.state.running
        panics = self._panics() if self._desk.probing else []
        probing = self._desk.probes(self._job, phase, self._live)
        # First what the probes saw: a cell that is complete has all that belongs to it.
        belief = Belief(
            self._live,
            lambda cell, made: self._desk.keep(self._measured, cell, phase, made),
            shut=probing is not None,
        )
        waiting: dict[Future[Done], CellId] = {}
        beside = []
        for cell in self._left(phase):
            if scout and cell == scout[0]:
                belief.hear(*scout)
            elif cell.client in self._held and cell.check == Check.BROWSE_CONNECTED:
                beside.append(cell)
            else:
                waiting[self._ordered(cell, policies, down=down)] = cell
        for cell in beside:
            held = self._held[cell.client]
            belief.hear(cell, held.browse(policies[cell.client], expect_down=down))
        fallen = ""
        while waiting or probing:
            pending: list[Future[Any]] = [*waiting, *([probing] if probing else [])]
            ended, _ = wait(pending, belief.patience, FIRST_COMPLETED)
            for future in ended & waiting.keys():
                belief.hear(waiting.pop(future), future.result())
            if probing in ended:
                fallen = self._probed(phase, probing, panics)
                probing = None
                belief.open()
            if belief.patience == 0.0:
                belief.settle()
        belief.settle()
        if fallen:
            raise LabFault(f"{self._job.server} fell over under the exposure probes: {fallen}")

    def _ordered(self, cell: CellId, policies: Mapping[str, ClientPolicy], *, down: bool) -> Future[Done]:
        order = Order(cell.client, Check(cell.check), self._live.target, policies[cell.client], down)
        return self._clients.ordered(self._desk.ordered, order)

    def _scout(self, phase: Phase, policies: Mapping[str, ClientPolicy]) -> tuple[CellId, Done] | None:
        """The attempt that is the likeliest to come through, if it does: the server is healthy then.

        A refusal before that is shown counts for nothing: it is made again after another proof.
        """
        likely = [cell for cell in self._left(phase) if self._could_scout(cell)]
        if not likely or not self._live.state.running:
            return None
        cell = max(likely, key=lambda cell: (cell.check == Check.OPEN, *_reach(policies[cell.client])))
        done = self._ordered(cell, policies, down=False).result()
        return (cell, done) if done.attempt.outcome is Outcome.OK else None

    def _could_scout(self, cell: CellId) -> bool:
        """It is made by a process of our own, on a new connection, and came through if it was made before."""
        client = clients()[cell.client]
        before = self._measured[cell].get(Phase.BASELINE)
        return (
            not (client.image or client.guest)
            and cell.check != Check.BROWSE_CONNECTED
            and (before is None or before.outcome is Outcome.OK)
        )

    def _probed(self, phase: Phase, probing: Future[Surveyed], panics: Sequence[str]) -> str:
        """Write down what the probes saw; how the server fell over, or ""."""
        made = probing.result()
        fallen = made.fallen and (gone(self._live) or made.fallen)
        # A server whose child dies goes on answering.
        new = [line for line in self._panics() if line not in panics]
        if new and not fallen:
            fallen = f"its log says, while probes and attempts ran: {new[0]}"
        seen = {**made.seen, SURVIVES: Sighting(Hole.OPEN, fallen)} if fallen else made.seen
        self._desk.found(self._job, phase, seen)
        return fallen

    def _panics(self) -> list[str]:
        try:
            inside = self._live.inside()
        except LabFault:
            # Gone already: whoever looks next says so.
            return []
        return [line for line in inside.log if "PANIC" in line] if inside else []
