"""How long the jobs of earlier runs took, so that the longest of a new one are begun first.

    <run>/took.jsonl   one line for what a running server did at once: the change, the server, the seconds

It is no part of the truth: a run is the same without it, and is only measured in another order. It is a file
of its own because nobody reads journals of 40 MB to order a run.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Annotated

from pydantic import Field, TypeAdapter

from harness.errors import UsageError
from harness.model import Tier
from harness.planning.plan import Job
from harness.record.forecast import NEWEST, newest_first
from harness.record.reused import Pair
from harness.system import files

A_JOB, AN_ATTEMPT = 2.0, 0.1
"""What a server that is started, changed and probed in three phases weighs against an attempt, for jobs that
were never measured. Only their proportion counts."""
FILE = "took.jsonl"
_MOST = 2**21
"""Bytes of one file that are read; the sweep of all that there is has 1,500 jobs and writes 200 KB."""


@dataclass(frozen=True, slots=True)
class Took:
    """How long one running server was at work for jobs that it does for at once; mostly one."""

    lab: Tier
    mitigation: str
    server: str
    """Of the first of them."""
    attempts: Annotated[int, Field(ge=0)]
    """Of all of them, in all phases; what was known already counts, too."""
    seconds: Annotated[float, Field(ge=0, allow_inf_nan=False)]


@cache
def _lines() -> TypeAdapter[Took]:
    return TypeAdapter(Took)


def note(folder: Path, lab: Tier, jobs: Sequence[Job], seconds: float) -> None:
    """Write down how long jobs took. Nothing is lost but an order where that cannot be written."""
    first = jobs[0]
    _append(folder, [Took(lab, first.mitigation, first.server, _attempts(jobs), round(seconds, 3))])


def text(folder: Path) -> bytes:
    """What is written down in a run folder; nothing where that cannot be read."""
    with suppress(UsageError):
        return files.read(folder / FILE, most=_MOST)
    return b""


def keep(folder: Path, told: bytes) -> None:
    """Write down what was written in another run folder, as far as it can be understood."""
    _append(folder, _understood(told))


def _append(folder: Path, made: Iterable[Took]) -> None:
    lines = b"".join(_lines().dump_json(one) + b"\n" for one in made)
    with suppress(OSError):
        file = os.open(folder / FILE, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            os.write(file, lines)
        finally:
            os.close(file)


class History:
    """Seconds that jobs take, by how long they took before."""

    def __init__(self, known: Iterable[Took] = ()) -> None:
        """``known``: of the same lab; a later one counts instead of an earlier one."""
        newest = {(one.mitigation, one.server): one for one in known}
        self._times: Mapping[Pair, float] = {
            pair: one.seconds / _guess(one.attempts) for pair, one in newest.items()
        }
        guessed = sum(_guess(one.attempts) for one in newest.values())
        # What was never measured is thought to be as far from the guess as all that was.
        self._usual = sum(one.seconds for one in newest.values()) / guessed if guessed else 1.0

    def seconds(self, jobs: Sequence[Job], guessed: float | None = None) -> float:
        """How long one running server is at work for these jobs.

        What was measured with more or fewer attempts counts in proportion; what never was is as long as
        ``guessed``, or by the number of its attempts, and as far from that as what was measured.
        """
        by_attempts = _guess(_attempts(jobs))
        times = self._times.get((jobs[0].mitigation, jobs[0].server))
        if times is not None:
            return by_attempts * times
        return (by_attempts if guessed is None else guessed) * self._usual

    def all_of(self, line: Iterable[Sequence[Job]]) -> float:
        """How long several of them take, one after the other; to the millisecond, so that alike is alike."""
        return round(sum(map(self.seconds, line)), 3)


NOTHING = History()


def history(home: Path, lab: Tier) -> History:
    """What the newest runs below ``home`` took in such a lab."""
    newest = newest_first(home)
    told = [path for path in (folder / FILE for folder in newest) if path.is_file()]
    found = [one for path in reversed(list(islice(told, NEWEST))) for one in _understood(text(path.parent))]
    return History(one for one in found if one.lab is lab)


def _understood(told: bytes) -> Iterator[Took]:
    for line in told.splitlines():
        # One that was cut off, or that somebody edited.
        with suppress(ValueError):
            yield _lines().validate_json(line)


def _attempts(jobs: Iterable[Job]) -> int:
    return sum(job.attempts for job in jobs)


def _guess(attempts: int) -> float:
    return A_JOB + AN_ATTEMPT * attempts
