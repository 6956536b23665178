"""One job: its server goes through baseline, applied and rolled back.

So do several servers that are one running server, together: it is changed once for all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

from harness.conduct.ledger import Ledger
from harness.conduct.one_server import OneServer
from harness.conduct.orders import Orders
from harness.errors import LabFault, RunStopped
from harness.model import Phase
from harness.planning.plan import phases_of
from harness.result.spent import Kind
from harness.servers.live import LiveServer

AT_ONCE = 2
"""Servers of one running server that are measured at the same time: one's last attempt holds up no other."""


class ThreePhases:
    """One running server through baseline, applied and rolled back."""

    def __init__(
        self,
        orders: Orders,
        served: Sequence[tuple[Ledger, LiveServer]],
        connections: ExitStack,
        *,
        job: str,
    ) -> None:
        """``served``: the servers that the running one is, mostly one; all of the change ``job``.

        ``connections`` keeps those open that last through all phases.
        """
        self._left = [OneServer(orders, ledger, live, connections) for ledger, live in served]
        self._phases = phases_of(job)
        self._meter = orders.meter

    def measure(self) -> None:
        """Measure all cells. Raises LabFault when the server cannot be brought back; what was made stays.

        What goes wrong with one of several servers makes faults of its cells alone.
        """
        self._each(OneServer.baseline)
        if Phase.APPLIED not in self._phases:
            return
        self._each(OneServer.look)
        first, before = self._left[0], self._left[0].live.state
        for one in self._left:
            one.ledger.watch(Phase.APPLIED)
        try:
            first.on_server.apply()
        except RunStopped:
            raise
        except LabFault as fault:
            for one in self._left:
                one.not_made(fault)
        else:
            self._each(OneServer.applied)
            first = self._left[0]
        first.change.revert(first.live, before)
        self._each(OneServer.rolled_back)

    @property
    def whole(self) -> list[LiveServer]:
        """The servers that went through all phases, as far as they have been measured."""
        return [one.live for one in self._left]

    def _each(self, do: Callable[[OneServer], None]) -> None:
        """Do this with every server that is left. Raises LabFault where none is left after it."""
        if len(self._left) == 1:
            # As the job's own: what else is to be done with it ends, too.
            do(self._left[0])
            return
        with self._meter.doing(None), ThreadPoolExecutor(AT_ONCE, thread_name_prefix="server") as threads:
            failed = list(threads.map(lambda one: self._fails(do, one), self._left))
        lost = [(one, why) for one, why in zip(self._left, failed, strict=True) if why]
        for one, why in lost:
            one.ledger.fault(str(why))
        gone = [one for one, _ in lost]
        self._left = [one for one in self._left if one not in gone]
        if lost and not self._left:
            raise lost[0][1]

    def _fails(self, do: Callable[[OneServer], None], one: OneServer) -> LabFault | None:
        try:
            # In a thread of its own, which is a job's as the one that waits for it.
            with self._meter.doing(Kind.CHANGE):
                do(one)
        except RunStopped:
            raise
        except LabFault as fault:
            return fault
        return None
