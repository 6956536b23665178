"""What it means that a client's own software failed: it refuses, or it works only sometimes.

A failure of the client with a server that refused nothing may be the lab's doing once. It is tried again, in
the open: the same failure again is the client's own, and a client that comes through in some of the tries is
unreliable. Both are refusals by the client's side, which are believed like every other one: when the server
is shown healthy right after.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from harness.model import GAVE_UP, TIMEOUT, UNRELIABLE, Attempt, Outcome, Side, Step, StepName

TRIES: Final = 5
"""How often a client is tried at the most."""
ROUNDS: Final = 2.0
"""All tries together may take so many times as long as one."""
_PATIENCE: Final = 1.5
"""How many times as long as the longest try another one may take; with less time left none is made."""
_VARIES: Final = re.compile(r"[0-9A-Fa-f]*\d[\w.]*")
"""What differs between two failures that are the same: names of files, ports, addresses, numbers."""


def settled(make: Callable[[float], Attempt], seconds: float) -> Attempt:
    """The outcome of a check by a real client, which may take several tries, each of ``seconds`` at the most.

    ``make`` does the check once within as many seconds as it is given. Where ``works`` of an attempt says
    that the client is known to come through only sometimes, once is not enough: it is tried again when it
    came through, and not given up when it failed in the same way twice.
    """
    begun = time.monotonic()
    made = [make(seconds)]
    while _open(made):
        left = ROUNDS * seconds - (time.monotonic() - begun)
        if left < _PATIENCE * max(one.ms for one in made) / 1000:
            break
        another = make(min(left, seconds))
        if another.status == TIMEOUT:
            # It had less time than the first one: that decides nothing.
            break
        made.append(another)
    return _verdict(made)


def _open(made: list[Attempt]) -> bool:
    """Another try would tell more."""
    failed = [one for one in made if _failed(one)]
    good = [one for one in made if one.outcome is Outcome.OK]
    if len(made) == TRIES or len(failed) + len(good) < len(made):
        return False
    if not failed:
        return made[0].works is not None
    if failed[0].works is not None:
        # It is known to fail by chance: that it did so twice says nothing yet.
        return not good
    # One that failed and one that came through, or the same failure twice: more would show no more.
    return not good and not any(_alike(failed[0], other) for other in failed[1:])


def _failed(one: Attempt) -> bool:
    """The client's own software failed."""
    return one.outcome is Outcome.FAULT and one.status == GAVE_UP


def _alike(one: Attempt, other: Attempt) -> bool:
    """The same failure at the same step."""
    words = {_VARIES.sub("#", each.note) for each in (one, other)}
    return _failed(one) and _failed(other) and one.step is other.step and len(words) == 1


def _verdict(made: list[Attempt]) -> Attempt:
    failed = [one for one in made if _failed(one)]
    others = [one for one in made if not _failed(one) and one.outcome is not Outcome.OK]
    if others:
        # Where one try was refused or broke in another way, the last word is that.
        return others[-1]
    if len(made) == 1:
        late = "; there was no time to try it again" if failed else ""
        return replace(made[0], note=made[0].note + late, works=None if failed else made[0].works)
    works = (len(made) - len(failed), len(made))
    if not failed:
        return replace(made[0], works=works, note=f"the client came through in all of {len(made)} tries")
    first = failed[0]
    note = f"the client came through in {works[0]} of {works[1]} tries; it failed with: {first.note}"
    status = UNRELIABLE if works[0] else GAVE_UP
    return replace(
        first,
        outcome=Outcome.REFUSED,
        status=status,
        side=Side.CLIENT,
        steps=_stopped(first.steps, first.step, status, first.note),
        note=note,
        works=works,
    )


def _stopped(steps: tuple[Step, ...], name: StepName | None, status: str, why: str) -> tuple[Step, ...]:
    """The steps, the one behind which the client went no further with its status."""
    if name is None:
        return steps
    known = next((step for step in steps if step.name is name), Step(name, status, 0.0))
    last = replace(known, status=status, detail=why)
    return (*(step for step in steps if step is not known), last)
