"""Attempts that ran out of time: on a busy machine that says nothing of the client, the server or the change.

Such an attempt is made once more, with as much more time as the machine is slower, and every report says so.
One that runs out of time again is a refusal (nobody answered) where the machine was not busy, else a fault.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from harness.model import Attempt, Outcome
from harness.system.deadline import Speed, measured


def once_more(first: Attempt, again: Callable[[float], Attempt]) -> Attempt:
    """What an attempt comes to. ``again`` makes it anew with so many times its usual time."""
    if not first.timed_out:
        return first
    speed = measured()
    second = again(speed.pace)
    told = f"tried once more: the first try ran out of time {_where(first)}, while {speed}"
    return replace(unless_busy(second, speed), tried_again=told)


def unless_busy(made: Attempt, before: Speed | None = None) -> Attempt:
    """The attempt; a fault where it ran out of time on a machine that is busy, or was ``before`` it."""
    if not made.timed_out:
        return made
    busy = next((speed for speed in (before, measured()) if speed and speed.busy), None)
    if busy is None:
        return made
    note = f"it ran out of time {_where(made)} while the machine was busy ({busy}): measure it again"
    return replace(made, outcome=Outcome.FAULT, side=None, note=f"{note}; {made.note}" if made.note else note)


def _where(made: Attempt) -> str:
    return f"{f'at {made.step} ' if made.step else ''}after {made.ms / 1000:.1f} s"
