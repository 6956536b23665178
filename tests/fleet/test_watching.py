"""A later sample against a fleet: what a plan of before did not reckon with is bad news, and told first."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from known import CATALOGUE
from sightings import gathered, sighting

from harness.errors import UsageError
from harness.fleet import planned
from harness.fleet.placing import Placing
from harness.fleet.sighting import Logon, Sighting
from harness.fleet.watching import Change, News, compared
from harness.model import Dialect
from harness.report.documents.rollout_parts import RolloutFleetPart, RolloutGroupPart
from harness.result import MachineGroup

NT1, V202, V21, V30, V302, V311 = Dialect
PLACING = Placing(CATALOGUE.clients)
BEFORE = (
    sighting("10.0.0.1", "alpha", dialect=V311, logon=Logon.NTLMV2),
    sighting("10.0.0.2", dialect=V21),
    sighting("10.0.0.3", dialect=NT1, logon=Logon.NTLMV1),
)


def news(*now: Sighting) -> tuple[Change, ...]:
    return compared(gathered(*BEFORE, source="old"), gathered(*now, source="new"), PLACING, "office")


def test_the_same_again_is_no_news() -> None:
    assert news(*BEFORE) == ()


def test_who_is_new_and_who_is_not_seen_any_more() -> None:
    found = news(
        sighting("10.0.0.1", dialect=V311),
        sighting("10.0.0.4", dialect=NT1),
        sighting("10.0.0.5", dialect=V302, offered=(V202, V21, V30, V302)),
        sighting("10.0.0.6", "beta", dialect=V311),
    )
    assert [(one.news, one.placed.machine.name) for one in found] == [
        (News.NEW_SMB1, "10.0.0.4"),
        (News.NEW_KIND, "10.0.0.5"),
        (News.NEW, "beta"),
        (News.GONE, "10.0.0.2"),
        (News.GONE, "10.0.0.3"),
    ]
    assert [one.news.bad for one in found] == [True, True, False, False, False]
    assert found[-1].text == "last seen 2026-11-20"


def test_one_of_the_kinds_that_others_may_be_is_no_new_kind() -> None:
    (one, *_) = news(*BEFORE, sighting("10.0.0.9", dialect=V311, said="Windows 10 Pro 22H2"))
    assert (one.news, one.placed.personas) == (News.NEW, ("windows-10-22h2",))
    (one, *_) = news(*BEFORE, sighting("10.0.0.9", said="iPhone"))
    assert (one.news, one.placed.personas) == (News.NEW_KIND, ())


def test_who_changed() -> None:
    found = news(
        sighting("10.0.0.1", dialect=V21, logon=Logon.GUEST),
        sighting("10.0.0.2", dialect=V21, cannot_sign=True),
        sighting("10.0.0.3", dialect=V311, logon=Logon.NTLMV2),
    )
    assert [(one.news, one.placed.machine.name, one.text) for one in found] == [
        (News.WORSE, "10.0.0.2", "cannot sign"),
        (News.WORSE, "alpha", "SMB 3.1.1 before, SMB 2.1 now; guest now"),
        (News.BETTER, "10.0.0.3", "SMB1 before, SMB 3.1.1 now; no NTLMv1 any more"),
    ]


def test_smb1_beside_what_it_spoke_already_is_worse() -> None:
    (one,) = news(*BEFORE, sighting("10.0.0.1", dialect=NT1))
    assert (one.news, one.text) == (News.WORSE, "SMB1 now, too")


def test_of_whom_there_are_more_than_a_plan_reckons_with(tmp_path: Path) -> None:
    plan = tmp_path / "plan.json"
    groups = (
        RolloutGroupPart(clients=("windows-7",), machines=2, sure=True),
        RolloutGroupPart(clients=("windows-xp", "office-scanner", "media-player"), machines=3, sure=False),
    )
    fleet = RolloutFleetPart(name="office", machines=5, last_seen="", groups=groups)
    plan.write_text(json.dumps({"schema": 1, "fleet": fleet.model_dump(mode="json")}))
    before = planned.read(plan)
    same = MachineGroup(("media-player", "office-scanner", "windows-xp"), 2, dialect="NT LM 0.12")
    known = MachineGroup(("office-scanner",), 1, sure=True)
    assert planned.more(before, [MachineGroup(("windows-7",), 2), same, known]) == ()
    now = [
        MachineGroup(("windows-7",), 3),
        replace(same, count=5),
        MachineGroup((), 1),
        MachineGroup(("macos-13",), 1, sure=True),
    ]
    assert [(one.group.clients, one.group.count, one.planned) for one in planned.more(before, now)] == [
        (same.clients, 2, 3),
        (("windows-7",), 1, 2),
        ((), 1, 0),
        (("macos-13",), 1, 0),
    ]


@pytest.mark.parametrize("text", ["{}", "[", '{"fleet": {"name": "", "groups": []}}'])
def test_what_is_no_plan_of_a_fleet_is_one_line(tmp_path: Path, text: str) -> None:
    (tmp_path / "plan.json").write_text(text)
    with pytest.raises(UsageError, match=r"is no rollout plan|without a fleet"):
        planned.read(tmp_path / "plan.json")
