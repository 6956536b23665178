"""How long a run will take: by what recorded runs took, else by what the project measured on two cores.

Images that are missing are built before, and are not in it: about ten seconds each where packages come fast.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import islice
from pathlib import Path

from harness.catalogue import Catalogue
from harness.errors import UsageError
from harness.model import Tier
from harness.planning.plan import Plan
from harness.record import duration, journal
from harness.record.costs import A_CHANGE, Costs, Work, measured, work_of
from harness.result.spent import TimeSpent
from harness.system import deadline, paths
from harness.system.processors import default_workers

A_RUN, A_CELL = 1.5, 0.0005
"""Seconds before and after what is measured: to start twice, outside the lab and inside; to report a cell."""
AS_FAST = 0.3
"""``Speed.alone`` of the machine on which ``harness.record.costs`` was measured."""
SPREAD = (0.75, 1.4)
"""How far off a prediction without any recorded run may be."""
NEWEST = 5
"""As many recorded runs are asked: a machine changes."""
LOOKED_AT = 40
"""The newest run folders among which they are looked for."""
LIKE, ENOUGH = 10, 5.0
"""A run of less than this part of the work tells nothing, for what it takes to start weighs most in it; one
that takes so many seconds by its own costs always does."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """Between how many seconds, and what that rests on."""

    least: float
    most: float
    """0 where it is not predicted: no whole run in virtual machines is recorded here yet."""
    runs: int
    """How many recorded runs it rests on; with 0 on what the project measured."""
    attempts: int = 0
    """About as many are made; 0 where that is not known."""


def forecast(catalogue: Catalogue, made: Plan, home: Path) -> Forecast:
    """How long it takes to measure a plan, by the newest runs below ``home`` in the same kind of lab."""
    return forecasts(catalogue, [made], home)[0]


def forecasts(catalogue: Catalogue, plans: Iterable[Plan], home: Path) -> list[Forecast]:
    """The same for several plans; each recorded run is read once, and as few of them as are needed."""

    @cache
    def known(folder: Path) -> Measured | None:
        return _measured(catalogue, folder)

    folders = newest_first(home)
    return [foretold(catalogue, made, filter(None, map(known, folders)), cache(slower)) for made in plans]


def newest_first(home: Path) -> list[Path]:
    """The run folders below ``home`` that are looked at for what runs took."""
    return paths.run_folders(home)[-LOOKED_AT:][::-1]


def slower() -> float:
    """How many times as long work takes as on the machine of ``harness.record.costs``, without other load."""
    return deadline.measured().alone / AS_FAST


@dataclass(frozen=True, slots=True)
class Measured:
    """A recorded run that measured its whole plan in one go."""

    lab: Tier
    costs: Costs
    guess: float
    """Seconds that its whole plan should have taken by these costs."""
    seconds: float

    @property
    def ratio(self) -> float:
        """How many times as long it took."""
        return self.seconds / self.guess


def run_of(catalogue: Catalogue, made: Plan, seconds: float, spent: TimeSpent | None) -> Measured:
    """What a run of this plan tells, which took so many seconds. ``spent``: None where it does not say so."""
    costs = measured(catalogue, spent)
    return Measured(made.lab, costs, costs.seconds(catalogue, work_of(catalogue, made)), seconds)


def basis(catalogue: Catalogue, made: Plan, work: Work, home: Path) -> tuple[Costs, float]:
    """By which costs a plan of so much work is foreseen, and how many times as long as by these."""
    usual = Costs(default_workers())
    found = (_measured(catalogue, folder) for folder in newest_first(home))
    alike = _alike(filter(None, found), made, usual.seconds(catalogue, work))
    newest = next(alike, None)
    return (newest.costs, newest.ratio) if newest else (usual, slower())


def _alike(runs: Iterable[Measured], made: Plan, ours: float) -> Iterator[Measured]:
    """Those that say something of a plan that takes so many seconds by the usual costs."""
    least = min(ours / LIKE, ENOUGH)
    return (one for one in runs if one.lab is made.lab and one.guess >= least and one.guess)


def foretold(
    catalogue: Catalogue, made: Plan, runs: Iterable[Measured], slower: Callable[[], float]
) -> Forecast:
    """How long a plan takes by what runs tell: each by its own costs, and by how right it was of itself."""
    work = work_of(catalogue, made)
    around = A_RUN + A_CELL * work.cells
    usual = Costs(default_workers())
    ours = usual.seconds(catalogue, work)
    told = list(islice(_alike(runs, made, ours), NEWEST))
    trials = made.part_trials(catalogue)
    if told:
        found = [
            (one.costs.seconds(catalogue, work), one.costs.slower * A_CHANGE * trials, one.ratio)
            for one in told
        ]
        return Forecast(
            around + min(seconds * ratio for seconds, _, ratio in found),
            around + max((seconds + more) * ratio for seconds, more, ratio in found),
            len(found),
            work.made,
        )
    if made.lab is not Tier.LOCAL:
        return Forecast(0, 0, 0, work.made)
    pace = slower()
    longest = ours + A_CHANGE * trials
    least, most = SPREAD[0] * pace * (around + ours), SPREAD[1] * pace * (around + longest)
    return Forecast(least, most, 0, work.made)


def _measured(catalogue: Catalogue, folder: Path) -> Measured | None:
    taken = duration.whole_stretch(folder)
    if not taken:
        return None
    try:
        plan = journal.plan_of(folder)
        return run_of(catalogue, plan, *taken)
    except UsageError:
        return None


def in_words(seconds: float) -> str:
    """A time as people say it: 40 s, 3 min, 1.5 h."""
    if seconds < 100:
        # No more exact than it is.
        return f"{max(5, round(seconds / 5) * 5)} s"
    if seconds < 100 * 60:
        return f"{round(seconds / 60)} min"
    return f"{seconds / 3600:.1f} h"
