"""What probes see, of a change and of an exposure; and where a fact comes from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Evidence:
    """Where a fact comes from."""

    what: str
    source: str


@dataclass(frozen=True, slots=True)
class Finding:
    """What an effect probe saw: whether a mitigation is in force, and the observation that decided it."""

    in_effect: bool
    evidence: str
    visible: bool = True
    """False: nobody gets in to look, so that it is not shown either way."""
    by_configuration: bool = False
    """It is the configuration, as the server's own software reads it, that says so: no effect was seen."""
    wire: Mapping[str, str] = field(default_factory=dict, compare=False)
    """What the server answered then to offers and logons, each by a few words; only beside the former."""


class Hole(StrEnum):
    """What a probe found of an exposure."""

    OPEN = "open"
    CLOSED = "closed"
    NOT_EXPOSED = "not exposed"
    """What the hole needs is not reachable or not there: nothing is said about the hole itself."""
    UNKNOWN = "unknown"
    """The probe could not decide, and says why. Never read as closed."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """What one exposure probe saw, and the observation that decided it."""

    state: Hole
    evidence: str
