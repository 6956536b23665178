"""A pytest plugin: how far the tests are, at least every half minute, on a terminal and in a log.

``test: 1204 of 5530 done (22 %), 1 failed; about 7 min left; for 41 s: tests/labs/test_samba.py::test_it``

With pytest-xdist it is the process that hands out the tests, and runs none, that tells.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable

import pytest

EVERY = 20.0
"""Seconds between two lines."""
LONG = 15.0
"""Seconds after which a test that runs is named."""


class Tally:
    """What is done, what is left, and about how long that takes. ``clock`` gives seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._begun: float | None = None
        self._total = 0
        self._done: set[str] = set()
        self._failed: dict[str, None] = {}
        self._named = 0
        self._running: dict[str, float] = {}
        self._lock = threading.Lock()

    def expect(self, total: int) -> None:
        """So many tests were chosen."""
        with self._lock:
            self._total = max(self._total, total)

    def start(self, test: str) -> None:
        """A test begins, in whichever process."""
        with self._lock:
            now = self._clock()
            self._begun = now if self._begun is None else self._begun
            self._running[test] = now

    def end(self, test: str) -> None:
        """It is over."""
        with self._lock:
            self._running.pop(test, None)
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
            now, done = self._clock(), len(self._done)
            if self._begun is None or not self._total:
                return "test: pytest collects the tests"
            failed = f", {len(self._failed)} failed" if self._failed else ""
            left = ""
            if 0 < done < self._total:
                left = f"; about {_duration((now - self._begun) / done * (self._total - done))} left"
            words = f"test: {done} of {self._total} done ({done * 100 // self._total} %){failed}{left}"
            long = [(now - begun, test) for test, begun in self._running.items() if now - begun >= LONG]
            for seconds, test in sorted(long, reverse=True):
                words += f"; for {_duration(seconds)}: {test}"
            return words


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
        self._tally.expect(len(session.items))

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: list[str]) -> None:
        """Each test process collects all of them."""
        self._tally.expect(len(ids))

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
