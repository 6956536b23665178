"""What ``--failed-only`` measures again: whatever made the run's exit status another than 0."""

from __future__ import annotations

from pathlib import Path

import pytest
from known import CATALOGUE

from harness.errors import UsageError
from harness.model import Attempt, Hole, Outcome, Phase, Sighting
from harness.planning import planner
from harness.planning.plan import MustClose, Plan
from harness.record import readback
from harness.record.journal import Recorded
from harness.record.judging import not_as_expected
from harness.record.sharing import Sharing
from harness.result import SURVIVES
from harness.verbs.ending import FAULT, OK, UNEXPECTED, exit_status

CHANGE, SERVER = "smb1-server-off", "samba-4.22-smb1"
GOAL = MustClose(CHANGE, SERVER, "smb1-spoken", "us")
PLAN = Plan(
    "p",
    planner.from_selectors(CATALOGUE, [f"{CHANGE},signing-required:{SERVER}:windows-7:open"]).rows,
    {},
    probes=True,
    closes=(GOAL,),
)


def recorded(**applied: Hole) -> Recorded:
    """Every cell is kept; what the probes saw under the change is as given."""
    kept = Sharing().of(dict.fromkeys(Phase, Attempt(Outcome.OK)))
    seen = {name.replace("_", "-"): Sighting(state, "seen") for name, state in applied.items()}
    return Recorded(
        Path("run"),
        PLAN,
        attempts=dict.fromkeys(PLAN.cells, kept),
        probed={(CHANGE, SERVER): {Phase.APPLIED: seen}},
    )


@pytest.mark.parametrize(
    ("run", "status"),
    [
        (recorded(smb1_spoken=Hole.OPEN), UNEXPECTED),
        (recorded(smb1_spoken=Hole.UNKNOWN), FAULT),
        (recorded(smb1_spoken=Hole.CLOSED, **{SURVIVES: Hole.OPEN}), FAULT),
    ],
)
def test_a_hole_that_is_left_open_is_measured_again(run: Recorded, status: int) -> None:
    assert exit_status(readback.result_of(CATALOGUE, run)) == status
    assert [cell.mitigation for cell in not_as_expected(CATALOGUE, run)] == [CHANGE]


def test_all_as_expected() -> None:
    run = recorded(smb1_spoken=Hole.CLOSED, **{SURVIVES: Hole.CLOSED})
    assert exit_status(readback.result_of(CATALOGUE, run)) == OK
    with pytest.raises(UsageError, match="everything in run is as expected"):
        not_as_expected(CATALOGUE, run)
