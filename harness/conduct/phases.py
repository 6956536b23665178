"""One phase on one server: an attempt of every cell that is left and all probes, side by side."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from typing import Any

from harness.conduct.client_machines import ClientMachines, Policies
from harness.conduct.ledger import Ledger
from harness.conduct.open_connection import Kept
from harness.conduct.orders import Orders
from harness.conduct.refusals import SOON, Verification, gone
from harness.conduct.workers import Done, Order
from harness.errors import LabFault
from harness.exposures.survey import Surveyed
from harness.model import OVER_PHASES, CellId, Check, ClientPolicy, Hole, Outcome, Phase, Sighting
from harness.result import SURVIVES
from harness.result.spent import Kind
from harness.servers.live import HasDomain, LiveServer, TellsWhenServed, target_of_clients
from harness.smb.served import came_through


def _reach(policy: ClientPolicy) -> tuple[bool, int]:
    """The more servers a client could speak with, the larger."""
    return policy.smb1, policy.max_dialect.revision


class OnePhase:
    """One phase of a job."""

    def __init__(
        self,
        phase: Phase,
        policies: Policies,
        orders: Orders,
        ledger: Ledger,
        live: LiveServer,
        machines: ClientMachines,
        connections: Mapping[tuple[str, str], Kept],
    ) -> None:
        """``machines``: those of the clients, set to ``policies``; ``connections``: open ones, by client and
        check."""
        self._phase = phase
        self._policies = policies
        self._orders = orders
        self._ledger = ledger
        self._live = live
        self._machines = machines
        self._connections = connections

    def measure(self) -> None:
        """Measure the cells that are left on a server that is shown to be healthy.

        Raises LabFault when it is not, or fell over under the probes; what was measured is kept.
        """
        left = self._ledger.left(self._phase)
        serves = self._phase is not Phase.APPLIED
        first = self._likeliest(left) if serves else None
        scout = self._let_in(first) if first else None
        # Whom a server has just left without an answer says more than what it did before.
        served = scout is not None if first else self._served_just_now()
        with self._orders.meter.doing(Kind.PROOF):
            self._live.prove(serves=serves, served=served)
        down = not self._live.state.running
        panics = self._panics() if self._orders.probing else []
        probing = self._orders.probes(self._ledger.job, self._phase, self._live)
        # First what the probes saw: a cell that is complete has all that belongs to it.
        refusals = Verification(
            self._orders.catalogue.clients,
            self._live,
            lambda cell, made: self._ledger.keep(cell, self._phase, made),
            shut=probing is not None,
        )
        waiting: dict[Future[Done], CellId] = {}
        beside = []
        last = self._kept_for_last([cell for cell in left if not scout or cell != scout[0]])
        for cell in left:
            if scout and cell == scout[0]:
                self._heard(refusals, *scout)
            elif (cell.client, cell.check) in self._connections:
                beside.append(cell)
            elif cell != last:
                waiting[self._ordered(cell, down=down)] = cell
        for cell in beside:
            connection = self._connections[cell.client, cell.check]
            with self._orders.meter.doing(None):
                done = connection.attempt(self._policies[cell.client], expect_down=down)
            self._heard(refusals, cell, done)
        fallen = ""
        while waiting or probing or last:
            if last and not waiting:
                waiting[self._ordered(last, down=down)] = last
                last = None
            pending: list[Future[Any]] = [*waiting, *([probing] if probing else [])]
            with self._orders.meter.doing(None):
                ended, _ = wait(pending, refusals.due_in, FIRST_COMPLETED)
            for future in ended & waiting.keys():
                self._heard(refusals, waiting.pop(future), future.result())
            if probing in ended:
                fallen = self._probed(probing, panics)
                probing = None
                refusals.open()
            if refusals.due_in == 0.0:
                self._settle(refusals)
        self._settle(refusals)
        if fallen:
            raise LabFault(f"{self._ledger.job.server} fell over under the exposure probes: {fallen}")

    def _settle(self, refusals: Verification) -> None:
        with self._orders.meter.doing(Kind.PROOF):
            refusals.settle()

    def _heard(self, refusals: Verification, cell: CellId, done: Done) -> None:
        # Before it is passed on: with that a job may be complete.
        self._ledger.left_behind(cell, self._phase, done.left)
        on_its_own = done.begun is not None and not self._orders.catalogue.clients[cell.client].guest
        if on_its_own and came_through(done.attempt, None) and isinstance(self._live, TellsWhenServed):
            self._live.served_at = max(self._live.served_at, min(done.ended, time.monotonic()))
        refusals.hear(cell, done)

    def _ordered(self, cell: CellId, *, down: bool) -> Future[Done]:
        check = Check(cell.check)
        target = target_of_clients(self._live).given_time(check)
        order = Order(cell.client, check, target, self._policies[cell.client], down)
        return self._machines.ordered(self._orders.attempt, order)

    def _served_just_now(self) -> bool:
        """Somebody was served since the server became what it is: as soon before as a refusal is verified
        after it."""
        live = self._live
        # Of one in a domain more is to be shown.
        if not isinstance(live, TellsWhenServed) or isinstance(live, HasDomain):
            return False
        return time.monotonic() - live.served_at <= SOON

    def _likeliest(self, left: Sequence[CellId]) -> CellId | None:
        """The cell whose attempt is the likeliest to come through; None where none is likely."""
        likely = [cell for cell in left if self._could_scout(cell)]
        if not likely or not self._live.state.running:
            return None
        return max(likely, key=lambda cell: (cell.check == Check.OPEN, *_reach(self._policies[cell.client])))

    def _let_in(self, cell: CellId) -> tuple[CellId, Done] | None:
        """The first attempt of a phase, if it comes through: the server is healthy then.

        A refusal before that is shown counts for nothing: it is made again after another proof.
        """
        with self._orders.meter.doing(None):
            done = self._ordered(cell, down=False).result()
        return (cell, done) if done.attempt.outcome is Outcome.OK else None

    def _kept_for_last(self, left: Sequence[CellId]) -> CellId | None:
        """The cell whose attempt begins when all others ended: if it comes through, it verifies the refusals
        among them (``refusals``). None where it could be alone, or nobody need be refused."""
        before = [self._ledger.attempts[cell].get(Phase.BASELINE) for cell in left]
        refused = any(one and one.outcome is Outcome.REFUSED for one in before)
        if len(left) < 2 or not (refused or self._phase is Phase.APPLIED):
            return None
        return self._likeliest([cell for cell in left if (cell.client, cell.check) not in self._connections])

    def _could_scout(self, cell: CellId) -> bool:
        """It is made by a process of our own, on a new connection, and came through if it was made before."""
        client = self._orders.catalogue.clients[cell.client]
        before = self._ledger.attempts[cell].get(Phase.BASELINE)
        return (
            not (client.image or client.guest)
            and cell.check not in (*OVER_PHASES, Check.DISCOVER)
            and (before is None or before.outcome is Outcome.OK)
        )

    def _probed(self, probing: Future[Surveyed], panics: Sequence[str]) -> str:
        """Write down what the probes saw; how the server fell over, or ""."""
        made = probing.result()
        fallen = made.fallen and (gone(self._live) or made.fallen)
        # A server whose child dies goes on answering.
        new = [line for line in self._panics() if line not in panics]
        if new and not fallen:
            fallen = f"its log says, while probes and attempts ran: {new[0]}"
        seen = {**made.seen, SURVIVES: Sighting(Hole.OPEN, fallen)} if fallen else made.seen
        self._ledger.found(self._phase, seen)
        return fallen

    def _panics(self) -> list[str]:
        try:
            inside = self._live.internals()
        except LabFault:
            # Gone already: whoever looks next says so.
            return []
        return [line for line in inside.log if "PANIC" in line] if inside else []
