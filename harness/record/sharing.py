"""Attempts in little memory: of those that are alike but for their times, one is kept, and the times of each.

A run of 40,000 cells has 120,000 attempts, and some thousand that differ in more than their times: eight
steps with a status and a detail took 1.2 KB an attempt, and take 80 bytes as times.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from operator import attrgetter
from struct import pack, unpack_from
from typing import Final

from harness.model import Attempt, Phase, Step

_TIMED: Final = ("steps", "ms")
_ORDER: Final = tuple(one.name for one in fields(Attempt))
_UNTIMED: Final = attrgetter(*(name for name in _ORDER if name not in _TIMED))
_ALL: Final = attrgetter(*_ORDER)
_STEP_UNTIMED: Final = attrgetter("name", "status", "detail")
_AT_STEPS, _AT_MS = map(_ORDER.index, _TIMED)


class Phases(Mapping[Phase, Attempt]):
    """The attempts of one cell. Each is made when it is asked for, and again when it is asked for again."""

    __slots__ = ("times", "untimed")

    def __init__(self, untimed: Mapping[Phase, Attempt], times: bytes) -> None:
        """``times``: milliseconds as doubles, of each attempt its own and those of its steps."""
        self.times = times
        self.untimed = untimed
        """The same attempts with no time but 0, shared by all cells that are alike: at once at hand."""

    def __getitem__(self, phase: Phase) -> Attempt:
        at = 0
        for one, like in self.untimed.items():
            count = 1 + len(like.steps)
            if one == phase:
                return _timed(like, unpack_from(f"{count}d", self.times, 8 * at))
            at += count
        raise KeyError(phase)

    def __iter__(self) -> Iterator[Phase]:
        return iter(self.untimed)

    def __len__(self) -> int:
        return len(self.untimed)

    def __contains__(self, phase: object) -> bool:
        return phase in self.untimed

    def __repr__(self) -> str:
        return repr(dict(self))


class Sharing:
    """What the attempts of a run share."""

    def __init__(self) -> None:
        self._attempts: dict[object, Attempt] = {}
        self._phases: dict[tuple[int, Phase, int], Mapping[Phase, Attempt]] = {}
        """By what was there before, and what came to it: all of these are kept here, so that no other has
        their ``id``."""
        self._none: Mapping[Phase, Attempt] = {}

    def added(self, before: Phases | None, phase: Phase, made: Attempt) -> Phases:
        """The attempts of a cell with one more; ``before`` comes from here, None for the first."""
        if before is not None and phase in before:
            return self.of({**before, phase: made})
        there = before.untimed if before is not None else self._none
        like = self._untimed(made)
        key = id(there), phase, id(like)
        untimed = self._phases.get(key)
        if untimed is None:
            untimed = self._phases[key] = {**there, phase: like}
        times = pack(f"{1 + len(made.steps)}d", made.ms, *(step.ms for step in made.steps))
        return Phases(untimed, before.times + times if before is not None else times)

    def of(self, phases: Mapping[Phase, Attempt]) -> Phases:
        """Attempts of a cell, kept so."""
        kept: Phases | None = None
        for phase, made in phases.items():
            kept = self.added(kept, phase, made)
        return kept if kept is not None else Phases(self._none, b"")

    def _untimed(self, made: Attempt) -> Attempt:
        key = _UNTIMED(made), *map(_STEP_UNTIMED, made.steps)
        like = self._attempts.get(key)
        if like is None:
            like = self._attempts[key] = _timed(made, (0.0,) * (1 + len(made.steps)))
        return like


def _timed(like: Attempt, times: Sequence[float]) -> Attempt:
    """The same attempt with these times: its own, and those of its steps."""
    ms, *of_steps = times
    words = list(_ALL(like))
    words[_AT_MS] = ms
    words[_AT_STEPS] = tuple(
        Step(step.name, step.status, each, step.detail)
        for step, each in zip(like.steps, of_steps, strict=True)
    )
    return Attempt(*words)
