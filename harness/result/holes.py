"""What became of one exposure of a server under one change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from harness.model import Hole, Phase, Sighting

NO_CHANGE = "none"
"""The mitigation that changes nothing."""
SURVIVES = "falls-over"
"""The finding that a harmless probe brought the server down."""


@dataclass(frozen=True, slots=True)
class ExposureResult:
    """One exposure of one server in each phase of one mitigation."""

    mitigation: str
    server: str
    exposure: str
    phases: Mapping[Phase, Sighting]
    expected: bool = True
    """False when a scenario says that it must be closed and it is not shown to be, or when it stayed open."""
    claim: str = ""
    """Why it is not as expected: one sentence; else ""."""

    @property
    def id(self) -> str:
        """``mitigation:server:exposure``."""
        return f"{self.mitigation}:{self.server}:{self.exposure}"

    @property
    def decisive(self) -> Phase:
        """The phase that says what the change came to; without a change the server as it was before any."""
        return Phase.BASELINE if self.mitigation == NO_CHANGE else Phase.APPLIED

    @property
    def fell(self) -> bool:
        """The server did not survive the probes, in some phase."""
        return self.exposure == SURVIVES and self.ever(Hole.OPEN)

    def state(self, phase: Phase) -> Hole | None:
        """What was seen in a phase; None where it was not probed."""
        seen = self.phases.get(phase)
        return None if seen is None else seen.state

    @property
    def stayed_open(self) -> bool:
        """It was not open before the change, and is after the rollback."""
        before = self.state(Phase.BASELINE) in (Hole.CLOSED, Hole.NOT_EXPOSED)
        return before and self.state(Phase.ROLLED_BACK) is Hole.OPEN

    def ever(self, state: Hole) -> bool:
        """Whether this was seen in any phase."""
        return any(seen.state is state for seen in self.phases.values())
