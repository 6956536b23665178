"""What becomes of the machines of a fleet on one server of a plan, and on all of them together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from harness.balance.machines import Fate, fate_of
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
)


def each_kind_once(result: RunResult) -> FleetFact:
    """One machine of every client that was asked: what is weighed where there is no fleet."""
    asked = dict.fromkeys(cell.cell.client for cell in result.cells if not cell.unsupported)
    return FleetFact("", tuple(MachineGroup((client,), 1, sure=True) for client in asked))


class Fates:
    """What becomes of groups on one server, under one change after the other."""

    def __init__(self, cells: Sequence[CellResult]) -> None:
        """``cells``: all of that server."""
        self._before = dict.fromkeys((cell.cell.client for cell in cells), Fate.NO_USE)
        able = (cell.cell.client for cell in cells if not cell.unsupported)
        self._before |= dict.fromkeys(able, Fate.NEVER)
        self._before |= dict.fromkeys((client for client, _ in worked_before(cells)), Fate.KEPT)

    def under(self, balance: Balance, groups: Iterable[MachineGroup]) -> tuple[Fate, ...]:
        """One for each group. What worked before, and was not measured with this change, is not known."""
        fates = dict(self._before)
        fates |= dict.fromkeys((cell.client for cell in balance.unknown), Fate.NOT_KNOWN)
        fates |= dict.fromkeys((cell.client for cell in balance.lost), Fate.LOST)
        return tuple(fate_of(one, fates) for one in groups)


def together(each: Sequence[Sequence[Fate]]) -> tuple[Fate, ...]:
    """What becomes of each group that uses several servers: the worst of them."""
    return tuple(min(fates, key=_WORST_FIRST.index) for fates in zip(*each, strict=True))
