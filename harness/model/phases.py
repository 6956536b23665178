"""When an attempt is made, how it ends, and what follows from the three of a cell."""

from __future__ import annotations

from enum import StrEnum


class Phase(StrEnum):
    """When an attempt was made, relative to the change."""

    BASELINE = "baseline"
    APPLIED = "applied"
    ROLLED_BACK = "rolled_back"


class Outcome(StrEnum):
    """How one attempt ended. A fault is the lab's failure and never counts as a refusal."""

    OK = "ok"
    REFUSED = "refused"
    UNSUPPORTED = "unsupported"
    FAULT = "fault"


class Effect(StrEnum):
    """What a mitigation did to a cell, after the baseline is subtracted."""

    KEPT = "kept"
    LOST = "lost"
    GAINED = "gained"
    NEVER = "never"
    NOT_SETTLED = "not settled"
    """It came through as an emulated client whose behaviour here is not settled: whether the real one does,
    nobody knows."""
    FAULT = "fault"


class Side(StrEnum):
    """Whose policy said no, or on which side a mitigation acts."""

    SERVER = "server"
    CLIENT = "client"
