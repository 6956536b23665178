"""Which part of a combination takes a client away: its parts are made one by one, for what is lost alone.

After the rollback of a combination each part alone goes through the same passage on the same server: it is
applied, seen to be in force, the lost cells are attempted, and it is taken back, which is seen too. Where no
part alone loses a cell, the combination without each of its parts is tried as well. What this run has
measured under such a change already is not measured again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Protocol

from harness.clients import clients
from harness.conduct.jobs import Passage
from harness.conduct.phases import Measured
from harness.conduct.workers import Done, Order
from harness.errors import LabFault, RunStopped
from harness.exposures.survey import Surveyed
from harness.mitigations.base import SEPARATOR
from harness.model import Attempt, CellId, Check, Effect, Outcome, Phase, Sighting, Tier
from harness.planning.plan import Job, parts_of
from harness.planning.planner import why_not
from harness.record.judging import loses
from harness.record.verdict import effect_of, restored_by
from harness.result import Applied
from harness.servers.live import LiveServer

ON_MACHINES = "in a virtual machine each part would be one more change and one more rollback"
OPEN_BEFORE = "this connection was open before the change"
OWN_MACHINE = "this client is a machine of its own"
NOT_BACK = "the rollback did not bring it back"


class Conductor(Protocol):
    """Where attempts are ordered, and what is told of parts is written down."""

    def ordered(self, order: Order) -> Future[Done]: ...

    def alone(self, cell: CellId) -> Attempt | None: ...

    def tried(self, cell: CellId, change: str, made: Attempt) -> None: ...

    def watch_part(self, job: Job, change: str) -> None: ...


def measure(conductor: Conductor, job: Job, live: LiveServer, measured: Measured, *, machines: bool) -> None:
    """Try the parts of a job's combination for the cells that it loses, on its server as it was before.

    ``machines``: the lab's servers are virtual machines. Raises RunStopped; what else goes wrong is written
    down as the reason why a part was not measured.
    """
    by_parts: dict[tuple[str, ...], list[CellId]] = {}
    for cell in job.cells:
        if loses(cell, measured[cell]):
            by_parts.setdefault(parts_of(cell), []).append(cell)
    trials = _Trials(conductor, job, live, measured, machines=machines)
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


class _Trials:
    """Changes that are part of one job's combination, made one after the other."""

    def __init__(
        self, conductor: Conductor, job: Job, live: LiveServer, measured: Measured, *, machines: bool
    ) -> None:
        self._conductor = conductor
        self._job = job
        self._live = live
        self._measured = measured
        self._machines = machines
        self._found: dict[CellId, dict[str, Attempt]] = {cell: {} for cell in job.cells}
        self._broken = ""
        """Why nothing can be made on this server any more; "" while it can."""

    def make(self, change: str, cells: Iterable[CellId]) -> None:
        """Make one change for these cells of the combination. Raises RunStopped."""
        left = []
        for cell in cells:
            known = self._conductor.alone(replace(cell, mitigation=change))
            why = "" if known else self._why_not(cell, change)
            if known:
                self._keep(cell, change, known)
            elif why:
                self._keep(cell, change, Attempt(Outcome.UNSUPPORTED, note=why))
            else:
                left.append(cell)
        if left and not self._broken:
            self._pass(change, left)
        for cell in left:
            if change not in self._found[cell]:
                self._keep(cell, change, Attempt.fault(self._broken))

    def known(self, change: str, cells: Iterable[CellId]) -> None:
        """Under this change these cells came to what they came to under the combination."""
        for cell in cells:
            self._keep(cell, change, self._measured[cell][Phase.APPLIED])

    def none_alone(self, cell: CellId, parts: Iterable[str]) -> bool:
        """Under each part alone it came through."""
        return all(
            effect_of(cell, {**self._measured[cell], Phase.APPLIED: self._found[cell][part]})
            in (Effect.KEPT, Effect.NOT_SETTLED)
            for part in parts
        )

    def _pass(self, change: str, cells: Iterable[CellId]) -> None:
        self._conductor.watch_part(self._job, change)
        # The combination's own baseline and rollback stand for those of the part.
        around: Measured = {
            replace(cell, mitigation=change): {
                phase: made for phase, made in self._measured[cell].items() if phase is not Phase.APPLIED
            }
            for cell in cells
        }
        job = Job(change, self._job.server, tuple(around))
        desk = _Aside(self._conductor, lambda cell, made: self._keep(self._whole(cell), change, made))
        try:
            with ExitStack() as none_held:
                Passage(desk, job, self._live, none_held, around).through()
        except RunStopped:
            raise
        except LabFault as fault:
            self._broken = str(fault)

    def _whole(self, cell: CellId) -> CellId:
        return replace(cell, mitigation=self._job.mitigation)

    def _keep(self, cell: CellId, change: str, made: Attempt) -> None:
        self._found[cell][change] = made
        self._conductor.tried(cell, change, made)

    def _why_not(self, cell: CellId, change: str) -> str:
        """Why this cannot be measured cheaply, or would show nothing; "" where it can."""
        client = clients()[cell.client]
        if self._machines:
            return ON_MACHINES
        if client.guest:
            return OWN_MACHINE
        if cell.check == Check.BROWSE_CONNECTED:
            return OPEN_BEFORE
        if restored_by(self._measured[cell]) is not True:
            return NOT_BACK
        excluded = why_not(change, self._live.server, client, Tier.LOCAL)
        return excluded.reason if excluded else ""


@dataclass(frozen=True)
class _Aside:
    """The desk of a part's passage: what was attempted with the part in force is kept, and nothing else."""

    conductor: Conductor
    found_under: Callable[[CellId, Attempt], None]
    probing: bool = False

    def ordered(self, order: Order) -> Future[Done]:
        return self.conductor.ordered(order)

    def keep(self, measured: Measured, cell: CellId, phase: Phase, made: Attempt) -> None:
        measured[cell][phase] = made
        if phase is Phase.APPLIED:
            self.found_under(cell, made)

    def took_effect(self, fact: Applied) -> None:
        """It was seen to; a run's evidence is that of its own changes."""

    def probes(self, job: Job, phase: Phase, live: LiveServer) -> Future[Surveyed] | None:  # noqa: ARG002
        return None

    def found(self, job: Job, phase: Phase, seen: Mapping[str, Sighting]) -> None:
        """Never called: nothing is probed."""

    def watch(self, job: Job, phase: Phase) -> None:
        """Its phases are not those of the run."""
