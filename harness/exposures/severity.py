"""How grave each exposure is: data with its source, which orders the holes of every report."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from harness.system import resources


class Severity(StrEnum):
    """How much an open hole means; the rule is in the data file and in docs/exposures.md."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


@dataclass(frozen=True, slots=True)
class Grade:
    """One exposure's severity, and what it rests on."""

    severity: Severity
    source: str
    place: int
    """Where it stands among all exposures: 0 is the gravest."""


@cache
def grades() -> dict[str, Grade]:
    """Every graded exposure by name, the gravest first. Raises ValueError for a grade that there is not."""
    text = resources.path("exposures", "data", "severity.toml").read_text(encoding="utf-8")
    graded = [
        (name, Severity(severity), source)
        for severity, names in tomllib.loads(text).items()
        for name, source in names.items()
    ]
    return {name: Grade(severity, source, place) for place, (name, severity, source) in enumerate(graded)}
