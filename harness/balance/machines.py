"""What a change costs in machines: which of a fleet lose something, which perhaps, and of which nobody knows.

A machine of which several kinds of client are possible loses something for sure only where all of them do.
What was not rehearsed is never counted as kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from harness.model import Effect
from harness.result import NO_CHANGE, CellResult, RunResult
from harness.result.machines import FleetFact, MachineGroup


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
    """It works as before; of machines also: none of what they may be does such a thing."""
    NO_USE = "no use"
    """Of clients alone: it can do no such thing at all, so that it tells nothing of a machine that does."""


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
    if theirs == {Fate.NO_USE}:
        return Fate.KEPT
    theirs.discard(Fate.NO_USE)
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
    worst_first = (Fate.LOST, Fate.NOT_KNOWN, Fate.KEPT, Fate.NEVER, Fate.NO_USE)
    return {client: next(fate for fate in worst_first if fate in its) for client, its in found.items()}


def _of_cell(cell: CellResult) -> Fate:
    if cell.unsupported:
        return Fate.NO_USE
    return {
        Effect.LOST: Fate.LOST,
        Effect.KEPT: Fate.KEPT,
        Effect.GAINED: Fate.KEPT,
        Effect.NEVER: Fate.NEVER,
    }.get(cell.effect, Fate.NOT_KNOWN)


@dataclass(frozen=True, slots=True)
class Loss:
    """Checks of which the same machines lose each."""

    checks: tuple[str, ...]
    lost: tuple[MachineGroup, ...]
    perhaps: tuple[MachineGroup, ...]


@dataclass(frozen=True, slots=True)
class Machines:
    """What one change on one server costs a fleet."""

    losses: tuple[Loss, ...]
    """Only checks that somebody loses, or perhaps loses, in the order of the plan."""
    whole: Impact
    """Every machine by what becomes of it in all checks together: one loss is a loss."""


def machines_of(result: RunResult) -> dict[tuple[str, str], Machines]:
    """By mitigation and server: what it costs the fleet of the run; nothing where it has none."""
    if result.fleet is None:
        return {}
    pairs: dict[tuple[str, str], list[CellResult]] = {}
    for cell in result.cells:
        if cell.cell.mitigation != NO_CHANGE:
            pairs.setdefault((cell.cell.mitigation, cell.cell.server), []).append(cell)
    fleet = result.fleet
    return {pair: _machines(fleet, cells) for pair, cells in pairs.items()}


def _machines(fleet: FleetFact, cells: list[CellResult]) -> Machines:
    alike: dict[tuple[tuple[MachineGroup, ...], tuple[MachineGroup, ...]], list[str]] = {}
    for check in dict.fromkeys(cell.cell.check for cell in cells):
        unable = {client: Fate.NO_USE for client, what in fleet.cannot if what == check}
        found = impact(fleet.groups, unable | fates(cells, check)).groups
        both = found.get(Fate.LOST, ()), found.get(Fate.PERHAPS, ())
        if any(both):
            alike.setdefault(both, []).append(check)
    losses = tuple(Loss(tuple(checks), *both) for both, checks in alike.items())
    return Machines(losses, impact(fleet.groups, fates(cells)))


def weights(result: RunResult) -> dict[str, float] | None:
    """How many machines of the fleet each client of the run stands for; None where the run has no fleet.

    Where a machine may be several kinds each of them has its share. A client that no machine can be weighs
    nothing: nobody has it.
    """
    if result.fleet is None:
        return None
    found = {cell.cell.client: 0.0 for cell in result.cells}
    for one in result.fleet.groups:
        for client in one.clients:
            if client in found:
                found[client] += one.count / len(one.clients)
    return found
