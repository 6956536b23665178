"""What the user demands of a plan, and by when holes are due where nobody demands anything."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from harness.errors import RehearsalError

FEWEST, MOST, USUAL = 1, 5, 3
"""Stages of a plan: at least, at most, and as the article has them."""
GRADES: Final = ("critical", "high", "medium", "low", "")
"""Severities of exposures, the gravest first; "" where nobody graded it."""


class UnmetError(RehearsalError):
    """A demand that nothing measured meets; the text says which, and by what evidence."""

    exit_status = 1


@dataclass(frozen=True, slots=True)
class Due:
    """A hole that must be closed at the end of a stage."""

    exposure: str
    stage: int

    def __str__(self) -> str:
        return f"--close {self.exposure}:{self.stage}"


@dataclass(frozen=True, slots=True)
class Wishes:
    """The demands. Each of them is kept by the plan, or there is none."""

    stages: int = USUAL
    never_lose: tuple[str, ...] = ()
    """Clients that must keep, in every stage and on every server, all that they could do before."""
    close: tuple[Due, ...] = ()
    servers: tuple[str, ...] = ()
    """The servers that are changed; empty: all of the run but ``legacy``."""
    legacy: str = ""
    """A server of the run that is left as it is, for machines that nothing else helps."""

    def due(self, grade: str) -> int:
        """The stage at whose end holes of a severity are due, unless a demand says earlier.

        The first stage is for what costs nobody anything; the gravest are due in the next one, the others one
        grade a stage, and whatever is left in the last one.
        """
        if self.stages <= 2:
            return self.stages
        if grade == "critical":
            return 2
        place = {"high": 2 if self.stages == USUAL else 3, "medium": 4}.get(grade, 5)
        return min(place, self.stages)
