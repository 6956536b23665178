"""The Pareto front: the changes for which no other one closes as much at a smaller price."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from harness.balance.machines import weights as machine_weights
from harness.balance.weigh import Balance, Weights, balances, rank, untouched, weight
from harness.model import CellId, Hole
from harness.result import RunResult


@dataclass(frozen=True, slots=True)
class Standing:
    """A balance among all those of its server."""

    balance: Balance
    beaten_by: tuple[str, ...]
    """The mitigations on the front that are better than this one; empty: it is on the front itself."""

    @property
    def on_front(self) -> bool:
        """True when nothing closes as much at a smaller price; an outage is no candidate."""
        return not self.beaten_by and not self.balance.outage


@dataclass(frozen=True, slots=True)
class Cheapest:
    """The cheapest way to close one hole of one server."""

    server: str
    exposure: str
    ways: tuple[Balance, ...]
    """All that close it at that price with as few parts; empty: nothing that was measured closes it while the
    server goes on serving."""

    @property
    def mitigations(self) -> tuple[str, ...]:
        """Their names."""
        return tuple(way.mitigation for way in self.ways)


@dataclass(frozen=True, slots=True)
class Table:
    """Everything that was measured of one server, weighed against each other."""

    server: str
    before: Balance
    """The server without a change; a candidate like the others."""
    standings: tuple[Standing, ...]
    """No change first, then in the order of the plan."""
    cheapest: tuple[Cheapest, ...]
    """One for every hole that was open before."""
    not_judged: tuple[Balance, ...]
    """Mitigations under which nothing was measured: no candidates."""


def tables(result: RunResult, weights: Weights | None = None) -> tuple[Table, ...]:
    """A table for every server of the run that a change was measured on.

    Without ``weights`` a client weighs as many machines as it stands for, where the run has a fleet.
    """
    found = balances(result)
    if weights is None:
        weights = machine_weights(result)
    return tuple(
        _table(server, untouched(result, server), [one for one in found if one.server == server], weights)
        for server in dict.fromkeys(one.server for one in found)
    )


def _table(server: str, before: Balance, found: Sequence[Balance], weights: Weights | None) -> Table:
    candidates = [before, *(one for one in found if one.judged)]
    return Table(
        server,
        before,
        standings(candidates, weights),
        tuple(cheapest(name, candidates, weights) for name in before.still_open),
        tuple(one for one in found if not one.judged),
    )


def standings(candidates: Sequence[Balance], weights: Weights | None = None) -> tuple[Standing, ...]:
    """The Pareto front of the balances of one server: who is on it, and who beats the others."""
    running = [one for one in candidates if not one.outage]
    front = [one for one in running if not any(better(other, one, weights) for other in running)]
    return tuple(
        Standing(
            one, tuple(other.mitigation for other in front if not one.outage and better(other, one, weights))
        )
        for one in candidates
    )


def better(one: Balance, other: Balance, weights: Weights | None = None) -> bool:
    """Whether ``one`` dominates ``other``: no hole worse and no higher price, and one of them better.

    A hole is worse when it is open rather than unknown, or unknown rather than closed; it is *shown* to be
    better only where it is closed. Prices are compared by ``price_at_most``. Where all is equal, the change
    with fewer parts is better. This is a strict partial order, so that what is not on the front is always
    beaten by something that is.
    """
    names = {*one.holes, *other.holes}
    ranks = [(_rank(one, name), _rank(other, name)) for name in names]
    if any(mine > theirs for mine, theirs in ranks) or not price_at_most(one, other, weights):
        return False
    if any(mine == 0 and theirs > 0 for mine, theirs in ranks) or _cheaper(one, other, weights):
        return True
    same = all(mine == theirs for mine, theirs in ranks) and price_at_most(other, one, weights)
    return same and len(one.parts) < len(other.parts)


def price_at_most(one: Balance, other: Balance, weights: Weights | None = None) -> bool:
    """Whether ``one`` surely costs no more than ``other``.

    What is not known to be kept may be lost: ``one`` must be no dearer with all of it. Only where the same
    is unknown of both are the known losses compared alone.
    """
    return _compare(one, other, weights, lambda mine, theirs: mine <= theirs)


def _cheaper(one: Balance, other: Balance, weights: Weights | None) -> bool:
    return _compare(one, other, weights, lambda mine, theirs: mine < theirs)


def _compare(
    one: Balance, other: Balance, weights: Weights | None, holds: Callable[[float, float], bool]
) -> bool:
    mine, theirs = weight(one.lost, weights), weight(other.lost, weights)
    if _tasks(one.unknown) == _tasks(other.unknown) and holds(mine, theirs):
        return True
    return holds(mine + weight(one.unknown, weights), theirs)


def _tasks(cells: Iterable[CellId]) -> set[tuple[str, str]]:
    return {(cell.client, cell.check) for cell in cells}


def _rank(balance: Balance, name: str) -> int:
    return rank(balance.holes.get(name, Hole.UNKNOWN))


def cheapest(exposure: str, candidates: Iterable[Balance], weights: Weights | None = None) -> Cheapest:
    """The cheapest of the candidates that close a hole and leave the server running; what may be lost counts.

    Among those of one price the ones with the fewest parts.
    """

    def price(one: Balance) -> tuple[float, int]:
        return weight((*one.lost, *one.unknown), weights), len(one.parts)

    everyone = list(candidates)
    server = everyone[0].server if everyone else ""
    closing = [one for one in everyone if exposure in one.closed and one.parts and not one.outage]
    if not closing:
        return Cheapest(server, exposure, ())
    least = min(map(price, closing))
    return Cheapest(server, exposure, tuple(one for one in closing if price(one) == least))
