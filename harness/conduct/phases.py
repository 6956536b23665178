"""One phase on one server: an attempt of every cell that is left and all probes, side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from typing import Any, Protocol

from harness.clients import clients
from harness.conduct.client_machines import ClientSide, Policies
from harness.conduct.open_connection import HeldClient
from harness.conduct.refusals import Belief, gone
from harness.conduct.workers import Done, Order
from harness.errors import LabFault
from harness.exposures.survey import SURVIVES, Surveyed
from harness.model import Attempt, CellId, Check, ClientPolicy, Hole, Outcome, Phase, Sighting
from harness.planning.plan import Job
from harness.result import Applied
from harness.servers.live import LiveServer

Measured = dict[CellId, dict[Phase, Attempt]]
"""What a job has measured so far."""


def _reach(policy: ClientPolicy) -> tuple[bool, int]:
    """The more servers a client could speak with, the larger."""
    return policy.smb1, policy.max_dialect.revision


class Desk(Protocol):
    """Where attempts are ordered, and what came of them is handed in."""

    def ordered(self, order: Order) -> Future[Done]: ...

    def keep(self, measured: Measured, cell: CellId, phase: Phase, made: Attempt) -> None: ...

    def took_effect(self, fact: Applied) -> None: ...

    @property
    def probing(self) -> bool: ...

    def probes(self, job: Job, phase: Phase, live: LiveServer) -> Future[Surveyed] | None: ...

    def found(self, job: Job, phase: Phase, seen: Mapping[str, Sighting]) -> None: ...

    def watch(self, job: Job, phase: Phase) -> None: ...


class Leg:
    """A leg of a server's passage: one phase."""

    def __init__(
        self,
        desk: Desk,
        job: Job,
        live: LiveServer,
        machines: ClientSide,
        held: Mapping[str, HeldClient],
        measured: Measured,
    ) -> None:
        """``machines``: those of the clients, with their policies of this phase; ``held``: by client."""
        self._desk = desk
        self._job = job
        self._live = live
        self._clients = machines
        self._held = held
        self._measured = measured

    def make(self, phase: Phase, policies: Policies, left: Sequence[CellId]) -> None:
        """Measure the cells that are ``left`` on a server that is shown to be healthy.

        Raises LabFault when it is not, or fell over under the probes; what was measured is kept.
        """
        serves = phase is not Phase.APPLIED
        scout = self._scout(left, policies) if serves else None
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
        for cell in left:
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

    def _ordered(self, cell: CellId, policies: Policies, *, down: bool) -> Future[Done]:
        order = Order(cell.client, Check(cell.check), self._live.target, policies[cell.client], down)
        return self._clients.ordered(self._desk.ordered, order)

    def _scout(self, left: Sequence[CellId], policies: Policies) -> tuple[CellId, Done] | None:
        """The attempt that is the likeliest to come through, if it does: the server is healthy then.

        A refusal before that is shown counts for nothing: it is made again after another proof.
        """
        likely = [cell for cell in left if self._could_scout(cell)]
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
