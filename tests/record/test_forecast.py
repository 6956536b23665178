"""How long a run will take is told by what recorded runs took, and by what that was."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from known import CATALOGUE

from harness.model import Tier
from harness.planning import plan, planner
from harness.record import journal
from harness.record.entries import Begun, Ended
from harness.record.forecast import Forecast, forecast, in_words
from harness.report.language import DEFAULT, language
from harness.report.planned import foreseen

PLAN = planner.from_selectors(CATALOGUE, ["smb3-only:samba-4.22:windows-7:open"])
SMALL = planner.from_selectors(CATALOGUE, ["none:samba-4.22:windows-7:open"])
BOTH = "smb3-only+ntlmv2-only"
START = datetime(2026, 11, 29, 3, 18, tzinfo=UTC)


def told(one: Forecast) -> str:
    return foreseen(one, language(DEFAULT))


def recorded(home: Path, name: str, made: plan.Plan, *times: float, whole: bool = True) -> None:
    """A run that was measured in so many stretches of so many seconds; a negative one was killed."""
    with journal.create(home / name, made) as book:
        for seconds in times:
            book.add(Begun("local", "0", START))
            if seconds >= 0:
                book.add(Ended(START + timedelta(seconds=seconds), whole))


def test_recorded_runs_tell_and_it_is_said_how_many(tmp_path: Path) -> None:
    assert "no whole run of that size is recorded here yet" in told(forecast(CATALOGUE, PLAN, tmp_path))
    recorded(tmp_path, "1", PLAN, 60)
    assert told(forecast(CATALOGUE, PLAN, tmp_path)) == "about 60 s, by the last run recorded here"
    recorded(tmp_path, "2", PLAN, 90)
    assert told(forecast(CATALOGUE, PLAN, tmp_path)) == "about 60 s to 90 s, by the last 2 runs recorded here"
    larger = planner.from_selectors(CATALOGUE, ["smb3-only:samba-4.22,samba-4.17:windows-7:open"])
    assert forecast(CATALOGUE, larger, tmp_path).least > forecast(CATALOGUE, PLAN, tmp_path).least
    for number in range(3, 8):
        recorded(tmp_path, str(number), PLAN, 30)
    assert told(forecast(CATALOGUE, PLAN, tmp_path)) == "about 30 s, by the last 5 runs recorded here"


def test_a_small_run_says_nothing_of_a_large_one(tmp_path: Path) -> None:
    """Two servers that took a minute and a half on a busy machine are no reason to predict 41 hours."""
    recorded(tmp_path, "small", SMALL, 90)
    assert "by the last run" in told(forecast(CATALOGUE, PLAN, tmp_path))
    large = planner.from_selectors(CATALOGUE, ["smb3-only:*:windows-*:*"])
    assert "no whole run of that size" in told(forecast(CATALOGUE, large, tmp_path))


def test_only_whole_runs_in_the_same_kind_of_lab_tell(tmp_path: Path) -> None:
    recorded(tmp_path, "killed", PLAN, -1)
    recorded(tmp_path, "stopped", PLAN, 600, whole=False)
    recorded(tmp_path, "gone-on", PLAN, -1, 600)
    assert "no whole run" in told(forecast(CATALOGUE, PLAN, tmp_path))
    recorded(tmp_path, "whole", SMALL, 60)
    assert "by the last run" in told(forecast(CATALOGUE, PLAN, tmp_path))
    machines = planner.from_selectors(CATALOGUE, ["smb3-only:samba-4.22:windows-7:open"], Tier.VAGRANT)
    assert told(forecast(CATALOGUE, machines, tmp_path)).startswith(
        "time not predicted: no whole run in virtual machines"
    )


def test_what_may_be_tried_to_tell_which_part_it_is_takes_longer_at_the_most(tmp_path: Path) -> None:
    def more(*selectors: str, lab: Tier = Tier.LOCAL) -> int:
        return planner.from_selectors(CATALOGUE, selectors, lab).part_trials(CATALOGUE)

    where = ":samba-4.22:windows-7:open,browse"
    assert more(f"smb3-only,ntlmv2-only{where}") == 0
    assert more(f"{BOTH}{where}") == 2
    assert more(f"{BOTH}{where}", lab=Tier.VAGRANT) == 0
    assert more(f"{BOTH},ntlmv2-only{where}") == 1, "the other is rehearsed anyhow"
    assert more(f"{BOTH}+guest-off{where}") == 6
    assert more("guest-off+ntlmv2-only:consumer-nas:windows-7:open") == 0, "one part is left"
    two, one = (
        forecast(CATALOGUE, planner.from_selectors(CATALOGUE, [f"{name}{where}"]), tmp_path)
        for name in (BOTH, "smb3-only")
    )
    assert two.least == one.least
    assert two.most > one.most


@pytest.mark.parametrize(("seconds", "said"), [(1, "5 s"), (62, "60 s"), (200, "3 min"), (7200, "2.0 h")])
def test_a_time_is_told_as_exactly_as_it_is_known(seconds: float, said: str) -> None:
    assert in_words(seconds) == said
