"""How much work something may take: processor time of this process alone, whatever others do beside it."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def effort(seconds: float) -> Iterator[None]:
    """Raises AssertionError in the block once it has used so many seconds of processor time.

    For the main thread: it is told by a signal of setitimer(2), ITIMER_VIRTUAL.
    """

    def too_much(_number: int, _frame: FrameType | None) -> None:
        raise AssertionError(f"more than {seconds:g} s of processor time")

    before = signal.signal(signal.SIGVTALRM, too_much)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
