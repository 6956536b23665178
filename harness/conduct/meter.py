"""Where the time goes while a run is measured: what its workers do, and what those that are idle wait for.

At each moment a worker makes an attempt, makes probes, or is idle. Idle ones wait for what the jobs do
themselves right then, in equal parts where jobs do several things; where all jobs do nothing but wait for
other workers, or are over, they just wait. So the kinds come to all the time of the workers, each second
once, and a server that starts while all workers are busy costs nothing. Kept are a few numbers a kind,
whatever the number of cells.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import TypeVar

from harness.result.spent import COUNTED, WORK, Kind, Spent, TimeSpent

T = TypeVar("T")


class Meter:
    """Adds up the time of so many workers. Every method may be called from any thread."""

    def __init__(self, workers: int, now: Callable[[], float] = time.monotonic) -> None:
        """``now``: seconds of a clock that nobody sets."""
        self._workers = workers
        self._now = now
        self._lock = threading.Lock()
        self._mine = threading.local()
        self._busy: dict[Kind, int] = dict.fromkeys(WORK, 0)
        self._jobs: dict[Kind, int] = dict.fromkeys(
            (kind for kind in Kind if kind not in (*WORK, Kind.WAIT)), 0
        )
        self.begin()

    def begin(self) -> None:
        """From now on; what was before does not count. What goes on goes on."""
        with self._lock:
            self._began = self._at = self._now()
            self._spent = dict.fromkeys(Kind, 0.0)
            self._lasted = dict.fromkeys(Kind, 0.0)
            self._times = dict.fromkeys(Kind, 0)
            self._clients: dict[str, Spent] = {}

    @contextmanager
    def at_work(self, kind: Kind, client: str = "") -> Iterator[None]:
        """A worker does this, one of ``WORK``; ``client``: whose attempt it is."""
        with self._lock:
            self._step()
            self._busy[kind] += 1
            self._times[kind] += 1
            begun = self._at
        try:
            yield
        finally:
            with self._lock:
                self._step()
                self._busy[kind] -= 1
                if client:
                    took = self._at - max(begun, self._began)
                    self._clients[client] = self._clients.get(client, Spent()) + Spent(took, took, 1)

    @contextmanager
    def doing(self, kind: Kind | None) -> Iterator[None]:
        """The job of this thread does this, instead of what it did; None: it waits for workers."""
        before: Kind | None = getattr(self._mine, "kind", None)
        self._turn(before, kind, counted=int(kind in COUNTED))
        try:
            yield
        finally:
            self._turn(kind, before)

    @contextmanager
    def around(self, entering: Kind, inside: AbstractContextManager[T], leaving: Kind) -> Iterator[T]:
        """A context; the job of this thread does ``entering`` while it is entered, ``leaving`` at its end."""
        with ExitStack() as end, ExitStack() as stack:
            with self.doing(entering):
                entered = stack.enter_context(inside)
            # Called before the context is left.
            stack.callback(lambda: end.enter_context(self.doing(leaving)))
            yield entered

    def spent(self) -> TimeSpent:
        """Where the time has gone since ``begin``."""
        with self._lock:
            self._step()
            kinds = {kind: Spent(self._spent[kind], self._lasted[kind], self._times[kind]) for kind in Kind}
            work = sum(self._spent[kind] for kind in WORK)
            return TimeSpent(
                self._at - self._began,
                self._workers,
                work / self._workers,
                kinds,
                dict(sorted(self._clients.items())),
            )

    def _turn(self, before: Kind | None, kind: Kind | None, counted: int = 0) -> None:
        self._mine.kind = kind
        with self._lock:
            self._step()
            if before:
                self._jobs[before] -= 1
            if kind:
                self._jobs[kind] += 1
                self._times[kind] += counted

    def _step(self) -> None:
        """Add what has passed since the last change of what anybody does."""
        now = self._now()
        passed, self._at = now - self._at, now
        idle = self._workers
        for kind, number in self._busy.items():
            idle -= number
            self._spent[kind] += passed * number
            self._lasted[kind] += passed * number
        waits = idle * passed
        jobs = sum(self._jobs.values())
        if not jobs:
            self._spent[Kind.WAIT] += waits
            return
        for kind, number in self._jobs.items():
            if number:
                self._spent[kind] += waits * number / jobs
                self._lasted[kind] += passed * number
