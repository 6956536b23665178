"""A pytest plugin: how far the tests are, at least every half minute, on a terminal and in a log.

``test: 1204 of 5530 done (22 %), 1 failed; about 7 min left; for 41 s: tests/labs/test_samba.py::test_it``

With pytest-xdist it is the process that hands out the tests, and runs none, that tells.
"""

from __future__ import annotations

import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from enum import IntEnum
from functools import cache
from pathlib import Path

import pytest

EVERY = 20.0
"""Seconds between two lines."""
LONG = 15.0
"""Seconds after which a test that runs is named."""
TIMES = 20.0
"""How much longer a test takes than one of the kind before it, where nothing is known of its own kind yet."""


class Kind(IntEnum):
    """What a test starts: those that start more come first, and take far longer."""

    NOTHING = 0
    SERVERS = 1
    MACHINES = 2


@cache
def _kind_of(file: str) -> Kind:
    try:
        text = Path(file).read_text(encoding="utf-8")
    except OSError:
        return Kind.NOTHING
    if "mark.vagrant" in text:
        return Kind.MACHINES
    return Kind.SERVERS if "mark.local_lab" in text else Kind.NOTHING


def _kind(test: str) -> Kind:
    return _kind_of(test.partition("::")[0])


class Tally:
    """What is done, what is left, and about how long that takes. ``clock`` gives seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._begun: float | None = None
        self._expected: Counter[Kind] = Counter()
        self._done: set[str] = set()
        self._took: dict[Kind, list[float]] = {kind: [] for kind in Kind}
        """Seconds of each test that is done."""
        self._failed: dict[str, None] = {}
        self._named = 0
        self._running: dict[str, float] = {}
        self._lock = threading.Lock()

    def expect(self, tests: Iterable[str]) -> None:
        """These tests were chosen."""
        kinds = Counter(map(_kind, tests))
        with self._lock:
            self._expected = max(self._expected, kinds, key=Counter.total)

    def start(self, test: str) -> None:
        """A test begins, in whichever process."""
        with self._lock:
            now = self._clock()
            self._begun = now if self._begun is None else self._begun
            self._running[test] = now

    def end(self, test: str) -> None:
        """It is over."""
        with self._lock:
            begun = self._running.pop(test, None)
            if test not in self._done and begun is not None:
                self._took[_kind(test)].append(self._clock() - begun)
            self._done.add(test)

    def fail(self, test: str) -> None:
        """It failed, or what it needs could not be made or ended."""
        with self._lock:
            self._failed[test] = None

    def news(self) -> list[str]:
        """A line for each test that failed since this was asked before; pytest says why at the end."""
        with self._lock:
            new = list(self._failed)[self._named :]
            self._named += len(new)
            return [f"test: FAILED {test}" for test in new]

    def line(self) -> str:
        """One line for a person."""
        with self._lock:
            now, done, total = self._clock(), len(self._done), self._expected.total()
            if self._begun is None or not total:
                return "test: pytest collects the tests"
            failed = f", {len(self._failed)} failed" if self._failed else ""
            left = ""
            if 0 < done < total:
                left = f"; about {_duration(self._left(now, now - self._begun))} left"
            words = f"test: {done} of {total} done ({done * 100 // total} %){failed}{left}"
            long = [(now - begun, test) for test, begun in self._running.items() if now - begun >= LONG]
            for seconds, test in sorted(long, reverse=True):
                words += f"; for {_duration(seconds)}: {test}"
            return words

    def _left(self, now: float, elapsed: float) -> float:
        """Seconds that the others may take, each as long as those of its kind took, and as many at once."""
        took = {kind: sum(those) for kind, those in self._took.items()}
        known = {kind: took[kind] / len(those) for kind, those in self._took.items() if those}
        left = 0.0
        for kind in Kind:
            nearest = min(known, key=lambda other: abs(other - kind), default=kind)
            mean = known.get(nearest, 0.0) * TIMES ** (kind - nearest)
            left += (self._expected[kind] - len(self._took[kind])) * mean
        busy = sum(took.values()) + sum(now - begun for begun in self._running.values())
        at_once = busy / elapsed if elapsed else 1.0
        return max(left, 0.0) / (at_once or 1.0)


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"


class Telling:
    """The plugin: keeps the tally, and tells it from a thread, for a test may take minutes."""

    def __init__(self, every: float = EVERY) -> None:
        """Must be made before the first test begins: what is written while one runs is that test's."""
        self._every = every
        self._terminal = os.fdopen(os.dup(1), "w")
        self._tally = Tally()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._tell, daemon=True)

    def pytest_sessionstart(self) -> None:
        """Tests are collected from now on."""
        self._thread.start()

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Without pytest-xdist."""
        self._tally.expect(item.nodeid for item in session.items)

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: list[str]) -> None:
        """Each test process collects all of them."""
        self._tally.expect(ids)

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """In any of the processes."""
        self._tally.start(nodeid)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Its setup, the test itself, or its teardown."""
        if report.failed:
            self._tally.fail(report.nodeid)
        if report.when == "teardown":
            self._tally.end(report.nodeid)

    def pytest_sessionfinish(self) -> None:
        """pytest has the last word."""
        self._over.set()
        self._thread.join()

    def _tell(self) -> None:
        with self._terminal:
            while not self._over.wait(self._every):
                # Behind pytest's dots, which are no whole line; at once, also to a file or a pipe.
                lines = [*self._tally.news(), self._tally.line()]
                print("", *lines, sep="\n", file=self._terminal, flush=True)
