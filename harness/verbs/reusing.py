"""``--reuse`` and ``--fresh`` of the verbs that rehearse: before a run is measured, and after."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from harness.catalogue import Catalogue
from harness.labs import images
from harness.model import CellId
from harness.planning.plan import Plan
from harness.record import journal
from harness.record.evidence import Wanted
from harness.record.rechecked import checked
from harness.result.reuse import Reuse
from harness.reuse import around, store, writing
from harness.reuse.choosing import Chosen, known
from harness.reuse.keys import JobKeys, Keys
from harness.reuse.store import CannotBeUsedError, Store, opened
from harness.system.paths import cache_dir
from harness.system.plain import many, say

T = TypeVar("T")
FOLDER = "results"
"""In the cache folder."""
UNUSED = 90 * 86400.0
"""Seconds that a result is kept without being of use, until somebody cleans up."""


def folder() -> Path:
    """Where the store is; it need not exist."""
    return cache_dir() / FOLDER


def forget() -> list[str]:
    """Remove the store; what was removed. Raises LabFault."""
    return ["the results kept for --reuse"] if store.remove(folder()) else []


def tidy() -> list[str]:
    """Forget what was not used for long, and what was put aside as damaged; what was removed."""
    here = folder()
    if not here.is_dir():
        return []
    removed = []
    for path in store.put_aside(here):
        with suppress(OSError):
            path.unlink()
            removed.append(f"damaged results {path.name}")
    if gone := _with_store(lambda kept: kept.bound(unused=UNUSED)):
        removed.append(f"{many(gone, 'kept result')} that nothing used for long")
    return removed


def known_of(catalogue: Catalogue, plan: Plan, runs: Path, wanted: Wanted) -> Collection[CellId] | None:
    """The cells of a plan that could be reused now; None where the store cannot be used, which is said."""
    recorded = journal.Recorded(Path(), plan)
    keys = keys_of(catalogue, plan, runs)
    return _with_store(lambda kept: known(catalogue, recorded, keys, kept, wanted)[0])


def keys_of(catalogue: Catalogue, plan: Plan, runs: Path) -> list[JobKeys]:
    """The keys of all jobs of a plan, in its order, as things are now; ``runs``: where run folders are.

    Raises UsageError.
    """
    found: dict[str, str] = {}

    def image(name: str) -> str:
        if name not in found:
            found[name] = images.digest(catalogue.images, name)
        return found[name]

    return Keys(catalogue, plan, image, around.around(runs)).all()


def wanted(options: argparse.Namespace) -> bool:
    """Whether kept results are to be used, or results to be kept."""
    return getattr(options, "fresh", False) or getattr(options, "reuse", False)


@dataclass(frozen=True, slots=True)
class Started:
    """A run folder as it is before it is measured."""

    left: bool
    """Something is left to be measured."""
    ended: Callable[[], None]
    """What is to be done when it was."""


def begun(catalogue: Catalogue, options: argparse.Namespace, run: Path) -> Started:
    """Write what is known into a run folder before it is measured.

    Nothing where nobody asked for it. What is wrong with the store is said, and keeps nobody from measuring.
    Raises LabFault where the run folder cannot be written.
    """
    fresh = getattr(options, "fresh", False)
    if not wanted(options):
        return Started(True, lambda: None)
    recorded = journal.load(run)
    plan = recorded.plan
    keys = keys_of(catalogue, plan, run.parent)
    resumed = recorded.begun is not None
    if not resumed and not fresh:
        chosen = _with_store(lambda kept: _fill(catalogue, recorded, options, keys, kept))
        if chosen is not None and len(chosen.cells) == len(plan.cells):
            return Started(False, lambda: None)
        recorded = journal.load(run)
    before = recorded

    def ended() -> None:
        now = journal.load(run)
        found = checked(catalogue, now)
        if found.disagreements:
            _with_store(lambda kept: _discard(found, run.name, kept))
        elif keys_of(catalogue, plan, run.parent) == keys:
            _with_store(lambda kept: writing.keep(catalogue, before, now, keys, kept, resumed=resumed))
        else:
            say("nothing of this run is kept to be reused: what results rest on was changed meanwhile")

    return Started(True, ended)


def _with_store(use: Callable[[Store], T]) -> T | None:
    """What comes of using the store; None where it cannot be used, which is said."""
    told: list[str] = []
    found = None
    try:
        with opened(folder(), told) as kept:
            found = use(kept)
    except CannotBeUsedError as error:
        told.append(f"without results of earlier runs: {error}")
    for line in told:
        say(line)
    return found


def _fill(
    catalogue: Catalogue,
    recorded: journal.Recorded,
    options: argparse.Namespace,
    keys: list[JobKeys],
    kept: Store,
) -> Chosen:
    least = getattr(options, "recheck", None) or 0
    chosen = writing.fill(catalogue, recorded, keys, kept, Wanted(options.evidence), least)
    say(_in_words(chosen, len(recorded.plan.cells)))
    for why, number in chosen.never.items():
        say(f"never reused: {many(number, 'cell')}: {why}")
    return chosen


def _in_words(chosen: Chosen, of: int) -> str:
    if not (chosen.cells or chosen.drawn):
        return f"reused: none of {many(of, 'cell')}: nothing is kept that still holds"
    again = (
        "one more is measured again, drawn by chance"
        if len(chosen.drawn) == 1
        else f"{len(chosen.drawn)} more are measured again, drawn by chance"
        if chosen.drawn
        else "none of them is measured again this time (by chance; --recheck N measures N again)"
    )
    return (
        f"reused: {len(chosen.cells)} of {many(of, 'cell')}, measured before, and nothing has changed that "
        f"can change them; {again}"
    )


def _discard(found: Reuse, run: str, kept: Store) -> None:
    for one in found.disagreements:
        say(f"rehearse: {one.what} does not come out as in {one.before.run}: {'; '.join(one.differences)}")
    say(f"discarded: {many(kept.discard(), 'kept result')}: they do not hold any more")
    if found.cells:
        number = many(len(found.cells), "reused result")
        say(f"this run holds {number}; to measure these, too: rehearse run --resume {run} --fresh")
