"""The states that a server of a plan can be in: the changes and combinations that were measured there whole.

A combination that was not measured is no state: what its parts did alone is no evidence of what they do
together (``harness.balance.surprise`` is full of such cases).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from harness.balance.machines import Fate, fate_of
from harness.balance.weigh import SAFE, Balance, balances, parts_of, untouched
from harness.model import Hole
from harness.result import NO_CHANGE, CellResult, RunResult
from harness.result.machines import MachineGroup
from harness.rollout.crowd import RISK, Fates


class Unfit(StrEnum):
    """Why something that was measured is no state of a plan."""

    OUTAGE = "nobody is served"
    NOTHING = "nothing could be measured with it"
    NOT_BACK = "the rollback did not bring everything back"


@dataclass(frozen=True)
class State:
    """A server with a change (or without any), and what becomes of whom."""

    balance: Balance
    closed: frozenset[str]
    """Of what was open before any change, what is shut for certain."""
    open: tuple[str, ...]
    """What is open, or not shown to be shut; with what the change opens."""
    clients: Mapping[str, Fate]
    """What becomes of each client that was asked on that server."""
    fates: tuple[Fate, ...]
    """One for each group."""
    risk: int
    """Machines that lose something, or may."""
    changes: frozenset[str]
    """The single changes that it is made of."""

    @property
    def name(self) -> str:
        """The mitigation, or ``none``."""
        return self.balance.mitigation


@dataclass(frozen=True)
class Options:
    """One server of the run: its states, and what cannot be one."""

    server: str
    states: tuple[State, ...]
    """No change first, then in the order of the plan of the run."""
    refused: Mapping[str, Unfit]
    """What was measured and is no state of a plan -> why."""
    before: Balance

    @cached_property
    def closable(self) -> frozenset[str]:
        """What any state closes."""
        return frozenset().union(*(one.closed for one in self.states))

    @cached_property
    def singles(self) -> frozenset[str]:
        """The single changes that were measured alone."""
        return frozenset(name for one in self.states for name in one.changes if one.changes == {name})

    @cached_property
    def pairs(self) -> int:
        """How many combinations of two of ``singles`` were measured."""
        return sum(len(one.changes) == 2 and one.changes <= self.singles for one in self.states)


def options_of(result: RunResult, groups: Sequence[MachineGroup]) -> tuple[Options, ...]:
    """One for every server of the run, in its order."""
    cells: dict[str, list[CellResult]] = {}
    for cell in result.cells:
        cells.setdefault(cell.cell.server, []).append(cell)
    found: dict[str, list[Balance]] = {server: [] for server in cells}
    for one in balances(result):
        found[one.server].append(one)
    made = []
    for server, its in cells.items():
        fates = Fates(its)
        before = untouched(result, server)
        refused = {one.mitigation: why for one in found[server] if (why := _unfit(one))}
        usable = [before, *(one for one in found[server] if one.mitigation not in refused)]
        states = tuple(_state(one, before, fates, groups) for one in usable)
        made.append(Options(server, states, refused, before))
    return tuple(made)


def _unfit(one: Balance) -> Unfit | None:
    if one.outage:
        return Unfit.OUTAGE
    if not one.judged:
        return Unfit.NOTHING
    return Unfit.NOT_BACK if one.rolled_back is False else None


def _state(one: Balance, before: Balance, fates: Fates, groups: Sequence[MachineGroup]) -> State:
    changes = frozenset() if one.mitigation == NO_CHANGE else frozenset(parts_of(one.mitigation))
    were_open = frozenset(before.still_open)
    closed = frozenset(name for name in were_open if one.holes.get(name, Hole.UNKNOWN) in SAFE)
    clients = fates.under(one)
    found = tuple(fate_of(group, clients) for group in groups)
    return State(
        one,
        closed,
        tuple(sorted({*(were_open - closed), *one.opened})),
        clients,
        found,
        sum(group.count for group, fate in zip(groups, found, strict=True) if fate in RISK),
        changes,
    )
