"""What counts as known of a part of a combination, when a run is gone on with."""

from __future__ import annotations

from pathlib import Path

import pytest
from known import CATALOGUE

from harness.conduct.ledger import RunLedger
from harness.model import Attempt, CellId, Outcome, Phase
from harness.planning import planner
from harness.record import journal
from harness.record.entries import Attempted
from harness.report.page import console_for
from harness.report.progress import Progress

PARTS = "smb3-only:samba-4.22:windows-7:open"
"""A cell of a part, of which the run folder has an attempt."""


@pytest.mark.parametrize("again", [True, False], ids=["again", "as-it-is"])
def test_what_is_measured_again_is_not_known_before(tmp_path: Path, again: bool) -> None:
    """``--resume RUN --fresh`` does not rest on what the run reused: that may be just what was wrong."""
    part = CellId.parse(PARTS)
    plan = planner.from_selectors(CATALOGUE, ["smb3-only,smb3-only+ntlmv2-only:samba-4.22:windows-7:open"])
    with journal.create(tmp_path / "run", plan) as book, (tmp_path / "out").open("w") as out:
        made = Attempt(Outcome.OK)
        book.add(*(Attempted(part, phase, made, 0) for phase in Phase))
        recorded = journal.load(tmp_path / "run")
        ledger = RunLedger(CATALOGUE, recorded, book, Progress(console_for(out), quiet=True), lambda: False)
        ledger.measuring(plan.cells if again else plan.cells[1:])
        assert ledger.alone(part) == (None if again else made)
        now = Attempt(Outcome.REFUSED)
        ledger.remember(part, now)
        assert ledger.alone(part) == now
