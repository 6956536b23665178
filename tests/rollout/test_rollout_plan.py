"""The plan of an office: what is free today, what needs machines fixed, what is last, and what cannot be."""

from __future__ import annotations

from dataclasses import replace

import pytest
from balance_example import cell, hole, run
from rollout_office import FLEET, KIN, office

from harness.balance.machines import Fate
from harness.errors import UsageError
from harness.model import Effect
from harness.result import ServerFact
from harness.rollout import homes
from harness.rollout.crowd import each_kind_once
from harness.rollout.homes import as_one, measured_as
from harness.rollout.plan import Rollout, make
from harness.rollout.remedies import Help, Remedy
from harness.rollout.states import Unfit
from harness.rollout.wishes import Due, UnmetError, Wishes
from harness.servers import roles

FILES, PIPES = "samba-4.22-smb1", "nt-pipe-support-off"


def planned(wishes: Wishes | None = None) -> Rollout:
    return make(office(), FLEET, wishes or Wishes(), KIN)


def order(plan: Rollout, server: str = FILES) -> list[str]:
    now, found = "none", []
    for stage in plan.stages:
        now = next((step.after for step in stage.steps if step.server == server), now)
        found.append(now)
    return found


def test_first_what_costs_nobody_then_the_grave_then_the_rest() -> None:
    plan = planned()
    assert order(plan) == [PIPES, "ntlmv2-only+smb1-server-off", "ntlmv2-only+smb3-only"]
    assert order(plan, "consumer-nas") == ["none", "none", "none"], "its one change closes nothing"
    today, fixed, last = plan.stages
    assert (plan.count(today, Fate.LOST, Fate.PERHAPS, Fate.NOT_KNOWN), today.hurt) == (0, ())
    assert [plan.fleet.groups[at].clients for at in fixed.hurt] == [
        ("office-scanner",),
        ("windows-10-ntlmv1",),
        ("office-scanner", "windows-7"),
    ]
    assert (plan.count(fixed, Fate.LOST), plan.count(fixed, Fate.PERHAPS)) == (5, 1)
    assert (plan.count(last, Fate.LOST), plan.count(last, Fate.PERHAPS)) == (25, 0)
    assert plan.count(last, Fate.NOT_REHEARSED) == 5, "no kept machine is made of what nobody asked"
    (step,) = last.steps
    assert [str(one) for one in step.lost] == ["ntlmv2-only+smb3-only:samba-4.22-smb1:windows-7:write"]
    assert last.open == {FILES: (), "consumer-nas": ("smb1-spoken",)}


def test_what_helps_is_what_was_measured_to_keep_everything() -> None:
    plan = planned()
    assert plan.stages[1].remedies == (
        Remedy(FILES, "office-scanner", Help.REPLACEMENT, ("windows-10-22h2", "windows-7")),
        Remedy(FILES, "windows-10-ntlmv1", Help.SETTING, ("windows-10-22h2",)),
    )
    assert plan.stages[2].remedies == (Remedy(FILES, "windows-7", Help.UPDATE, ("windows-10-22h2",)),)
    assert plan.legacy is not None
    assert (plan.legacy.server, plan.legacy.planned, plan.legacy.without) == (FILES, True, ())


def test_a_legacy_server_is_left_alone_and_takes_those_that_work_there() -> None:
    plan = planned(Wishes(legacy="consumer-nas"))
    assert [one.server for one in plan.searched] == [FILES]
    (scanner, _), (seven,) = plan.stages[1].remedies, plan.stages[2].remedies
    assert scanner.how is Help.REPLACEMENT, "the scanner does not get into the disk"
    assert seven.how is Help.UPDATE, "what is updated needs no server of its own"
    assert plan.legacy is not None
    assert (plan.legacy.server, plan.legacy.clients) == ("consumer-nas", ("windows-7",))
    assert plan.legacy.without == ("office-scanner", "windows-10-ntlmv1")
    with pytest.raises(UsageError, match="no change that a plan could be made of"):
        planned(Wishes(legacy=FILES, servers=("elsewhere",)))


def test_nothing_is_lost_that_must_not_be() -> None:
    plan = planned(Wishes(never_lose=("windows-10-ntlmv1",)))
    assert order(plan) == [
        PIPES,
        f"{PIPES}+smb1-server-off",
        f"{PIPES}+smb1-server-off",
    ]
    assert plan.stages[2].open[FILES] == ("ntlmv1-accepted", "smb2-spoken")


def test_what_is_demanded_early_is_closed_early() -> None:
    plan = planned(Wishes(close=(Due("ntlmv1-accepted", 1),)))
    assert order(plan)[0] == "ntlmv2-only+smb1-server-off", "as many machines as ntlmv2-only, and closes more"
    assert order(planned(Wishes(stages=1))) == ["ntlmv2-only+smb3-only"]
    assert order(planned(Wishes(stages=2))) == [PIPES, "ntlmv2-only+smb3-only"]


@pytest.mark.parametrize(
    ("wishes", "says"),
    [
        (
            Wishes(never_lose=("windows-7",), close=(Due("smb2-spoken", 3),)),
            "--close smb2-spoken:3 with --never-lose windows-7 cannot be met: on samba-4.22-smb1 the one "
            "change that is measured to close it loses, or may lose, it: "
            "ntlmv2-only+smb3-only:samba-4.22-smb1:windows-7:write",
        ),
        (
            Wishes(close=(Due("smb1-spoken", 2),)),
            "--close smb1-spoken:2 cannot be met: nothing closes it on consumer-nas: the one change measured "
            "there leaves it open, or does not show it shut",
        ),
        (
            Wishes(close=(Due("ms17-010", 2),)),
            "--close ms17-010:2 cannot be met: ms17-010 was looked for on no server of this plan; "
            "rehearse list exposures",
        ),
        (
            Wishes(never_lose=("windows-xp",)),
            "--never-lose windows-xp cannot be met: it was not rehearsed in a-run, so that nobody knows what "
            "it loses; measure it: rehearse run CHANGES:SERVERS:windows-xp",
        ),
        (
            Wishes(close=(Due("ntlmv1-accepted", 1), Due("smb2-spoken", 2)), never_lose=("windows-7",)),
            "--close smb2-spoken:2 with --never-lose windows-7 cannot be met: on samba-4.22-smb1",
        ),
    ],
)
def test_why_a_demand_cannot_be_met(wishes: Wishes, says: str) -> None:
    with pytest.raises(UnmetError) as told:
        planned(wishes)
    assert str(told.value).startswith(says)
    assert told.value.exit_status == 1


def test_two_demands_that_no_state_keeps_together() -> None:
    wishes = Wishes(
        close=(Due("unauthenticated-pipes", 1), Due("ntlmv1-accepted", 1)),
        servers=(FILES,),
        never_lose=(),
    )
    apart = replace(
        office(),
        cells=tuple(one for one in office().cells if one.cell.mitigation in (PIPES, "ntlmv2-only")),
        exposures=tuple(one for one in office().exposures if one.mitigation in (PIPES, "ntlmv2-only")),
    )
    with pytest.raises(
        UnmetError, match=r"--close unauthenticated-pipes:1 and --close ntlmv1-accepted:1 cannot be met"
    ):
        make(apart, FLEET, wishes, KIN)


def test_what_nobody_could_tell_is_neither_kept_nor_closed() -> None:
    """A fault, and a hole that no probe could tell, count as the worst."""
    found = office()
    cells = [one for one in found.cells if one.cell.mitigation != PIPES]
    cells += [cell(f"{PIPES}:{FILES}:{name}:write", Effect.FAULT) for name in ("windows-7", "office-scanner")]
    cells += [cell(f"{PIPES}:{FILES}:windows-10-22h2:write", Effect.KEPT)]
    unsure = replace(found, cells=tuple(cells))
    assert order(make(unsure, FLEET, Wishes(), KIN))[0] == "none"
    holes = [
        one for one in found.exposures if (one.mitigation, one.exposure) != (PIPES, "unauthenticated-pipes")
    ]
    blind = replace(found, exposures=(*holes, hole(f"{PIPES}:{FILES}:unauthenticated-pipes", "o?o")))
    assert order(make(blind, FLEET, Wishes(), KIN))[0] == "none"


def test_a_stopped_server_and_what_did_not_come_back_are_no_states() -> None:
    found = office()
    extra = [cell("server-stopped:samba-4.22-smb1:windows-7:write", Effect.LOST)]
    stuck = [replace(one, restored=False) if one.cell.mitigation == PIPES else one for one in found.cells]
    plan = make(replace(found, cells=(*stuck, *extra)), FLEET, Wishes(), KIN)
    (files, _) = plan.searched
    assert files.refused == {"server-stopped": Unfit.OUTAGE, PIPES: Unfit.NOT_BACK}
    assert PIPES not in order(plan)


def test_a_run_without_holes_is_no_ground_for_a_plan() -> None:
    with pytest.raises(UsageError, match="has looked for no hole"):
        make(replace(office(), exposures=()), FLEET, Wishes(), KIN)


def test_without_a_fleet_each_kind_counts_once() -> None:
    fleet = each_kind_once(office())
    plan = make(office(), fleet, Wishes(), KIN)
    assert (fleet.name, fleet.size) == ("", 4)
    assert plan.count(plan.stages[2], Fate.LOST) == 3


def test_what_becomes_of_each_client_stage_by_stage() -> None:
    """Also of those that no machine is: what comes later can be held against the plan."""
    first, second, last = (stage.clients for stage in planned().stages)
    assert (first["windows-7"], second["windows-7"], last["windows-7"]) == (Fate.KEPT, Fate.KEPT, Fate.LOST)
    assert second["office-scanner"] is Fate.LOST
    assert first["windows-10-ntlmv1"] is Fate.NOT_REHEARSED, "nobody asked it on the network disk"


def test_the_shares_of_one_configuration_are_one_server() -> None:
    """One file cannot be in two states: what a share loses or leaves open is so of the whole."""
    cells = {
        f"{change}:office@{share}:{client}:open": effect
        for change, share, client, effect in (
            ("a", "docs", "seven", Effect.KEPT),
            ("a", "docs@guest", "seven", Effect.LOST),
            ("b", "docs", "seven", Effect.KEPT),
            ("b", "docs@guest", "seven", Effect.KEPT),
        )
    }
    holes = {
        "a:office@docs:x": "oco",
        "a:office@docs@guest:x": "oco",
        "b:office@docs:x": "oco",
        "b:office@docs@guest:x": "ooo",
    }
    result = as_one(run(cells, holes))
    plan = make(result, each_kind_once(result), Wishes(), KIN)
    assert [one.server for one in plan.searched] == ["office"]
    assert order(plan, "office") == ["none", "none", "a"], "b leaves x open on one share, a loses a guest"
    (lost,) = plan.stages[2].steps[0].lost
    assert str(measured_as(lost)) == "a:office@docs@guest:seven:open"
    assert as_one(office()) == office()


def test_what_a_share_is_called_is_not_what_its_server_is_called() -> None:
    made = run({"a:office@share-1:seven:open": Effect.KEPT, "a:office@docs:seven:open": Effect.KEPT}, {})
    fact = ServerFact("office@share-1", "", "Samba", "real", called="office@[経理]")
    servers = as_one(replace(made, servers={"office@share-1": fact})).servers
    assert (servers["office"].called, servers["office@share-1"].called) == ("", "office@[経理]")
    assert homes.MARK == roles.MARK
