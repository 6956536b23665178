"""One server of a job in its phases: what is seen of the change on it, and its cells.

Several of them may be one running server: the shares of a configuration, and the roles that it tells apart.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack
from dataclasses import replace
from functools import partial

from harness.clients.base import Client
from harness.conduct.client_machines import ClientMachines, Policies
from harness.conduct.ledger import Ledger
from harness.conduct.open_connection import Kept, OpenConnection
from harness.conduct.open_file import OpenFile
from harness.conduct.orders import Orders
from harness.conduct.phases import OnePhase
from harness.conduct.server_change import Findings, ServerChange, evidence_of, on_the_wire
from harness.errors import LabFault, RunStopped
from harness.model import Attempt, Check, ClientPolicy, Phase
from harness.result import Already, Applied
from harness.result.spent import Kind
from harness.servers.live import LiveServer, target_of_clients


class OneServer:
    """The cells of one server, and what is seen of the change there."""

    def __init__(self, orders: Orders, ledger: Ledger, live: LiveServer, connections: ExitStack) -> None:
        """``connections`` keeps those open that last through all phases."""
        job = ledger.job
        clients = orders.catalogue.clients
        self.ledger = ledger
        self.live = live
        self.change = orders.catalogue.mitigation(job.mitigation).within(live.server)
        self.on_server = ServerChange(job.mitigation, self.change, live)
        self._orders = orders
        self._before: Findings = {}
        self._applied: Applied | None = None
        self._policies = {cell.client: clients[cell.client].policy for cell in job.cells}
        self._clients = ClientMachines(
            clients, self.change, self._policies, partial(target_of_clients, live), partial(_fail, ledger)
        )
        self._open: dict[tuple[str, str], Kept] = {
            (cell.client, cell.check): connections.enter_context(kind(clients[cell.client], live))
            for check, kind in _KEPT.items()
            for cell in job.cells
            if cell.check == check
        }

    def baseline(self) -> None:
        """Measure the server without the change. Raises LabFault like ``OnePhase.measure``."""
        with self._clients.ready(Phase.BASELINE, self._policies):
            self._measure(Phase.BASELINE, self._policies)
            self._clients.remember()

    def look(self) -> None:
        """Remember what is seen of the change before it is made. Raises LabFault."""
        self._before = self.on_server.look()

    def applied(self) -> None:
        """See the change in force, and measure the server with it. Raises LabFault as ``baseline`` does.

        Where it is not seen the cells are faults: that is no result.
        """
        with ExitStack() as machines:
            try:
                policies = self._in_force(machines)
            except RunStopped:
                raise
            except LabFault as fault:
                self.not_made(fault)
            else:
                self._measure(Phase.APPLIED, policies)

    def not_made(self, fault: LabFault) -> None:
        """The change is not in force: its cells are faults."""
        for name in self._policies:
            _fail(self.ledger, Phase.APPLIED, name, Attempt.fault(str(fault)))

    def rolled_back(self) -> None:
        """See that the change is gone, and measure the server without it. Raises LabFault where it is not."""
        with self._clients.ready(Phase.ROLLED_BACK, self._policies):
            self._gone()
            self._measure(Phase.ROLLED_BACK, self._policies)

    def _in_force(self, machines: ExitStack) -> Mapping[str, ClientPolicy]:
        """See the change; the policies of the clients with it, which ``machines`` keeps so.

        What was in force before proves nothing now. Raises LabFault when it did not take effect.
        """
        before = self._before
        seen = self.on_server.seen()
        evidence = [
            evidence_of(before[name], one) for name, one in seen.items() if not before[name].in_effect
        ]
        already = [Already(name, one.evidence) for name, one in seen.items() if before[name].in_effect]
        policies = self._clients.changed()
        machines.enter_context(self._clients.ready(Phase.APPLIED, policies))
        evidence += self._clients.took_effect()
        already += self._clients.already()
        if evidence or already:
            self._applied = Applied(
                self.ledger.job.mitigation,
                self.ledger.job.server,
                "; ".join(evidence),
                already=tuple(already),
                configuration_alone=bool(seen)
                and all(
                    one.by_configuration and not on_the_wire(before[name], one) for name, one in seen.items()
                ),
            )
            self.ledger.took_effect(self._applied)
        return policies

    def _gone(self) -> None:
        """The change is gone again as far as it was not there before. Raises LabFault when it is not."""
        before = self._before
        found = self.on_server.gone(before)
        undone = [one.evidence for name, one in found.items() if not before[name].in_effect]
        undone += self._clients.came_back()
        if self._applied is not None:
            self.ledger.took_effect(
                replace(
                    self._applied,
                    undone="; ".join(undone),
                    pristine=self.live.pristine,
                    brought_back=self.live.brought_back,
                )
            )

    def _measure(self, phase: Phase, policies: Policies) -> None:
        """Raises LabFault when the server is not healthy before, or falls over; what was measured is kept."""
        self.ledger.watch(phase)
        one = OnePhase(phase, policies, self._orders, self.ledger, self.live, self._clients, self._open)
        # All else here is about the change.
        with self._orders.meter.doing(Kind.OTHER):
            try:
                one.measure()
            finally:
                self.ledger.measured(phase, self.live)


# No method: whoever has one of those has the server and its ledger, too, and in a circle these stay in memory
# long after their job, with all that its clients left behind.
def _fail(ledger: Ledger, phase: Phase, client: str, made: Attempt) -> None:
    """Keep this for the cells of a client that have come to nothing in the phase yet."""
    for cell in ledger.left(phase):
        if cell.client == client:
            ledger.keep(cell, phase, made)


_KEPT: Mapping[Check, Callable[[Client, LiveServer], AbstractContextManager[Kept]]] = {
    Check.BROWSE_CONNECTED: OpenConnection,
    Check.CONNECTED: OpenFile,
}
"""What a client has open through all phases for a check (``OVER_PHASES``)."""
