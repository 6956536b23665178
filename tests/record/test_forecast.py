"""How long a run will take is told by what recorded runs took, and by what that was."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from known import CATALOGUE

from harness.model import Tier
from harness.planning import plan, planner, scenario
from harness.record import journal
from harness.record.ahead import Ahead
from harness.record.costs import Costs, work_of
from harness.record.entries import Begun, Ended
from harness.record.forecast import Forecast, forecast, foretold, in_words, run_of
from harness.report.language import DEFAULT, language
from harness.report.planned import foreseen
from harness.result.spent import Kind, Spent, TimeSpent

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
    larger = planner.from_selectors(CATALOGUE, ["smb3-only:samba-4.*:windows-7:open"])
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


def test_what_may_be_tried_to_tell_which_part_it_is_takes_longer_at_the_most() -> None:
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
        foretold(CATALOGUE, planner.from_selectors(CATALOGUE, [f"{name}{where}"]), [], lambda: 1.0)
        for name in (BOTH, "smb3-only")
    )
    assert two.least == one.least
    assert two.most > one.most


@pytest.mark.parametrize(("seconds", "said"), [(1, "5 s"), (62, "60 s"), (200, "3 min"), (7200, "2.0 h")])
def test_a_time_is_told_as_exactly_as_it_is_known(seconds: float, said: str) -> None:
    assert in_words(seconds) == said


def test_a_run_tells_how_long_another_takes() -> None:
    """What its clients took, for what other cells ask of them; and as much longer as it took itself."""
    every = planner.from_selectors(CATALOGUE, ["*:samba-4.22:*:*"])
    few = planner.from_selectors(CATALOGUE, ["*:samba-4.22:windows-7,rclone:*"])
    work = work_of(CATALOGUE, every)
    here = Costs(3, 2.5, {"rclone": 1.0, "windows-7": 0.04}, probes=0.5)
    spent = TimeSpent(
        workers=3,
        kinds={Kind.PROBES: Spent(0.5, 0.5, 1)},
        clients={
            name: Spent(lasted=here.attempt(name, CATALOGUE.clients[name]) * 10, times=10)
            for name in work.attempts
        },
    )
    took = here.seconds(CATALOGUE, work)
    known = [run_of(CATALOGUE, every, took, spent)]
    expected = here.seconds(CATALOGUE, work_of(CATALOGUE, few))
    found = foretold(CATALOGUE, few, known, lambda: 1.0)
    assert found.runs == 1
    assert expected / 1.5 < found.least <= found.most < expected * 1.5
    twice = foretold(CATALOGUE, few, [run_of(CATALOGUE, every, took * 2, spent)], lambda: 1.0)
    assert 1.5 < twice.least / found.least < 2.1
    cheap = planner.from_selectors(CATALOGUE, ["*:samba-4.22:windows-7:*"])
    dear = planner.from_selectors(CATALOGUE, ["*:samba-4.22:rclone:*"])
    one, other = (foretold(CATALOGUE, made, known, lambda: 1.0).least for made in (cheap, dear))
    assert other > 3 * one, "an attempt of this client takes 25 times as long"


def test_what_was_measured_elsewhere_comes_out() -> None:
    """152 cells on four servers and 4,464 on one, as they were on an idle machine of two cores."""
    article = planner.from_scripts(CATALOGUE, "article", [scenario.find(CATALOGUE, "article")], probes=True)
    large = planner.from_selectors(CATALOGUE, ["*:samba-4.17:*:*"], probes=True)
    for made, seconds, attempts, rounds in ((article, 7.0, 345, 28), (large, 166.5, 8278, 51)):
        work = work_of(CATALOGUE, made)
        assert work.rounds == rounds
        assert sum(work.attempts.values()) == pytest.approx(attempts, rel=0.05)
        assert Costs(3).seconds(CATALOGUE, work) == pytest.approx(seconds, rel=0.25)


def test_what_is_left_does_not_jump() -> None:
    """A run that takes twice as long as foreseen, attempt by attempt: what is told goes there bit by bit."""
    made = planner.from_selectors(CATALOGUE, ["*:samba-4.22:windows-*:open"], probes=True)
    work = work_of(CATALOGUE, made)
    seen = Ahead(CATALOGUE, work, Costs(3))
    whole = 2 * seen.total
    told = []
    for step in range(101):
        clients = {name: Spent(times=round(many * step / 100)) for name, many in work.attempts.items()}
        looked = {Kind.PROBES: Spent(times=round(work.rounds * step / 100))}
        told.append(seen.left(TimeSpent(whole * step / 100, 3, kinds=looked, clients=clients)))
    assert told[0] == pytest.approx(seen.total)
    assert told[-1] == 0
    assert all(abs(after - before) < 0.1 * whole for before, after in pairwise(told))
    late = list(enumerate(told))[50:]
    assert all(left == pytest.approx(whole * (1 - at / 100), rel=0.2, abs=whole / 20) for at, left in late)
