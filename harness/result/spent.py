"""Where the time of a run went: what its workers did, and what they waited for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final


class Kind(StrEnum):
    """What the time of a worker goes for. A worker is a process that makes attempts and probes."""

    ATTEMPTS = "attempts"
    """It makes an attempt."""
    PROBES = "probes"
    """It looks for exposures."""
    START = "server start"
    """It waits while a server starts."""
    CHANGE = "change"
    """It waits while a change is made, seen to be in force, or taken back."""
    PROOF = "proof"
    """It waits while a server is shown to be healthy."""
    STOP = "server stop"
    """It waits while a server is stopped."""
    OTHER = "other"
    """It waits while the run does anything else: what a client is, evidence, verdicts."""
    WAIT = "wait"
    """It waits, and nothing is done but what other workers do: nothing is left for it, or not yet."""


WORK: Final = (Kind.ATTEMPTS, Kind.PROBES)
"""What the workers are there for."""
COUNTED: Final = (*WORK, Kind.START)
"""Of these it is counted how many there were."""


@dataclass(frozen=True, slots=True)
class Spent:
    """The time that went for one kind."""

    workers: float = 0.0
    """Seconds of workers: two that wait for the same second wait for two."""
    lasted: float = 0.0
    """Seconds that all of its kind took, one after the other, whether or not a worker waited for it."""
    times: int = 0
    """How many there were of ``COUNTED``; 0 for the other kinds."""

    def __add__(self, other: Spent) -> Spent:
        return Spent(self.workers + other.workers, self.lasted + other.lasted, self.times + other.times)


@dataclass(frozen=True, slots=True)
class TimeSpent:
    """Where the time of a run went; the kinds come to all the time of its workers, each second once."""

    seconds: float = 0.0
    """By the clock on the wall, while it was measured."""
    workers: int = 0
    """How many there were; the most of them, where the run was gone on with by another number."""
    bound: float = 0.0
    """Seconds that attempts and probes alone take on these workers, each as long as it took, none waiting."""
    kinds: Mapping[Kind, Spent] = field(default_factory=dict)
    clients: Mapping[str, Spent] = field(default_factory=dict)
    """What the attempts of each client took; nothing in runs of earlier versions."""

    def __post_init__(self) -> None:
        numbers = [self.seconds, self.bound, self.workers]
        every = (*self.kinds.values(), *self.clients.values())
        numbers += [n for one in every for n in (one.workers, one.lasted, one.times)]
        if any(not 0 <= number < float("inf") for number in numbers):
            raise ValueError("no time is negative, or without an end")

    @property
    def of_workers(self) -> float:
        """Seconds of all the workers together."""
        return sum(one.workers for one in self.kinds.values())

    def share(self, kind: Kind) -> float:
        """The part of the workers' time that went for a kind, from 0 to 1."""
        whole = self.of_workers
        return self.kinds[kind].workers / whole if whole and kind in self.kinds else 0.0

    def __add__(self, other: TimeSpent) -> TimeSpent:
        """Measured one after the other."""
        return TimeSpent(
            self.seconds + other.seconds,
            max(self.workers, other.workers),
            self.bound + other.bound,
            summed((self, other)),
            by_client((self, other)),
        )


def summed(parts: Iterable[TimeSpent]) -> dict[Kind, Spent]:
    """What the kinds of several come to, in the order of ``Kind``."""
    every = [one.kinds for one in parts]
    found = {kind: [one[kind] for one in every if kind in one] for kind in Kind}
    return {kind: sum(those, Spent()) for kind, those in found.items() if those}


def by_client(parts: Iterable[TimeSpent]) -> dict[str, Spent]:
    """What the attempts of each client come to in several, by name."""
    found: dict[str, Spent] = {}
    for part in parts:
        for name, one in part.clients.items():
            found[name] = found.get(name, Spent()) + one
    return dict(sorted(found.items()))


def side_by_side(seconds: float, parts: Iterable[TimeSpent]) -> TimeSpent:
    """What several groups of workers did in the same ``seconds``; what is missing of these they waited.

    ``parts``: the time of each group, added up, as far as it had something to measure.
    """
    each = list(parts)
    workers = sum(one.workers for one in each)
    kinds = summed(each)
    missing = seconds * workers - sum(one.workers for one in kinds.values())
    # Clocks of several machines may differ by a little.
    kinds[Kind.WAIT] = kinds.get(Kind.WAIT, Spent()) + Spent(workers=max(0.0, missing))
    bound = sum(kinds[kind].workers for kind in WORK if kind in kinds) / workers if workers else 0.0
    return TimeSpent(seconds, workers, bound, kinds, by_client(each))
