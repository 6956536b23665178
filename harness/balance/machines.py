"""What a change costs in machines: which of a fleet lose something, which perhaps, and of which nobody knows.

A machine of which several kinds of client are possible loses something for sure only where all of them do.
What was not rehearsed is never counted as kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from harness.model import Effect
from harness.result import CellResult
from harness.result.machines import MachineGroup


class Fate(StrEnum):
    """What becomes of a client, or of machines, under a change."""

    LOST = "lost"
    PERHAPS = "perhaps"
    """Of machines alone: some of the clients that they may be lose it, others do not."""
    NOT_KNOWN = "not known"
    """It was rehearsed, and nothing can be said: a fault, or sources do not settle it."""
    NOT_REHEARSED = "not rehearsed"
    NEVER = "never"
    """It did not work in the lab before the change either."""
    KEPT = "kept"
    """It works as before, or it can do no such thing at all."""


@dataclass(frozen=True, slots=True)
class Impact:
    """Every machine of a fleet, once, by what becomes of it."""

    groups: Mapping[Fate, tuple[MachineGroup, ...]]
    """In the order of the fleet; a fate that no machine has is left out."""

    def count(self, fate: Fate) -> int:
        """How many machines."""
        return sum(one.count for one in self.groups.get(fate, ()))

    @property
    def total(self) -> int:
        """All machines of the fleet."""
        return sum(map(self.count, Fate))

    @property
    def lost(self) -> int:
        """Machines that lose it for sure: all that they may be lose it."""
        return self.count(Fate.LOST)

    @property
    def perhaps(self) -> int:
        """Machines of which only some of what they may be lose it."""
        return self.count(Fate.PERHAPS)

    @property
    def not_rehearsed(self) -> int:
        """Machines that may be what was not rehearsed: nothing is said of them."""
        return self.count(Fate.NOT_REHEARSED)

    @property
    def most(self) -> int:
        """The most that may be lost: all that are not known to keep it, or to have lost nothing."""
        return self.lost + self.perhaps + self.not_rehearsed + self.count(Fate.NOT_KNOWN)


def impact(groups: Iterable[MachineGroup], fates: Mapping[str, Fate]) -> Impact:
    """What becomes of the machines of a fleet, by what becomes of the clients. A client that is not in
    ``fates`` was not rehearsed."""
    found: dict[Fate, list[MachineGroup]] = {}
    for one in groups:
        found.setdefault(fate_of(one, fates), []).append(one)
    return Impact({fate: tuple(found[fate]) for fate in Fate if fate in found})


def fate_of(group: MachineGroup, fates: Mapping[str, Fate]) -> Fate:
    """What becomes of the machines of one group, as ``impact`` counts them."""
    theirs = {fates.get(client, Fate.NOT_REHEARSED) for client in group.clients}
    if not theirs:
        return Fate.NOT_REHEARSED
    if Fate.LOST in theirs and theirs != {Fate.LOST}:
        return Fate.PERHAPS
    for fate in (Fate.LOST, Fate.PERHAPS, Fate.NOT_KNOWN, Fate.NOT_REHEARSED):
        if fate in theirs:
            return fate
    return Fate.KEPT if Fate.KEPT in theirs else Fate.NEVER


def fates(cells: Iterable[CellResult], check: str = "") -> dict[str, Fate]:
    """What becomes of each client in these cells, which are of one change on one server.

    ``check``: in this check alone; "" for all of them, where the loss of one is a loss.
    """
    found: dict[str, set[Fate]] = {}
    for cell in cells:
        if check in ("", cell.cell.check):
            found.setdefault(cell.cell.client, set()).add(_of_cell(cell))
    worst_first = (Fate.LOST, Fate.NOT_KNOWN, Fate.KEPT, Fate.NEVER)
    return {client: next(fate for fate in worst_first if fate in its) for client, its in found.items()}


def _of_cell(cell: CellResult) -> Fate:
    # Who cannot do a thing at all loses nothing of it.
    if cell.unsupported:
        return Fate.KEPT
    return {
        Effect.LOST: Fate.LOST,
        Effect.KEPT: Fate.KEPT,
        Effect.GAINED: Fate.KEPT,
        Effect.NEVER: Fate.NEVER,
    }.get(cell.effect, Fate.NOT_KNOWN)
