"""Waits of seconds to minutes: whoever watches a job is told of them, and whoever stops the run ends them.

The one who waits (a guest that reboots, a lock) is many calls below the one who shows what happens, so the
watcher is not handed down: it is the thread's own. Where nobody watches, as in worker processes, nothing is
told.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace

from harness.errors import RunStopped

SOON = 2.0
"""Seconds that a wait lasts before it is told of."""


@dataclass(frozen=True, slots=True)
class _Watch:
    told: Callable[[str], None]
    stopped: Callable[[], bool]
    after: float
    around: str = ""
    """What the wait around the present one is for; "" for none."""


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


def check() -> None:
    """Raises RunStopped when the run that this thread works for is being stopped."""
    watch = _watch.get()
    if watch is not None and watch.stopped():
        raise RunStopped
