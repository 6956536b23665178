"""How long a run will take: by what recorded runs took, else by what the project measured on two cores.

Images that are missing are built before, and are not in it: about ten seconds each where packages come fast.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from itertools import islice
from pathlib import Path

from harness.catalogue import Catalogue
from harness.errors import UsageError
from harness.model import Tier
from harness.planning.plan import Plan
from harness.record import duration, journal
from harness.system import paths

A_JOB, AN_ATTEMPT = 2.0, 0.1
"""Seconds: what a server that is started, changed and probed in three phases takes, and what an attempt.

Chosen from four runs of this project on two cores that others used too, of 15 to 104 servers and 216 to 9696
attempts: they took 0.5, 0.7, 1.7 and 2.8 times as long as this says."""
SPREAD = (0.5, 3.0)
"""How far off that may be."""
NEWEST = 5
"""As many recorded runs are asked: a machine changes."""
LOOKED_AT = 40
"""The newest run folders among which they are looked for."""
LIKE = 10
"""A run of less than this part of the work tells nothing: what it takes to start weighs most in it."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """Between how many seconds, and what that rests on."""

    least: float
    most: float
    """0 where it is not predicted: no whole run in virtual machines is recorded here yet."""
    runs: int
    """How many recorded runs it rests on; with 0 on what the project measured."""


def forecast(catalogue: Catalogue, made: Plan, home: Path) -> Forecast:
    """How long it takes to measure a plan, by the newest runs below ``home`` in the same kind of lab."""
    return forecasts(catalogue, [made], home)[0]


def forecasts(catalogue: Catalogue, plans: Iterable[Plan], home: Path) -> list[Forecast]:
    """The same for several plans; each recorded run is read once, and as few of them as are needed."""
    measured = cache(_measured)
    folders = paths.run_folders(home)[-LOOKED_AT:][::-1]
    return [_forecast(catalogue, made, filter(None, map(measured, folders))) for made in plans]


def _forecast(catalogue: Catalogue, made: Plan, newest_first: Iterable[_Measured]) -> Forecast:
    ours = _guess(made)
    longest = ours + A_JOB * made.part_trials(catalogue)
    # A run of less work than that tells nothing of this one.
    alike = (one for one in newest_first if one.lab is made.lab and one.guess >= ours / LIKE)
    ratios = [one.seconds / one.guess for one in islice(alike, NEWEST)]
    if ratios:
        return Forecast(ours * min(ratios), longest * max(ratios), len(ratios))
    if made.lab is not Tier.LOCAL:
        return Forecast(0, 0, 0)
    return Forecast(ours * SPREAD[0], longest * SPREAD[1], 0)


def _guess(made: Plan) -> float:
    return A_JOB * len(made.jobs) + AN_ATTEMPT * made.attempts


@dataclass(frozen=True, slots=True)
class _Measured:
    """A recorded run that measured its whole plan in one go."""

    lab: Tier
    guess: float
    """Seconds that were guessed for it."""
    seconds: float


def _measured(folder: Path) -> _Measured | None:
    taken = duration.whole_stretch(folder)
    if not taken:
        return None
    try:
        plan = journal.plan_of(folder)
    except UsageError:
        return None
    return _Measured(plan.lab, _guess(plan), taken)


def in_words(seconds: float) -> str:
    """A time as people say it: 40 s, 3 min, 1.5 h."""
    if seconds < 100:
        # No more exact than it is.
        return f"{max(5, round(seconds / 5) * 5)} s"
    if seconds < 100 * 60:
        return f"{round(seconds / 60)} min"
    return f"{seconds / 3600:.1f} h"
