"""A point in time that a wait must not pass, and how much longer one is on a machine that is slow or busy."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeVar

from harness.errors import LabFault
from harness.system import processors

T = TypeVar("T")

ROOM: Final = 3.0
"""Limits have room for a machine that takes so many times as long as an idle one."""
SLOWEST: Final = 10.0
"""How many times its usual length a limit may be at the most."""
FRESH: Final = 5.0
"""Seconds for which a measured speed is taken as that of now."""
_ROUNDS: Final = 200_000
_IDLE: Final = 0.013
"""Seconds that the work of ``measured`` takes on the machine that limits are made for, when it is idle.

Measured on two cores with Python 3.11: 0.0128 to 0.0140."""
_LEAST: Final = 0.01
"""Seconds of its own processor time by which it is seen whether others have the processors, too."""


@dataclass(frozen=True, slots=True)
class Speed:
    """How fast this machine works for us right now."""

    slower: float
    """How many times as long as on an idle machine a piece of work took."""
    waited: float
    """How many times its own processor time that was: beyond 1 others had the processors."""

    @property
    def pace(self) -> float:
        """How many times its usual length a limit must be: 1 up to ``SLOWEST``."""
        return min(SLOWEST, max(1.0, self.slower / ROOM))

    @property
    def alone(self) -> float:
        """How many times as long as on an idle machine it would take with a processor for itself."""
        return self.slower / self.waited

    @property
    def busy(self) -> bool:
        """Others have so much of the processors that what is late may be so for that alone."""
        return self.waited > ROOM

    def __str__(self) -> str:
        work = f"work takes {self.slower:.1f} times as long as on an idle machine"
        return f"{work}, load {os.getloadavg()[0]:.1f} on {processors.available()} processors"


def measured() -> Speed:
    """The speed of this machine, by a fixed piece of work: 13 ms when it is idle, longer the busier it is.

    A faster machine does it several times: within ``_LEAST`` seconds others may not have had their turn.
    """
    begun, own = time.perf_counter(), time.thread_time()
    total = pieces = 0
    used = 0.0
    while used < _LEAST:
        for number in range(_ROUNDS):
            total += number
        pieces += 1
        used = time.thread_time() - own
    took = time.perf_counter() - begun
    return Speed(took / pieces / _IDLE, took / used)


_last: tuple[float, Speed] | None = None
_measuring = threading.Lock()


def pace() -> float:
    """How many times their length limits must be here and now; measured anew every ``FRESH`` seconds."""
    global _last
    with _measuring:
        if _last is None or time.monotonic() - _last[0] > FRESH:
            _last = time.monotonic(), measured()
        return _last[1].pace


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

    Polls with a short, growing pause. ``seconds`` are those of a machine that is not busy: when they have
    passed, its speed is measured, and a slow one has longer. Raises LabFault naming ``what`` then.
    """
    begun = time.monotonic()
    limit = seconds
    pause = 0.002
    while True:
        # Before the question: what comes true in the last pause is not missed.
        passed = time.monotonic() - begun
        answer = probe()
        if answer is not None and answer is not False:
            return answer
        if passed >= limit:
            limit = max(limit, seconds * pace())
        if passed >= limit:
            longer = f", nor within {limit:.3g} s, for the machine is busy" if limit > seconds else ""
            raise LabFault(f"{what}: not within {seconds:g} s{longer}", hint)
        time.sleep(min(pause, max(0.0, limit - passed)))
        pause = min(pause * 1.5, 0.05)
