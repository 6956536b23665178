"""Waits of seconds to minutes: whoever watches a job is told of them, and who knows better ends them.

The one who waits (a guest that reboots, a lock) is many calls below the one who shows what happens, so the
watcher is not handed down: it is the thread's own. Where nobody watches, as in worker processes, nothing is
told.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace

from harness.errors import LabFault, RunStopped

SOON = 2.0
"""Seconds that a wait lasts before it is told of."""
ASK_SECONDS = 3.0
"""Seconds between two questions whether there is still something to wait for."""
CEILING = 4.0
"""A wait for what goes on lasts so many times its limit at the most."""
_QUARTER = 0.25
"""Of its limit: how much longer a wait lasts before it is asked again whether it goes on."""


@dataclass(frozen=True, slots=True)
class _Watch:
    told: Callable[[str], None]
    stopped: Callable[[], bool]
    after: float
    around: str = ""
    """What the wait around the present one is for; "" for none."""


@dataclass(slots=True)
class _Doubt:
    why: Callable[[], LabFault | None]
    due: float

    def ask(self) -> None:
        if time.monotonic() < self.due:
            return
        # What the question itself waits for must not ask it again.
        self.due = math.inf
        try:
            fault = self.why()
        finally:
            self.due = time.monotonic() + ASK_SECONDS
        if fault is not None:
            raise fault


_doubt: ContextVar[_Doubt | None] = ContextVar("doubt", default=None)
_goes_on: ContextVar[Callable[[], bool] | None] = ContextVar("goes_on", default=None)
_watch: ContextVar[_Watch | None] = ContextVar("watch", default=None)


@contextmanager
def watched(
    told: Callable[[str], None], stopped: Callable[[], bool] = lambda: False, after: float = SOON
) -> Iterator[None]:
    """Tell of this thread's waits while the context lasts.

    ``told`` gets what is waited for, once it has lasted ``after`` seconds (0: before it begins), and "" when
    it is over; it may be called from another thread. When ``stopped``, waits end with a RunStopped.
    """
    token = _watch.set(_Watch(told, stopped, after))
    try:
        yield
    finally:
        _watch.reset(token)


@contextmanager
def lasting(what: str) -> Iterator[None]:
    """Say what is being waited for in the block. Raises RunStopped."""
    check()
    watch = _watch.get()
    if watch is None:
        yield
        return
    shown = threading.Event()

    def show() -> None:
        shown.set()
        watch.told(what)

    timer = threading.Timer(watch.after, show)
    timer.daemon = True
    if watch.after > 0:
        timer.start()
    else:
        show()
    token = _watch.set(replace(watch, around=what))
    try:
        yield
    finally:
        _watch.reset(token)
        timer.cancel()
        if watch.after > 0:
            # One that is about to be told of comes before the end of it.
            timer.join()
        if shown.is_set():
            watch.told(watch.around)


@contextmanager
def unless(why: Callable[[], LabFault | None]) -> Iterator[None]:
    """End this thread's waits in the block with what ``why`` answers, when it is no longer None.

    It is asked every ``ASK_SECONDS``: what is over before costs no question.
    """
    token = _doubt.set(_Doubt(why, time.monotonic() + ASK_SECONDS))
    try:
        yield
    finally:
        _doubt.reset(token)


@contextmanager
def as_long_as(goes_on: Callable[[], bool]) -> Iterator[None]:
    """Let this thread's waits in the block pass their limits while ``goes_on``, up to ``CEILING`` times.

    It answers whether what is waited for went on since it was last asked.
    """
    token = _goes_on.set(goes_on)
    try:
        yield
    finally:
        _goes_on.reset(token)


def longer(limit: float, waited: float) -> float:
    """Seconds more for a wait of ``limit`` seconds that has lasted ``waited``; 0.0 where it is over."""
    goes_on = _goes_on.get()
    left = CEILING * limit - waited
    if goes_on is None or left <= 0:
        return 0.0
    # What the question itself waits for must not ask it again.
    token = _goes_on.set(None)
    try:
        return min(_QUARTER * limit, left) if goes_on() else 0.0
    finally:
        _goes_on.reset(token)


def check() -> None:
    """Raises what ends a wait: RunStopped when its run is being stopped; the LabFault of ``unless``."""
    watch = _watch.get()
    if watch is not None and watch.stopped():
        raise RunStopped
    doubt()


def doubt() -> None:
    """Raises the LabFault of ``unless`` alone: for waits that cleaning up has too, of a run being stopped."""
    if (here := _doubt.get()) is not None:
        here.ask()


def undoubted() -> float:
    """Seconds until ``doubt`` is to be asked again; infinity where nothing would end a wait."""
    here = _doubt.get()
    return math.inf if here is None else max(0.0, here.due - time.monotonic())
