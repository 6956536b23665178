"""Who must not be lost: the machines of a fleet by the kinds that each may be, and what becomes of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from harness.balance.weigh import Balance
from harness.fleet.machine import Fleet
from harness.result import RunResult


class Fate(StrEnum):
    """What becomes of a machine; the worst first."""

    LOSES = "loses"
    """Whatever kind it is, it loses a check that it could do before."""
    MAY_LOSE = "may lose"
    """One of the kinds that it may be loses something, or nobody knows: not measured with this change, a
    fault, or not settled."""
    NOT_REHEARSED = "not rehearsed"
    """It is of no kind that was asked in this run, or may be of one that was not."""
    KEEPS = "keeps"
    """Whatever kind it is, it keeps all that it could do before."""
    NO_ACCESS = "no access before"
    """Its kind got in on no server even before any change: this rehearsal says nothing of it."""


RISK = frozenset({Fate.LOSES, Fate.MAY_LOSE})
"""What a change costs. One that was not rehearsed is so under every change, and decides nothing."""


@dataclass(frozen=True, slots=True)
class Group:
    """Machines that may be of the same kinds."""

    personas: tuple[str, ...]
    """One: they are of that kind. Several: the fleet does not tell them apart. None: of no known kind."""
    machines: int

    @property
    def sure(self) -> bool:
        """Whether they are of one known kind."""
        return len(self.personas) == 1


def groups_of(fleet: Fleet) -> tuple[Group, ...]:
    """The machines of a fleet, the most numerous group first."""
    counts: Counter[tuple[str, ...]] = Counter()
    for placed in fleet.machines:
        counts[tuple(sorted(placed.personas))] += placed.machine.count
    found = (Group(personas, machines) for personas, machines in counts.items())
    return tuple(sorted(found, key=lambda one: (-one.machines, one.personas)))


def each_kind_once(result: RunResult) -> tuple[Group, ...]:
    """One machine of every client that was asked: what is weighed where there is no fleet."""
    asked = dict.fromkeys(cell.cell.client for cell in result.cells if not cell.unsupported)
    return tuple(Group((client,), 1) for client in asked)


class Fates:
    """What becomes of groups on one server, under one change after the other."""

    def __init__(self, tasks: Iterable[tuple[str, str]], asked: Collection[str]) -> None:
        """``tasks``: (client, check) of all that worked there before. ``asked``: all clients of the run."""
        self._worked = frozenset(client for client, _ in tasks)
        self._asked = asked

    def under(self, balance: Balance, groups: Iterable[Group]) -> tuple[Fate, ...]:
        """One for each group."""
        lost = frozenset(cell.client for cell in balance.lost)
        unknown = frozenset(cell.client for cell in balance.unknown)
        return tuple(self._fate(one, lost, unknown) for one in groups)

    def _fate(self, group: Group, lost: Collection[str], unknown: Collection[str]) -> Fate:
        there = [name for name in group.personas if name in self._worked]
        strange = any(name not in self._asked for name in group.personas)
        if there and all(name in lost for name in group.personas):
            return Fate.LOSES
        if any(name in lost or name in unknown for name in there):
            return Fate.MAY_LOSE
        if strange or not group.personas:
            return Fate.NOT_REHEARSED
        return Fate.KEEPS if there else Fate.NO_ACCESS


_ORDER = {fate: place for place, fate in enumerate(Fate)}


def worst(fates: Iterable[Fate]) -> Fate:
    """What becomes of a machine that uses several servers: the worst of them."""
    return min(fates, key=_ORDER.__getitem__, default=Fate.NOT_REHEARSED)


def count(groups: Iterable[Group], fates: Iterable[Fate]) -> Mapping[Fate, int]:
    """How many machines there are of each fate."""
    found: Counter[Fate] = Counter()
    for group, fate in zip(groups, fates, strict=True):
        found[fate] += group.machines
    return found
