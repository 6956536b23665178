"""Bringing a guest back: the cheapest way first, each verified, the next one when it did not work."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from enum import StrEnum

from harness.errors import LabFault, RunStopped
from harness.result import Recovery


class RecoveryStep(StrEnum):
    """The ways to bring a guest back, cheapest first."""

    FRESH = "fresh"
    """It was just made; nothing need be done."""
    SCRIPT = "revert script"
    SNAPSHOT = "snapshot"
    REBOOT = "reboot"
    REBUILD = "rebuild"


def recover(
    name: str, steps: Sequence[tuple[RecoveryStep, Callable[[], None]]], verify: Callable[[], str]
) -> Recovery:
    """Try each way until ``verify`` is content; it says what it saw, or raises LabFault.

    Raises LabFault with every reason when no way leads back, RunStopped when the run is stopped.
    """
    failed: list[str] = []
    begun = time.monotonic()
    for step, go in steps:
        try:
            go()
            return Recovery(str(step), round(time.monotonic() - begun, 3), verify(), tuple(failed))
        except RunStopped:
            raise
        except LabFault as fault:
            failed.append(f"{step}: {fault.message}")
    raise LabFault(f"{name} cannot be made pristine again: {'; '.join(failed)}", "it is left out from now on")
