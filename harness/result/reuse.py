"""What of a run was not measured in it, but earlier; and what came of the cells that were measured again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from harness.model import CellId


@dataclass(frozen=True, slots=True)
class MeasuredBefore:
    """In which run something was measured, and when that run measured it."""

    run: str
    at: datetime
    """UTC."""

    def age(self, now: datetime) -> float:
        """Seconds from then until ``now``; 0 where a clock was set back meanwhile."""
        return max(0.0, (now - self.at).total_seconds())


@dataclass(frozen=True, slots=True)
class Recheck:
    """Something that could have been reused, and was measured again to see whether it comes out the same."""

    what: str
    """A cell's id; of what the probes saw ``mitigation:server``."""
    before: MeasuredBefore
    came: str
    """same, different, fault, or not measured."""
    differences: tuple[str, ...] = ()
    """What is not as it was: ``with the change: status NAME -> NAME``."""


@dataclass(frozen=True, slots=True)
class Reuse:
    """What of a run was reused."""

    cells: Mapping[CellId, MeasuredBefore] = field(default_factory=dict)
    changes: Mapping[tuple[str, str], MeasuredBefore] = field(default_factory=dict)
    """Mitigation and server: of when is known what the probes saw; and, where all cells were reused, so that
    no server was started, that the change took effect and was taken back."""
    rechecks: tuple[Recheck, ...] = ()

    @property
    def known(self) -> bool:
        """Whether anything was reused, or could have been."""
        return bool(self.cells or self.changes or self.rechecks)

    @property
    def disagreements(self) -> tuple[Recheck, ...]:
        """What came out otherwise, though nothing had changed that can change it."""
        return tuple(one for one in self.rechecks if one.differences)

    @property
    def runs(self) -> tuple[str, ...]:
        """The runs that reused results are of, each once; the oldest first."""
        known = {*self.cells.values(), *self.changes.values()}
        return tuple(dict.fromkeys(one.run for one in sorted(known, key=lambda one: (one.at, one.run))))

    @property
    def oldest(self) -> MeasuredBefore | None:
        """What of it is the oldest; None where nothing was reused."""
        return min((*self.cells.values(), *self.changes.values()), key=lambda one: one.at, default=None)
