"""Which way something went from one run to another, and how several ways come to one."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from harness.model import Hole


class Turn(StrEnum):
    """Which way something went, from the first run to the second."""

    WORSE = "worse"
    """Less works, a hole is open, or the rollback does not bring back what it brought back."""
    NOT_COMPARABLE = "not comparable"
    """One of both runs does not know: a fault, or an exposure that no probe could decide."""
    CHANGED = "changed"
    """Different, and neither better nor worse by itself: a person should look."""
    BETTER = "better"


ORDER = tuple(Turn)
"""What weighs most first: what is worse in one respect is worse, however much better it is in others."""


def weightiest(turns: Iterable[Turn]) -> Turn | None:
    """The turn of a thing that turned in several respects; None where it turned in none."""
    return min(turns, key=ORDER.index, default=None)


def of_ability(first: bool, second: bool) -> Turn | None:
    """What works: none where nothing changed."""
    if first is second:
        return None
    return Turn.BETTER if second else Turn.WORSE


def of_hole(first: Hole | None, second: Hole | None) -> Turn | None:
    """An exposure in one phase. Unknown is never read as closed, and what was not probed is not known."""
    if first is second:
        return None
    if Hole.UNKNOWN in (first, second) or None in (first, second):
        return Turn.NOT_COMPARABLE
    if second is Hole.OPEN:
        return Turn.WORSE
    return Turn.BETTER if first is Hole.OPEN else Turn.CHANGED
