"""Cells and exposures of two runs: which of them turned, which way, and what shows it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from harness.comparison.turns import Turn, of_ability, of_hole, weightiest
from harness.model import Attempt, CellId, Effect, Hole, Phase
from harness.result import WHEN, CellResult, ExposureResult

_WORKED = {Effect.KEPT: True, Effect.LOST: True, Effect.GAINED: False, Effect.NEVER: False}
"""Whether a cell of this effect worked before the change; of one that is not settled that is not asked."""
_WORKS = {Effect.KEPT: True, Effect.LOST: False, Effect.GAINED: True, Effect.NEVER: False}
"""Whether it works with the change. Not settled: it came through, as an emulated client."""

_LOOKED_AT = {
    "outcome": "outcome",
    "step": "step",
    "status": "status",
    "side": "whose policy",
    "dialect": "dialect",
    "signed": "signed",
    "encrypted": "encrypted",
    "cipher": "cipher",
    "agreed_cipher": "agreed cipher",
    "auth": "authentication",
    "server_signing": "the server's signing",
    "works": "came through",
}
"""What two attempts are held against each other by: no time, and no text that a program made up."""


@dataclass(frozen=True, slots=True)
class Detail:
    """One thing in which two attempts are not the same: ``with the change: dialect 3.1.1 -> 2.1``."""

    phase: Phase
    what: str
    first: str
    second: str

    def __str__(self) -> str:
        return f"{WHEN[self.phase]}: {self.what} {self.first} -> {self.second}"


@dataclass(frozen=True, slots=True)
class CellTurn:
    """A cell that is not in both runs the same."""

    cell: CellId
    turn: Turn
    first: Effect
    second: Effect
    restored: tuple[bool | None, bool | None]
    """Whether the rollback brought it back, in the first run and in the second."""
    why: str
    """The cause that the second run gives; where that has none, the cause that the first one gave; or ""."""
    details: tuple[Detail, ...]
    """What differs in the attempts."""


@dataclass(frozen=True, slots=True)
class HoleTurn:
    """An exposure that is not in both runs the same."""

    mitigation: str
    server: str
    exposure: str
    turn: Turn
    phases: Mapping[Phase, tuple[Hole | None, Hole | None]]
    """Each phase: the state in the first run and in the second; None where it was not probed."""
    evidence: str
    """What the second run saw in the phase that decides."""

    @property
    def decisive(self) -> Phase:
        """The phase that turned in this way: that with the change before the others."""
        order = (Phase.APPLIED, Phase.BASELINE, Phase.ROLLED_BACK)
        return next(p for p in order if p in self.phases and of_hole(*self.phases[p]) is self.turn)


def turned(first: CellResult, second: CellResult) -> CellTurn | None:
    """What became of a cell; None where both runs show the same."""
    details = tuple(_details(first, second))
    before, after = first.effect, second.effect
    if Effect.FAULT in (before, after):
        turn = Turn.NOT_COMPARABLE if before is not after else None
    else:
        found = [_effect(before, after), _restored(first.restored, second.restored)]
        turn = weightiest(one for one in found if one) or (Turn.CHANGED if details else None)
    if turn is None:
        return None
    why = second.cause or first.cause
    return CellTurn(second.cell, turn, before, after, (first.restored, second.restored), why, details)


def _effect(first: Effect, second: Effect) -> Turn | None:
    if first is second:
        return None
    if Effect.NOT_SETTLED in (first, second):
        # It came through. Whether the real client does is asked of its data, not of the server.
        other = first if second is Effect.NOT_SETTLED else second
        return Turn.CHANGED if _WORKS[other] or first is not Effect.NOT_SETTLED else Turn.WORSE
    found = {of_ability(_WORKED[first], _WORKED[second]), of_ability(_WORKS[first], _WORKS[second])} - {None}
    if (first, second) == (Effect.NEVER, Effect.LOST):
        # It works before the change now, and the change takes it away: nothing is gained with the change.
        return Turn.CHANGED
    return weightiest(turn for turn in found if turn)


def _restored(first: bool | None, second: bool | None) -> Turn | None:
    """None is: nothing had to be brought back, or nobody saw."""
    if first is second:
        return None
    if second is False:
        return Turn.WORSE
    return Turn.BETTER if first is False and second else None


def _details(first: CellResult, second: CellResult) -> Iterator[Detail]:
    for phase, one, other in in_both(first, second):
        yield from (Detail(phase, *found) for found in differing(one, other))


def in_both(first: CellResult, second: CellResult) -> Iterator[tuple[Phase, Attempt, Attempt]]:
    """The phases that a cell was measured in both times, and its attempts there."""
    for phase in Phase:
        one, other = first.phases.get(phase), second.phases.get(phase)
        if one and other:
            yield phase, one, other


def differing(first: Attempt, second: Attempt) -> Iterator[tuple[str, str, str]]:
    """In what two attempts are not the same, what it was, and what it is: all in words."""
    for name, words in _LOOKED_AT.items():
        was, now = getattr(first, name), getattr(second, name)
        if was != now:
            yield words, _said(was), _said(now)


def _said(value: object) -> str:
    if isinstance(value, tuple):
        return f"{value[0]} of {value[1]}"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value) if value else "none"


def hole_turned(first: ExposureResult, second: ExposureResult) -> HoleTurn | None:
    """What became of an exposure; None where both runs show the same in every phase."""
    phases = {
        phase: (first.state(phase), second.state(phase))
        for phase in Phase
        if phase in first.phases or phase in second.phases
    }
    turn = weightiest(one for one in (of_hole(*states) for states in phases.values()) if one)
    if turn is None:
        return None
    found = HoleTurn(second.mitigation, second.server, second.exposure, turn, phases, "")
    seen = second.phases.get(found.decisive)
    return HoleTurn(
        second.mitigation, second.server, second.exposure, turn, phases, seen.evidence if seen else ""
    )
