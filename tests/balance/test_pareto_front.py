"""The Pareto front: nobody on it is beaten, everybody else is, whatever the order."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

import pytest
from balance_example import run
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.balance.pareto_front import Standing, better, cheapest, standings, tables
from harness.balance.weigh import SAFE, Balance
from harness.model import CellId, Effect, Hole

TASKS = [("xp", "open"), ("seven", "open"), ("ten", "open"), ("ten", "browse")]


@st.composite
def made(draw: st.DrawFn, name: str) -> Balance:
    """Any balance of a server with three holes and four tasks."""
    states = {hole: draw(st.sampled_from(Hole)) for hole in draw(st.sets(st.sampled_from("xyz")))}
    cells = [CellId(name, "s", *task) for task in TASKS]
    fates = [draw(st.sampled_from("klu")) for _ in cells]

    def those(fate: str) -> tuple[CellId, ...]:
        return tuple(cell for cell, its in zip(cells, fates, strict=True) if its == fate)

    return Balance(
        name,
        "s",
        states,
        tuple(hole for hole, state in states.items() if state in SAFE),
        (),
        (),
        (),
        those("k"),
        those("l"),
        (),
        those("u"),
        judged=True,
        rolled_back=True,
    )


@st.composite
def many(draw: st.DrawFn) -> list[Balance]:
    names = draw(
        st.lists(st.sampled_from(["a", "b", "c", "a+b", "a+c", "b+c", "a+b+c", "none"]), unique=True)
    )
    return [draw(made(name)) for name in names]


def unordered(found: Sequence[Standing]) -> dict[str, set[str]]:
    return {one.balance.mitigation: set(one.beaten_by) for one in found}


@given(candidates=many(), seed=st.integers(0, 99))
@settings(max_examples=150, deadline=None)
def test_the_front(candidates: list[Balance], seed: int) -> None:
    found = standings(candidates)
    front = [one.balance for one in found if one.on_front]
    assert bool(front) is bool(candidates)
    for one in front:
        assert not any(better(other, one) for other in candidates)
    for standing in found:
        by_name = {one.mitigation: one for one in front}
        # Beaten by members of the front, and by each that is better.
        assert all(better(by_name[name], standing.balance) for name in standing.beaten_by)
    shuffled = list(candidates)
    Random(seed).shuffle(shuffled)
    assert unordered(standings(shuffled)) == unordered(found)


@given(three=st.tuples(made("a"), made("b"), made("c+d")))
@settings(max_examples=300, deadline=None)
def test_better_is_a_strict_partial_order(three: tuple[Balance, Balance, Balance]) -> None:
    one, two, three_ = three
    assert not better(one, one)
    assert not (better(one, two) and better(two, one))
    if better(one, two) and better(two, three_):
        assert better(one, three_)


@given(candidates=many(), hole=st.sampled_from("xyz"))
@settings(max_examples=100, deadline=None)
def test_the_cheapest_closes_the_hole_and_nothing_that_closes_it_is_cheaper(
    candidates: list[Balance], hole: str
) -> None:
    found = cheapest(hole, candidates)
    closing = {one.mitigation: one for one in candidates if hole in one.closed and one.mitigation != "none"}
    assert bool(found.mitigations) is bool(closing)
    price = min((len(way.lost) + len(way.unknown) for way in found.ways), default=0)
    for name in found.mitigations:
        assert len(closing[name].lost) + len(closing[name].unknown) == price
    assert all(len(one.lost) + len(one.unknown) >= price for one in closing.values())


def best(cells: dict[str, Effect], holes: dict[str, str]) -> dict[str, tuple[str, ...]]:
    (table,) = tables(run(cells, holes))
    return {one.balance.mitigation: one.beaten_by for one in table.standings}


def test_the_same_for_less_and_more_for_the_same() -> None:
    kept, lost = Effect.KEPT, Effect.LOST
    assert best(
        {
            "a:s:xp:open": lost,
            "a:s:ten:open": lost,
            "b:s:xp:open": lost,
            "b:s:ten:open": kept,
            "c:s:xp:open": lost,
            "c:s:ten:open": kept,
        },
        {"a:s:x": "oc", "a:s:y": "oo", "b:s:x": "oc", "b:s:y": "oo", "c:s:x": "oc", "c:s:y": "oc"},
    ) == {"none": (), "a": ("c",), "b": ("c",), "c": ()}


def test_what_closes_nothing_and_costs_somebody_is_beaten_by_leaving_all_as_it_is() -> None:
    found = best({"a:s:xp:open": Effect.LOST}, {"a:s:x": "oo"})
    assert found == {"none": (), "a": ("none",)}


def test_what_closes_nothing_and_costs_nobody_is_beaten_by_doing_less() -> None:
    assert best({"a:s:xp:open": Effect.KEPT}, {"a:s:x": "oo"}) == {"none": (), "a": ("none",)}


def test_a_part_that_adds_nothing_is_beaten_by_the_combination_without_it() -> None:
    cells = {f"{change}:s:xp:open": Effect.KEPT for change in ("a", "b", "a+b")}
    holes = {"a:s:x": "oc", "b:s:x": "oo", "a+b:s:x": "oc"}
    assert best(cells, holes) == {"none": ("a",), "a": (), "b": ("a",), "a+b": ("a",)}


def test_what_is_unknown_is_not_closed() -> None:
    cells = {f"{change}:s:xp:open": Effect.LOST for change in ("a", "b")}
    assert best(cells, {"a:s:x": "oc", "b:s:x": "o?"}) == {"none": (), "a": (), "b": ("a",)}


def test_a_fault_is_not_a_client_that_was_kept() -> None:
    cells = {
        "a:s:xp:open": Effect.LOST,
        "a:s:ten:open": Effect.KEPT,
        "b:s:xp:open": Effect.FAULT,
        "b:s:ten:open": Effect.KEPT,
    }
    assert best(cells, {"a:s:x": "oc", "b:s:x": "oc"}) == {"none": (), "a": (), "b": ()}


def test_what_did_not_take_effect_is_no_candidate() -> None:
    cells = {"a:s:xp:open": Effect.LOST, "b:s:xp:open": Effect.FAULT}
    (table,) = tables(run(cells, {"a:s:x": "oc", "b:s:x": "o?"}))
    assert [one.balance.mitigation for one in table.standings] == ["none", "a"]
    assert [one.mitigation for one in table.not_judged] == ["b"]


def test_the_cheapest_way_to_close_each_hole_that_was_open() -> None:
    cells = {"a:s:xp:open": Effect.LOST, "b:s:xp:open": Effect.KEPT, "a+b:s:xp:open": Effect.LOST}
    holes = {
        "a:s:x": "oc",
        "a:s:y": "oc",
        "a:s:z": "oo",
        "b:s:x": "oc",
        "b:s:y": "oo",
        "b:s:z": "oo",
        "a+b:s:x": "oc",
        "a+b:s:y": "oc",
        "a+b:s:z": "oo",
    }
    (table,) = tables(run(cells, holes))
    assert [(one.exposure, one.mitigations) for one in table.cheapest] == [
        ("x", ("b",)),
        ("y", ("a",)),
        ("z", ()),
    ]


@pytest.mark.parametrize(("weights", "winner"), [({"xp": 1, "ten": 5}, "a"), ({"xp": 5, "ten": 1}, "b")])
def test_counts_of_clients_decide_where_they_are_known(weights: dict[str, float], winner: str) -> None:
    cells = {
        "a:s:xp:open": Effect.LOST,
        "a:s:ten:open": Effect.KEPT,
        "b:s:xp:open": Effect.KEPT,
        "b:s:ten:open": Effect.LOST,
    }
    (table,) = tables(run(cells, {"a:s:x": "oc", "b:s:x": "oc"}), weights)
    assert [one.balance.mitigation for one in table.standings if one.on_front] == ["none", winner]
    assert table.cheapest[0].mitigations == (winner,)
