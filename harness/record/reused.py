"""Lines of a journal that say what was not measured in the run, but reused from an earlier one.

What was reused stands in the journal like what was measured, behind one of these lines. A line counts for one
round of its cell: what is measured anew later is not reused any more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import Field

from harness.model import Attempt, CellId, Phase, Sighting
from harness.result.reuse import MeasuredBefore

Pair = tuple[str, str]
"""Mitigation and server."""
Round = Annotated[int, Field(ge=0)]
"""Counts the times that a cell was begun, or a server's change; a line with a number below is damaged."""


@dataclass(frozen=True)
class Reused:
    """The attempts of a cell, in this round, are those of an earlier run."""

    cell: CellId
    round: Round
    before: MeasuredBefore
    kind: Literal["reused"] = "reused"


@dataclass(frozen=True)
class ReusedChange:
    """So is what the probes saw of a change on a server, and how that took effect where no server started."""

    mitigation: str
    server: str
    round: Round
    before: MeasuredBefore
    kind: Literal["reused-change"] = "reused-change"


@dataclass(frozen=True)
class Drawn:
    """A cell that could have been reused, and is measured in this round: does it come out the same?"""

    cell: CellId
    round: Round
    before: MeasuredBefore
    attempts: dict[Phase, Attempt]
    """What it came to then."""
    tried: dict[str, Attempt] = field(default_factory=dict)
    """And under parts of its combination."""
    kind: Literal["drawn"] = "drawn"


@dataclass(frozen=True)
class DrawnChange:
    """What the probes saw then, of a change on a server whose exposures are looked for again."""

    mitigation: str
    server: str
    round: Round
    before: MeasuredBefore
    probed: dict[Phase, dict[str, Sighting]]
    kind: Literal["drawn-change"] = "drawn-change"


OfReuse = Reused | ReusedChange | Drawn | DrawnChange


@dataclass
class Earlier:
    """What a journal says of reuse."""

    cells: dict[CellId, Reused] = field(default_factory=dict)
    changes: dict[Pair, ReusedChange] = field(default_factory=dict)
    drawn: dict[CellId, Drawn] = field(default_factory=dict)
    drawn_changes: dict[Pair, DrawnChange] = field(default_factory=dict)

    def note(self, entry: OfReuse) -> None:
        """Take in one line."""
        match entry:
            case Reused():
                self.cells[entry.cell] = entry
            case ReusedChange():
                self.changes[entry.mitigation, entry.server] = entry
            case Drawn():
                self.drawn[entry.cell] = entry
            case DrawnChange():
                self.drawn_changes[entry.mitigation, entry.server] = entry

    def reused(self, rounds: Mapping[CellId, int]) -> dict[CellId, MeasuredBefore]:
        """The cells whose newest round is a reused one."""
        return {cell: one.before for cell, one in self.cells.items() if rounds.get(cell) == one.round}
