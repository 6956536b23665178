"""What becomes of the machines of a fleet on one server of a plan, and on all of them together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from harness.balance.machines import Fate
from harness.balance.weigh import Balance, worked_before
from harness.result import CellResult, RunResult
from harness.result.machines import FleetFact, MachineGroup

RISK: Final = frozenset({Fate.LOST, Fate.PERHAPS, Fate.NOT_KNOWN})
"""What a change costs. A machine that was not rehearsed is so under every change, and decides nothing."""
_WORST_FIRST: Final = (
    Fate.LOST,
    Fate.PERHAPS,
    Fate.NOT_KNOWN,
    Fate.NOT_REHEARSED,
    Fate.KEPT,
    Fate.NEVER,
    Fate.NO_USE,
)


def each_kind_once(result: RunResult) -> FleetFact:
    """One machine of every client that was asked: what is weighed where there is no fleet."""
    asked = dict.fromkeys(cell.cell.client for cell in result.cells if not cell.unsupported)
    return FleetFact("", tuple(MachineGroup((client,), 1, sure=True) for client in asked))


class Fates:
    """What becomes of clients on one server, under one change after the other."""

    def __init__(self, cells: Sequence[CellResult]) -> None:
        """``cells``: all of that server."""
        self._before = dict.fromkeys((cell.cell.client for cell in cells), Fate.NO_USE)
        able = (cell.cell.client for cell in cells if not cell.unsupported)
        self._before |= dict.fromkeys(able, Fate.NEVER)
        self._before |= dict.fromkeys((client for client, _ in worked_before(cells)), Fate.KEPT)

    def under(self, balance: Balance) -> Mapping[str, Fate]:
        """Of each client. What worked before, and was not measured with this change, is not known."""
        fates = dict(self._before)
        fates |= dict.fromkeys((cell.client for cell in balance.unknown), Fate.NOT_KNOWN)
        fates |= dict.fromkeys((cell.client for cell in balance.lost), Fate.LOST)
        return fates


def together(each: Sequence[Sequence[Fate]]) -> tuple[Fate, ...]:
    """What becomes of each group that uses several servers: the worst of them."""
    return tuple(min(fates, key=_WORST_FIRST.index) for fates in zip(*each, strict=True))


def of_clients(each: Sequence[Mapping[str, Fate]]) -> Mapping[str, Fate]:
    """What becomes of each client on several servers; one that was not asked on all of them is not kept."""
    names = dict.fromkeys(name for fates in each for name in fates)
    return {
        name: min((fates.get(name, Fate.NOT_REHEARSED) for fates in each), key=_WORST_FIRST.index)
        for name in names
    }
