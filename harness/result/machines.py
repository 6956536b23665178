"""The machines of a fleet, as a run keeps them: how many of which kinds, and nothing that names one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MachineGroup:
    """Machines of which the same is known."""

    clients: tuple[str, ...]
    """The clients of the catalogue that they may be, sorted. One: that kind. Several: what is known does not
    tell them apart. None: nothing of the catalogue fits."""
    count: int
    sure: bool = False
    """They are of that one kind: somebody or something named it. False where it merely fits."""
    dialect: str = ""
    """The newest dialect that was seen chosen with them (a value of ``Dialect``); "" where none is known."""


@dataclass(frozen=True, slots=True)
class FleetFact:
    """Who really connects, as a run was rehearsed for it: kinds and numbers, no address and no name."""

    name: str
    """What the stored fleet is called."""
    groups: tuple[MachineGroup, ...]
    last_seen: str = ""
    """The day of the newest sighting, YYYY-MM-DD; "" where no source tells any."""

    cannot: tuple[tuple[str, str], ...] = ()
    """Clients that can not do a check at all, and the check: a machine that does it is none of them."""

    @property
    def size(self) -> int:
        """How many machines connect."""
        return sum(one.count for one in self.groups)

    @property
    def clients(self) -> tuple[str, ...]:
        """Every client that a machine of it may be, each once, sorted."""
        return tuple(sorted({client for one in self.groups for client in one.clients}))


def together(groups: Iterable[MachineGroup]) -> tuple[MachineGroup, ...]:
    """Groups of which the same is known as one; the largest first, then by what they may be."""
    counts: dict[tuple[tuple[str, ...], bool, str], int] = {}
    for one in groups:
        key = one.clients, one.sure, one.dialect
        counts[key] = counts.get(key, 0) + one.count
    made = [MachineGroup(clients, n, sure, dialect) for (clients, sure, dialect), n in counts.items()]
    return tuple(sorted(made, key=lambda one: (-one.count, not one.sure, one.clients, one.dialect)))
