"""One job: its server goes through baseline, applied and rolled back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack
from dataclasses import replace

from harness.clients.base import Client
from harness.conduct.client_machines import ClientMachines, Policies
from harness.conduct.ledger import Ledger
from harness.conduct.open_connection import Kept, OpenConnection
from harness.conduct.open_file import OpenFile
from harness.conduct.orders import Orders
from harness.conduct.phases import OnePhase
from harness.conduct.server_change import Findings, ServerChange, evidence_of, on_the_wire
from harness.errors import LabFault, RunStopped
from harness.mitigations.base import Mitigation
from harness.model import (
    Attempt,
    Check,
    ClientPolicy,
    Phase,
    Target,
)
from harness.planning.plan import phases_of
from harness.result import Already, Applied
from harness.servers.live import LiveServer, target_of_clients


class ThreePhases:
    """One server through baseline, applied and rolled back."""

    def __init__(self, orders: Orders, ledger: Ledger, live: LiveServer, connections: ExitStack) -> None:
        """``connections`` keeps those open that last through all phases."""
        job, target = ledger.job, target_of_clients(live)
        clients = orders.catalogue.clients
        self._orders = orders
        self._ledger = ledger
        self._job = job
        self._live = live
        self._change: Mitigation = orders.catalogue.mitigation(job.mitigation).within(live.server)
        self._on_server = ServerChange(job.mitigation, self._change, live)
        self._applied: Applied | None = None
        self._policies = {cell.client: clients[cell.client].policy for cell in job.cells}
        self._clients = ClientMachines(clients, self._change, self._policies, target, self._fail)
        self._open: dict[tuple[str, str], Kept] = {
            (cell.client, cell.check): connections.enter_context(kind(clients[cell.client], target))
            for check, kind in _KEPT.items()
            for cell in job.cells
            if cell.check == check
        }

    def measure(self) -> None:
        """Measure all cells. Raises LabFault when the server cannot be brought back; what was made stays."""
        with self._clients.ready(Phase.BASELINE, self._policies):
            self._measure(Phase.BASELINE, self._policies)
            self._clients.remember()
        if Phase.APPLIED not in phases_of(self._job.mitigation):
            return
        before = self._live.state
        found = self._on_server.look()
        with ExitStack() as machines:
            try:
                policies = self._apply(machines, found)
            except RunStopped:
                raise
            except LabFault as fault:
                for name in self._policies:
                    self._fail(Phase.APPLIED, name, Attempt.fault(str(fault)))
            else:
                self._measure(Phase.APPLIED, policies)
        self._change.revert(self._live, before)
        with self._clients.ready(Phase.ROLLED_BACK, self._policies):
            self._rolled_back(found)
            self._measure(Phase.ROLLED_BACK, self._policies)

    def _apply(self, machines: ExitStack, before: Findings) -> Mapping[str, ClientPolicy]:
        """Apply and verify; the policies of the clients with the change, which ``machines`` keeps so.

        ``before``: what was seen of it on the server before; what was in force then proves nothing now.
        Raises LabFault when it did not take effect on the server: that is no result.
        """
        self._ledger.watch(Phase.APPLIED)
        seen = self._on_server.make()
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
                self._job.mitigation,
                self._job.server,
                "; ".join(evidence),
                already=tuple(already),
                configuration_alone=bool(seen)
                and all(
                    one.by_configuration and not on_the_wire(before[name], one) for name, one in seen.items()
                ),
            )
            self._ledger.took_effect(self._applied)
        return policies

    def _rolled_back(self, before: Findings) -> None:
        """The change is gone again as far as it was not there before. Raises LabFault when it is not."""
        found = self._on_server.gone(before)
        undone = [one.evidence for name, one in found.items() if not before[name].in_effect]
        undone += self._clients.came_back()
        if self._applied is not None:
            self._ledger.took_effect(
                replace(
                    self._applied,
                    undone="; ".join(undone),
                    pristine=self._live.pristine,
                    brought_back=self._live.brought_back,
                )
            )

    def _fail(self, phase: Phase, client: str, made: Attempt) -> None:
        """Keep this for the cells of a client that have come to nothing in the phase yet."""
        for cell in self._ledger.left(phase):
            if cell.client == client:
                self._ledger.keep(cell, phase, made)

    def _measure(self, phase: Phase, policies: Policies) -> None:
        """Raises LabFault when the server is not healthy before, or falls over; what was measured is kept."""
        self._ledger.watch(phase)
        one = OnePhase(phase, policies, self._orders, self._ledger, self._live, self._clients, self._open)
        try:
            one.measure()
        finally:
            self._ledger.measured(phase, self._live)


_KEPT: Mapping[Check, Callable[[Client, Target], AbstractContextManager[Kept]]] = {
    Check.BROWSE_CONNECTED: OpenConnection,
    Check.CONNECTED: OpenFile,
}
"""What a client has open through all phases for a check (``OVER_PHASES``)."""
