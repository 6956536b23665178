"""One change on one server, weighed: unknown is never closed, and what was not measured is not kept."""

from __future__ import annotations

from dataclasses import replace

import pytest
from balance_example import cell, hole, run

from harness.balance.weigh import balances, untouched, weight
from harness.model import CellId, Effect, Hole, Phase
from harness.result import RunResult


def example() -> RunResult:
    return run(
        {
            "a:s:xp:open": Effect.LOST,
            "a:s:seven:open": Effect.KEPT,
            "a:s:seven:browse": Effect.LOST,
            "a:s:ten:open": Effect.KEPT,
            "a:s:old:open": Effect.NEVER,
            "a:s:new:open": Effect.GAINED,
            "b:s:xp:open": Effect.KEPT,
            "b:s:ten:open": Effect.FAULT,
        },
        {
            "a:s:smb1": "oco",
            "a:s:rap": "ono",
            "a:s:guest": "coc",
            "a:s:pipes": "ooo",
            "a:s:weak": "ccc",
            "a:s:ms17": "???",
            "a:s:lm": "?c?",
            "a:s:sign": "o?o",
            "b:s:smb1": "ooo",
        },
    )


def test_holes_are_told_apart_by_what_they_were_and_are() -> None:
    first, second = balances(example())
    assert first.closed == ("rap", "smb1")
    assert first.still_open == ("pipes",)
    assert first.opened == ("guest",)
    assert first.undecided == ("lm", "ms17", "sign")
    assert first.open_before == ("pipes", "rap", "smb1")
    assert (second.closed, second.still_open) == ((), ("smb1",))


def test_a_client_is_kept_only_with_all_that_it_could_do() -> None:
    first, second = balances(example())
    assert first.clients_lost == ("xp", "seven")
    assert first.clients_kept == ("ten",)
    assert [cell.client for cell in first.gained] == ["new"]
    assert second.clients_kept == ("xp",)


def test_what_was_not_measured_under_a_change_is_unknown_not_kept() -> None:
    _, second = balances(example())
    assert [f"{one.client}:{one.check}" for one in second.unknown] == [
        "seven:open",
        "seven:browse",
        "ten:open",
    ]
    assert {one.mitigation for one in second.unknown} == {"b"}


def test_what_never_worked_cannot_be_lost_so_it_is_not_unknown_either() -> None:
    assert not any(cell.client in ("old", "new") for one in balances(example()) for cell in one.unknown)


def test_a_change_under_which_all_is_a_fault_is_not_judged() -> None:
    (one,) = balances(run({"a:s:xp:open": Effect.FAULT}, {"a:s:smb1": "o?o"}))
    assert not one.judged
    assert balances(example())[1].judged


def test_no_change_has_no_balance_of_its_own_and_is_what_was_before() -> None:
    result = run({"none:s:xp:open": Effect.KEPT, "a:s:xp:open": Effect.LOST}, {"a:s:x": "oc", "a:s:y": "?c"})
    assert [one.mitigation for one in balances(result)] == ["a"]
    before = untouched(result, "s")
    assert before.still_open == ("x",)
    assert before.undecided == ("y",)
    assert before.kept == (CellId("none", "s", "xp", "open"),)
    assert (before.lost, before.closed, before.parts) == ((), (), ())


def test_where_probes_of_the_baseline_disagree_the_open_one_counts() -> None:
    for states in (("oc", "cc"), ("cc", "oc")):
        holes = {f"{change}:s:x": state for change, state in zip("ab", states, strict=True)}
        assert untouched(run({}, holes), "s").holes == {"x": Hole.OPEN}
    assert untouched(run({}, {"a:s:x": "nc"}), "s").holes == {"x": Hole.NOT_EXPOSED}


@pytest.mark.parametrize(
    ("states", "verdict"),
    [
        ("oco", True),
        ("occ", False),
        ("cnn", False),
        ("ooc", False),
        ("oc?", None),
        ("?co", True),
        ("oc", None),
    ],
)
def test_rolled_back_means_every_hole_as_before(states: str, verdict: bool | None) -> None:
    (one,) = balances(run({"a:s:xp:open": Effect.KEPT}, {"a:s:x": states}))
    assert one.rolled_back is verdict


def test_rolled_back_means_every_client_as_before_and_that_it_was_seen() -> None:
    kept = {"a:s:xp:open": Effect.KEPT}
    assert balances(run(kept, {}))[0].rolled_back is True
    assert balances(run(kept, {}, shown=False))[0].rolled_back is None
    result = run(kept, {})
    gone = replace(result, cells=(replace(cell("a:s:xp:open", Effect.KEPT), restored=False),))
    assert balances(gone)[0].rolled_back is False
    assert balances(run({**kept, "a:s:ten:open": Effect.FAULT}, {}))[0].rolled_back is None


def test_a_phase_that_was_not_probed_is_unknown() -> None:
    result = run({"a:s:xp:open": Effect.KEPT}, {})
    only_before = replace(
        hole("a:s:x", "o"), phases={Phase.BASELINE: hole("a:s:x", "o").phases[Phase.BASELINE]}
    )
    (one,) = balances(replace(result, exposures=(only_before,)))
    assert one.holes == {"x": Hole.UNKNOWN}
    assert one.undecided == ("x",)


def test_the_view_of_one_scenario_leaves_other_cells_out() -> None:
    own = {CellId.parse("a:s:ten:open")}
    (one,) = balances(example(), own)
    assert one.kept == tuple(own)
    assert one.lost == one.unknown == ()
    assert one.closed == ("rap", "smb1")


def test_losses_weigh_one_each_unless_counts_are_known() -> None:
    lost = balances(example())[0].lost
    assert weight(lost) == 2
    assert weight(lost, {"xp": 40, "seven": 0.5}) == 40.5
