"""A finished (or cut off) run as it is read back from its folder: what every report is rendered from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from harness.model import CellId, Effect, Phase, Row, Side
from harness.result.alike import alike
from harness.result.cells import WHEN as WHEN
from harness.result.cells import CellResult as CellResult
from harness.result.cells import PartAlone as PartAlone
from harness.result.cells import decisive as decisive
from harness.result.cells import decisive_phase as decisive_phase
from harness.result.cells import late_before as late_before
from harness.result.cells import not_made as not_made
from harness.result.cells import not_settled as not_settled
from harness.result.changes import Already as Already
from harness.result.changes import Applied as Applied
from harness.result.changes import LeftOut as LeftOut
from harness.result.changes import NotApplicable as NotApplicable
from harness.result.changes import Recovery as Recovery
from harness.result.facts import Added as Added
from harness.result.facts import Circumstances as Circumstances
from harness.result.facts import ClientFact as ClientFact
from harness.result.facts import ExposureFact as ExposureFact
from harness.result.facts import FileSince as FileSince
from harness.result.facts import MitigationFact as MitigationFact
from harness.result.facts import ServerFact as ServerFact
from harness.result.gates import Gates
from harness.result.holes import NO_CHANGE as NO_CHANGE
from harness.result.holes import SURVIVES as SURVIVES
from harness.result.holes import ExposureResult as ExposureResult
from harness.result.machines import FleetFact as FleetFact
from harness.result.machines import MachineGroup as MachineGroup
from harness.result.phases import somebody_else as somebody_else
from harness.result.phases import speed as speed
from harness.result.phases import stayed as stayed
from harness.result.reuse import Reuse
from harness.result.spent import TimeSpent


@dataclass(frozen=True, slots=True)
class RunResult:
    """The whole run."""

    run: str
    lab: str
    complete: bool
    """False when the run was cut off: some planned cells are missing."""
    scenarios: tuple[str, ...]
    servers: Mapping[str, ServerFact]
    clients: Mapping[str, ClientFact]
    mitigations: Mapping[str, MitigationFact]
    cells: tuple[CellResult, ...]
    """In the order of the plan, whatever order they were measured in."""
    applied: tuple[Applied, ...] = ()
    not_applicable: tuple[NotApplicable, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    """Parts of combinations that were rehearsed without them."""
    bystanders: Mapping[str, ServerFact | ClientFact] = field(default_factory=dict)
    """By name, of whom it is only said that a change cannot be made there: no cell is about them."""
    planned: int = 0
    exposures: tuple[ExposureResult, ...] = ()
    """In the order of the plan's mitigations and servers, each in the order of the exposures' names."""
    exposure_facts: Mapping[str, ExposureFact] = field(default_factory=dict)
    rows: tuple[Row, ...] = ()
    """Its scenarios."""
    expected_by: tuple[str, ...] = ()
    """Who claimed something about cells of this run: the sources of its scenarios' claims, each once."""
    began: datetime | None = None
    """When measuring began, for the first time where it was gone on with."""
    seconds: float | None = None
    """How long it was measured, without the building of images; None where it was killed, or goes on."""
    spent: TimeSpent | None = None
    """Where that time went; None where that is not known of all of it."""
    circumstances: Circumstances | None = None
    """Of the last time that it was gone on with; None for a run of an earlier version."""
    damage: str = ""
    """What of the journal cannot be read; "" for nothing."""
    gates: Gates | None = None
    """What came of the gates that it was held against; None where none were given."""
    added: tuple[Added, ...] = ()
    """What of it is not built in."""
    fleet: FleetFact | None = None
    """Who really connects; None where the run was not planned for a fleet."""
    reuse: Reuse = field(default_factory=Reuse)
    """What of it was not measured in it, but in earlier runs."""

    def by_id(self) -> Mapping[CellId, CellResult]:
        """The cells by their ids, for whoever looks up many."""
        return {result.cell: result for result in self.cells}

    def on_laxer(self, found: CellResult, among: Mapping[CellId, CellResult]) -> CellResult | None:
        """The same cell on the laxer server, which lets in what this one refuses; None where not measured.

        ``among`` is ``by_id()``, made once for all the cells that are asked about.
        """
        server = self.servers.get(found.cell.server)
        wanted = replace(found.cell, server=server.laxer) if server and server.laxer else None
        return among.get(wanted) if wanted else None

    def on_server(self, mitigation: str) -> bool:
        """Whether a change acts on the server, where the holes are looked for; so does one nobody knows."""
        fact = self.mitigations.get(mitigation)
        return fact is None or Side.SERVER in fact.side

    def on_clients(self, mitigation: str) -> bool:
        """Whether a change, or a part of one, acts on the clients."""
        fact = self.mitigations.get(mitigation)
        return fact is not None and Side.CLIENT in fact.side

    def changes_nothing(self, mitigation: str, server: str) -> bool:
        """All of a change was in force on a server before, and no client and no hole was another with it.

        Where nobody came in before either nothing shows that it was in force: that is not told as knowledge.
        """
        pair = (mitigation, server)
        proofs = [one for one in self.applied if (one.mitigation, one.server) == pair]
        if not (proofs and all(one.already and not one.took_effect for one in proofs)):
            return False
        cells = {one.effect for one in self.cells if (one.cell.mitigation, one.cell.server) == pair}
        holes = (one for one in self.exposures if (one.mitigation, one.server) == pair)
        return (
            bool(cells & {Effect.KEPT, Effect.NOT_SETTLED})
            and not cells & {Effect.LOST, Effect.GAINED}
            and all(one.state(Phase.BASELINE) is one.state(Phase.APPLIED) for one in holes)
        )

    def unnoticed(self, mitigation: str, server: str) -> bool:
        """Its configuration alone shows a change, and no client and no probe saw a difference with it.

        That is no proof that it does nothing: what was not asked may see it.
        """
        pair = (mitigation, server)
        proofs = [one for one in self.applied if (one.mitigation, one.server) == pair]
        if not (proofs and all(one.configuration_alone for one in proofs)):
            return False
        cells = [one.phases for one in self.cells if (one.cell.mitigation, one.cell.server) == pair]
        holes = [one for one in self.exposures if (one.mitigation, one.server) == pair]
        return (
            bool(cells)
            and all(alike(one.get(Phase.BASELINE), one.get(Phase.APPLIED)) for one in cells)
            and all(one.state(Phase.BASELINE) is one.state(Phase.APPLIED) for one in holes)
        )

    def left_out_of(self, mitigation: str, server: str) -> tuple[LeftOut, ...]:
        """What was left out of a combination on a server, and on clients that were asked there."""
        left = [one for one in self.left_out if one.mitigation == mitigation]
        if not left:
            return ()
        there = {
            c.cell.client for c in self.cells if (c.cell.mitigation, c.cell.server) == (mitigation, server)
        }
        return tuple(one for one in left if one.subject == server or one.subject in there)

    def summary(self) -> dict[str, int]:
        """How many cells of each effect, and how many are not as expected."""
        counts = Counter(str(result.effect) for result in self.cells)
        return {effect.value: counts[effect.value] for effect in Effect} | {
            "unexpected": sum(not result.expected for result in self.cells)
        }
