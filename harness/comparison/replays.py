"""Cells that were measured once more, held against what was recorded of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from harness.comparison.cells import differing, in_both
from harness.comparison.runs import VersionTurn, versions
from harness.model import Attempt, CellId, Effect, Outcome, Phase
from harness.result import WHEN, CellResult, FileSince, RunResult


class Replayed(StrEnum):
    """What came of a cell that was measured once more."""

    SAME = "same"
    DIFFERENT = "different"
    FAULT = "fault"
    """The lab broke: it came to nothing that could be compared."""
    NOT_MEASURED = "not measured"
    """The replay was cut off before."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that did not come out as it was recorded."""

    where: str
    """"before", "with the change", "after the rollback", "with PART alone"; "" for the verdict."""
    what: str
    recorded: str
    now: str
    phase: Phase | None = None
    """Where that is a phase."""
    part: str = ""
    """Where that is a part of a combination, its name."""

    def __str__(self) -> str:
        return f"{self.where}: {self.what} {self.recorded} -> {self.now}".removeprefix(": ")


@dataclass(frozen=True, slots=True)
class Chance:
    """In how many of its tries a client came through, where it does in some alone: (n, of how many).

    () where it had one try.
    """

    phase: Phase
    recorded: tuple[int, int] | tuple[()]
    now: tuple[int, int] | tuple[()]

    def __str__(self) -> str:
        then, now = _tries(self.recorded), _tries(self.now)
        return f"{WHEN[self.phase]}: came through in {then} then, in {now} now"


@dataclass(frozen=True, slots=True)
class CellReplay:
    """One cell then and now."""

    cell: CellId
    recorded: CellResult
    now: CellResult | None
    """None where it was not measured."""
    came: Replayed
    differences: tuple[Difference, ...] = ()
    by_chance: tuple[Chance, ...] = ()
    """What differs only because this client comes through in some of its tries alone, then or now."""


@dataclass(frozen=True, slots=True)
class Replay:
    """All cells of a replay, in the order of the run's plan."""

    recorded: RunResult
    """The run, with these cells alone."""
    now: RunResult
    cells: tuple[CellReplay, ...]
    versions: tuple[VersionTurn, ...]
    """What the two were not both measured with: that may explain what is different."""
    seed: int | None = None
    """What the cells were drawn by; None where they were named."""
    of: int = 0
    """From how many cells they were drawn."""
    notes: tuple[FileSince, ...] = ()
    """What became of the user's own files since."""

    def many(self, came: Replayed) -> int:
        """How many cells came to that."""
        return Counter(one.came for one in self.cells)[came]

    @property
    def same(self) -> bool:
        """Every cell came out as it was recorded."""
        return self.many(Replayed.SAME) == len(self.cells)


def compare(
    recorded: RunResult,
    now: RunResult,
    *,
    seed: int | None = None,
    of: int = 0,
    notes: Iterable[FileSince] = (),
) -> Replay:
    """Hold the cells of a replay against those of the run."""
    anew = now.by_id()
    cells = tuple(again(one, anew.get(one.cell)) for one in recorded.cells)
    return Replay(recorded, now, cells, tuple(versions(recorded, now)), seed, of, tuple(notes))


def again(recorded: CellResult, now: CellResult | None) -> CellReplay:
    """One cell as it was recorded, and as it came out when it was measured again."""
    if now is None:
        return CellReplay(recorded.cell, recorded, None, Replayed.NOT_MEASURED)
    if now.effect is Effect.FAULT:
        return CellReplay(recorded.cell, recorded, now, Replayed.FAULT)
    chance = tuple(_by_chance(recorded, now))
    found = tuple(_differences(recorded, now))
    came = Replayed.DIFFERENT if found else Replayed.SAME
    return CellReplay(recorded.cell, recorded, now, came, found, chance)


def _differences(recorded: CellResult, now: CellResult) -> Iterator[Difference]:
    told = {
        "effect": (recorded.effect.value, now.effect.value),
        "restored by the rollback": (_yes(recorded.restored), _yes(now.restored)),
    }
    # A cause speaks of how often a client of chance came through, too, and of parts where they were tried.
    by_chance = any(_chance(*pair) for _, *pair in in_both(recorded, now))
    if not by_chance and bool(recorded.parts) is bool(now.parts):
        told["cause"] = (recorded.cause, now.cause)
    for what, (was, became) in told.items():
        if was != became:
            yield Difference("", what, was, became)
    for phase, one, other in in_both(recorded, now):
        if not _chance(one, other):
            yield from (Difference(WHEN[phase], *found, phase) for found in differing(one, other))
    for name, part in recorded.parts.items():
        again = now.parts.get(name)
        if part.effect and again and again.effect and part.effect is not again.effect:
            yield Difference(f"with {name} alone", "effect", part.effect, again.effect, part=name)


def _chance(one: Attempt, other: Attempt) -> bool:
    """Chance decided one of them: it came through in some of its tries, and the other did in some or all."""
    tries = [attempt.works for attempt in (one, other) if attempt.works]
    return any(0 < well < many for well, many in tries) and all(
        attempt.outcome is Outcome.OK or (attempt.works and attempt.works[0]) for attempt in (one, other)
    )


def _by_chance(recorded: CellResult, now: CellResult) -> Iterator[Chance]:
    for phase, one, other in in_both(recorded, now):
        if _chance(one, other):
            yield Chance(phase, one.works or (), other.works or ())


def _tries(works: tuple[int, int] | tuple[()]) -> str:
    return f"{works[0]} of {works[1]} tries" if works else "its only try"


def _yes(value: bool | None) -> str:
    return "nothing to restore" if value is None else "yes" if value else "no"
