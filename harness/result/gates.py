"""What came of holding a run against gates; part of a run's result where gates were given."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from harness.model import CellId


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a file of gates, as it is named to people."""

    file: str
    """Its name without the folder."""
    table: str
    """kept, closed or loss."""
    number: int
    """From 1, among those of its table."""
    selector: str

    def __str__(self) -> str:
        return f"{self.table} {self.number} of {self.file} ({self.selector})"


@dataclass(frozen=True, slots=True)
class Miss:
    """Something that a requirement asks for and that this run does not show."""

    entry: Entry
    what: str
    """The cell's id, or ``mitigation:server:exposure``; "" where the requirement selects nothing measured."""
    why: str
    text: str = ""
    """What the file says it is required for."""


@dataclass(frozen=True, slots=True)
class KnownLoss:
    """An accepted loss, and the cells of this run that are lost by it."""

    entry: Entry
    reason: str
    until: date
    """The last day on which it is accepted."""
    cells: tuple[CellId, ...]


@dataclass(frozen=True, slots=True)
class Gates:
    """A run held against gates."""

    required: int
    """How many cells and exposures the requirements select."""
    broken: tuple[Miss, ...] = ()
    """Seen to be otherwise."""
    unproven: tuple[Miss, ...] = ()
    """Nobody knows: not measured, a fault, unknown, not settled."""
    accepted: tuple[KnownLoss, ...] = ()
    expired: tuple[KnownLoss, ...] = ()
    """Their date is over, and what they accept is still lost."""
    idle: tuple[KnownLoss, ...] = ()
    """They accept nothing that is lost in this run."""

    @property
    def fails(self) -> bool:
        """The run is not good enough, as far as was seen."""
        return bool(self.broken or self.expired)

    @property
    def accepts(self) -> frozenset[CellId]:
        """The lost cells that somebody has accepted and whose date is not over."""
        return frozenset(cell for loss in self.accepted for cell in loss.cells)
