"""The cheapest order of states for one server, among all that there are.

A plan puts each server into one state a stage. What it costs is a list of numbers, compared from the left:

1. holes past their due stage, the gravest severity first, each counted once for every stage that it is late;
2. machines that lose something, or may, each counted once for every stage in which it does;
3. holes that are open, the gravest severity first, each counted once for every stage;
4. single changes that are made or taken back.

Every number is a sum over servers and stages (a machine that two servers shut out counts for each), so that
the cheapest plan is the cheapest one of each server; and what a stage costs depends on its own state and on
the state before it alone. So the best way into each state of each stage is found from the best ways into the
states of the stage before (R. Bellman's principle of optimality), and no order is left out: that is exact.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from harness.balance.weigh import SAFE
from harness.model import Hole
from harness.rollout.states import Options, State
from harness.rollout.wishes import GRADES, Wishes

Cost = tuple[int, ...]
NAMES: Final = (
    *(f"late_{grade or 'ungraded'}" for grade in GRADES),
    "machine_stages",
    *(f"open_{grade or 'ungraded'}" for grade in GRADES),
    "changes",
)
"""What the numbers of a cost are, in their order."""


@dataclass(frozen=True, slots=True)
class Found:
    """The cheapest order of one server."""

    states: tuple[State, ...]
    """One for each stage."""
    cost: Cost
    compared: int
    """How many orders keep the demands, so that each was beaten or equalled by this one."""


class Rules:
    """What a server's orders must keep, and what they cost."""

    def __init__(self, options: Options, wishes: Wishes, grades: Mapping[str, str]) -> None:
        """``grades``: exposure -> severity; what is not in it is ungraded."""
        self.options = options
        self.wishes = wishes
        self._grade = {name: GRADES.index(grade) for name, grade in grades.items() if grade in GRADES}
        self._ungraded = GRADES.index("")

    def admits(self, state: State, stage: int) -> bool:
        """Whether a server may be in this state in a stage (from 1)."""
        return not self.loses(state) and all(
            self.shut(state, due.exposure) for due in self.wishes.close if due.stage <= stage
        )

    def shut(self, state: State, exposure: str) -> bool:
        """Whether a hole is shut for certain in a state; one that was never looked for there is no hole."""
        if exposure not in self.options.before.holes:
            return True
        return state.balance.holes.get(exposure, Hole.UNKNOWN) in SAFE

    def loses(self, state: State) -> tuple[str, ...]:
        """Clients that must never lose anything, and do, or may."""
        balance = state.balance
        hurt = {cell.client for cell in (*balance.lost, *balance.unknown)}
        return tuple(name for name in self.wishes.never_lose if name in hurt)

    def cost(self, state: State, stage: int) -> Cost:
        """What it costs to be in this state in a stage, without the changes that lead there."""
        late, still = [0] * len(GRADES), [0] * len(GRADES)
        for name in state.open:
            place = self._grade.get(name, self._ungraded)
            still[place] += 1
            late[place] += self._late(name, state, GRADES[place], stage)
        return (*late, state.risk, *still, 0)

    def _late(self, name: str, state: State, grade: str, stage: int) -> bool:
        # What the change itself opens was never to be open; what nothing closes decides nothing.
        if name in state.balance.opened:
            return True
        return name in self.options.closable and self.wishes.due(grade) <= stage


def changed(before: State, after: State) -> int:
    """How many single changes are made or taken back between two states."""
    return len(before.changes ^ after.changes)


def cheapest(rules: Rules) -> Found | None:
    """The cheapest order of a server; None where none keeps the demands. The first of equals."""
    states = rules.options.states
    follow = _successors(states)
    # As one whole number a cost is added and compared in one step; no part ever grows into the next.
    most = 1 + rules.wishes.stages * max(
        max((max(rules.cost(one, rules.wishes.stages)) for one in states), default=0),
        2 * max((len(one.changes) for one in states), default=0),
    )
    best: dict[int, int] = {0: 0}
    ways: dict[int, int] = {0: 1}
    back: list[dict[int, int]] = []
    for stage in range(1, rules.wishes.stages + 1):
        here: dict[int, int] = {}
        from_: dict[int, int] = {}
        many: dict[int, int] = {}
        price = {
            at: _packed(rules.cost(one, stage), most)
            for at, one in enumerate(states)
            if rules.admits(one, stage)
        }
        for old, cost in best.items():
            for new, steps in follow[old]:
                if new not in price:
                    continue
                total = cost + price[new] + steps
                many[new] = many.get(new, 0) + ways[old]
                if new not in here or total < here[new]:
                    here[new], from_[new] = total, old
        best, ways = here, many
        back.append(from_)
    if not best:
        return None
    at = min(best, key=lambda one: (best[one], one))
    chosen = [at]
    for from_ in reversed(back[1:]):
        chosen.append(from_[chosen[-1]])
    order = tuple(states[one] for one in reversed(chosen))
    return Found(order, cost_of(rules, order), sum(ways.values()))


def _successors(states: Sequence[State]) -> list[list[tuple[int, int]]]:
    """For each state those that may follow it, with the number of changes on the way: what was closed stays
    closed."""
    names = sorted(frozenset().union(*(one.closed for one in states)))
    masks = [sum(1 << place for place, name in enumerate(names) if name in one.closed) for one in states]
    return [
        [(to, changed(one, other)) for to, other in enumerate(states) if not masks[at] & ~masks[to]]
        for at, one in enumerate(states)
    ]


def cost_of(rules: Rules, order: Sequence[State]) -> Cost:
    """What an order costs: the sum of its stages, and of the changes between them."""
    parts = [rules.cost(state, stage) for stage, state in enumerate(order, 1)]
    total = [sum(numbers) for numbers in zip(*parts, strict=True)]
    total[-1] += sum(_steps(rules.options.states[0], order))
    return tuple(total)


def _steps(start: State, order: Sequence[State]) -> Iterator[int]:
    for before, after in pairwise((start, *order)):
        yield changed(before, after)


def _packed(cost: Cost, base: int) -> int:
    number = 0
    for part in cost:
        number = number * base + part
    return number
