"""A point in time that a wait must not pass."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from harness.errors import LabFault

T = TypeVar("T")


class Deadline:
    """``Deadline(5.0)`` expires five seconds from now (monotonic clock)."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._end = time.monotonic() + seconds

    @property
    def remaining(self) -> float:
        """Seconds left, never below zero."""
        return max(0.0, self._end - time.monotonic())

    @property
    def expired(self) -> bool:
        """True once no time is left."""
        return self.remaining == 0.0


def wait_for(what: str, probe: Callable[[], T | None], seconds: float, hint: str = "") -> T:
    """Ask ``probe`` until it answers something that is not None or False.

    Polls with a short, growing pause. Raises LabFault naming ``what`` when ``seconds`` have passed.
    """
    deadline = Deadline(seconds)
    pause = 0.002
    while True:
        answer = probe()
        if answer is not None and answer is not False:
            return answer
        if deadline.expired:
            raise LabFault(f"{what}: not within {seconds:g} s", hint)
        time.sleep(min(pause, deadline.remaining))
        pause = min(pause * 1.5, 0.05)
