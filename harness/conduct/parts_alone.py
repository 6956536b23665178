"""Which part of a combination takes a client away: its parts are made one by one, for what is lost alone.

After the rollback of a combination each part alone goes through the same phases on the same server: it is
applied, seen to be in force, the lost cells are attempted, and it is taken back, which is seen too. Where no
part alone loses a cell, the combination without each of its parts is tried as well. What this run has
measured under such a change already is not measured again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace

from harness.conduct.jobs import ThreePhases
from harness.conduct.ledger import JobLedger, Ledger
from harness.conduct.orders import Orders
from harness.errors import LabFault, RunStopped
from harness.mitigations.base import SEPARATOR
from harness.model import OVER_PHASES, Attempt, CellId, Effect, Outcome, Phase, Tier
from harness.planning.applicable import why_not
from harness.planning.plan import Job, parts_of
from harness.record.judging import loses
from harness.record.verdict import effect_of, restored_by
from harness.servers.live import LiveServer

Known = Mapping[CellId, Mapping[Phase, Attempt]]

ON_MACHINES = "in a virtual machine each part would be one more change and one more rollback"
OPEN_BEFORE = "this connection was open before the change"
OWN_MACHINE = "this client is a machine of its own"
NOT_BACK = "the rollback did not bring it back"


def measure(orders: Orders, served: Sequence[tuple[JobLedger, LiveServer]], *, machines: bool) -> str:
    """Try the parts of a job's combination for the cells that it loses, on its server as it was before.

    ``served``: the servers that one running server is, with their jobs; mostly one. ``machines``: the lab's
    servers are virtual machines. Returns why nothing more can be made on this server; "" where it is as it
    was. Raises RunStopped; what else goes wrong is written down as the reason why a part was not measured.
    """
    by_parts: dict[tuple[str, ...], list[CellId]] = {}
    for ledger, _ in served:
        for cell in ledger.job.cells:
            if loses(cell, ledger.attempts[cell]):
                by_parts.setdefault(parts_of(orders.catalogue, cell), []).append(cell)
    trials = _Trials(orders, served, machines=machines)
    for parts, cells in by_parts.items():
        if len(parts) == 1:
            # All others are left out there: what was measured is this part alone.
            trials.known(parts[0], cells)
            continue
        for part in parts:
            trials.make(part, cells)
        together = [cell for cell in cells if trials.none_alone(cell, parts)]
        # Of two parts one without the other is that other alone.
        for part in parts if len(parts) > 2 else ():
            trials.make(SEPARATOR.join(other for other in parts if other != part), together)
    return trials.broken


class _Trials:
    """Changes that are part of one job's combination, made one after the other."""

    def __init__(
        self, orders: Orders, served: Sequence[tuple[JobLedger, LiveServer]], *, machines: bool
    ) -> None:
        self._orders = orders.without_probes()
        self._served = {ledger.job.server: (ledger, live) for ledger, live in served}
        self._machines = machines
        self._found: dict[CellId, dict[str, Attempt]] = {
            cell: {} for ledger, _ in served for cell in ledger.job.cells
        }
        self.broken = ""
        """Why nothing can be made on this server any more; "" while it can."""

    def make(self, change: str, cells: Iterable[CellId]) -> None:
        """Make one change for these cells of the combination. Raises RunStopped."""
        left = []
        for cell in cells:
            known = self._ledger(cell).alone(replace(cell, mitigation=change))
            why = "" if known else self._why_not(cell, change)
            if known:
                self._keep(cell, change, known)
            elif why:
                self._keep(cell, change, Attempt(Outcome.UNSUPPORTED, note=why))
            else:
                left.append(cell)
        if left and not self.broken:
            self._pass(change, left)
        for cell in left:
            if change not in self._found[cell]:
                self._keep(cell, change, Attempt.fault(self.broken))

    def known(self, change: str, cells: Iterable[CellId]) -> None:
        """Under this change these cells came to what they came to under the combination."""
        for cell in cells:
            self._keep(cell, change, self._ledger(cell).attempts[cell][Phase.APPLIED])

    def none_alone(self, cell: CellId, parts: Iterable[str]) -> bool:
        """Under each part alone it came through."""
        return all(
            effect_of(cell, {**self._ledger(cell).attempts[cell], Phase.APPLIED: self._found[cell][part]})
            in (Effect.KEPT, Effect.NOT_SETTLED)
            for part in parts
        )

    def _pass(self, change: str, cells: Iterable[CellId]) -> None:
        left = list(cells)
        served = [
            (self._part(change, ledger, [cell for cell in left if cell.server == name]), live)
            for name, (ledger, live) in self._served.items()
            if any(cell.server == name for cell in left)
        ]
        try:
            with ExitStack() as none_open:
                ThreePhases(self._orders, served, none_open, job=change).measure()
        except RunStopped:
            raise
        except LabFault as fault:
            self.broken = str(fault)

    def _part(self, change: str, ledger: JobLedger, cells: Iterable[CellId]) -> _PartLedger:
        ledger.watch_part(change)
        # The combination's own baseline and rollback stand for those of the part.
        known: Known = {
            replace(cell, mitigation=change): {
                phase: made for phase, made in ledger.attempts[cell].items() if phase is not Phase.APPLIED
            }
            for cell in cells
        }
        whole = ledger.job.mitigation
        return _PartLedger(
            Job(change, ledger.job.server, tuple(known)),
            known,
            lambda cell, made: self._keep(replace(cell, mitigation=whole), change, made),
        )

    def _ledger(self, cell: CellId) -> JobLedger:
        return self._served[cell.server][0]

    def _keep(self, cell: CellId, change: str, made: Attempt) -> None:
        self._found[cell][change] = made
        self._ledger(cell).tried(cell, change, made)

    def _why_not(self, cell: CellId, change: str) -> str:
        """Why this cannot be measured cheaply, or would show nothing; "" where it can."""
        client = self._orders.catalogue.clients[cell.client]
        if self._machines:
            return ON_MACHINES
        if client.guest:
            return OWN_MACHINE
        if cell.check in OVER_PHASES:
            return OPEN_BEFORE
        if restored_by(self._ledger(cell).attempts[cell]) is not True:
            return NOT_BACK
        server = self._served[cell.server][1].server
        excluded = why_not(self._orders.catalogue, change, server, client, Tier.LOCAL)
        return excluded.reason if excluded else ""


class _PartLedger(Ledger):
    """What is attempted with a part in force is handed on; a run's evidence is that of its own changes."""

    def __init__(self, job: Job, known: Known, found_under: Callable[[CellId, Attempt], None]) -> None:
        super().__init__(job, known)
        self._found_under = found_under

    def keep(self, cell: CellId, phase: Phase, made: Attempt) -> None:
        super().keep(cell, phase, made)
        if phase is Phase.APPLIED:
            self._found_under(cell, made)
