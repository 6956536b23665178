"""Combinations against what their parts predict: surprises, and losses that have two reasons."""

from __future__ import annotations

from dataclasses import replace

import pytest
from balance_example import OK, refused, run
from hypothesis import given
from hypothesis import strategies as st

from harness.balance.surprise import Kind, Surprise, lost_twice, not_predictable, surprises
from harness.model import Effect, StepName
from harness.result import PartAlone, RunResult

WORKED = (Effect.KEPT, Effect.LOST)
NOT = (Effect.NEVER, Effect.GAINED)


def of_cell(one: Effect, two: Effect, both: Effect) -> tuple[Surprise, ...]:
    return surprises(run({"a:s:c:open": one, "b:s:c:open": two, "a+b:s:c:open": both}, {}))


def of_hole(one: str, two: str, both: str) -> tuple[Surprise, ...]:
    return surprises(run({}, {"a:s:x": one, "b:s:x": two, "a+b:s:x": both}))


@given(one=st.sampled_from(WORKED), two=st.sampled_from(WORKED), both=st.sampled_from(WORKED))
def test_the_union_of_losses_is_predicted(one: Effect, two: Effect, both: Effect) -> None:
    wanted = Effect.LOST if Effect.LOST in (one, two) else Effect.KEPT
    found = of_cell(one, two, both)
    assert bool(found) is (both is not wanted)
    for surprise in found:
        assert surprise.kind is (Kind.COSTS_LESS if both is Effect.KEPT else Kind.COSTS_MORE)
        assert (surprise.predicted, surprise.measured) == (wanted, both)


@given(one=st.sampled_from(NOT), two=st.sampled_from(NOT), both=st.sampled_from(NOT))
def test_what_did_not_work_before_works_when_a_part_makes_it_work(
    one: Effect, two: Effect, both: Effect
) -> None:
    wanted = Effect.GAINED if Effect.GAINED in (one, two) else Effect.NEVER
    assert bool(of_cell(one, two, both)) is (both is not wanted)


@given(before=st.sampled_from("ocn"), under=st.lists(st.sampled_from("ocn"), min_size=3, max_size=3))
def test_the_union_of_closings_and_openings_is_predicted(before: str, under: list[str]) -> None:
    one, two, both = (state == "o" for state in under)
    was = before == "o"
    wanted = (one and two) if was else (one or two)
    found = of_hole(*(before + state for state in under))
    assert bool(found) is (both is not wanted)
    for surprise in found:
        assert surprise.kind is (Kind.CLOSES_LESS if both else Kind.CLOSES_MORE)


@pytest.mark.parametrize(("one", "two", "both"), [("o?", "oo", "oc"), ("oo", "oo", "o?"), ("?o", "oo", "oc")])
def test_nothing_is_predicted_of_what_is_unknown(one: str, two: str, both: str) -> None:
    assert not of_hole(one, two, both)


def test_nothing_is_predicted_where_something_is_a_fault() -> None:
    for effects in ((Effect.FAULT, Effect.KEPT, Effect.LOST), (Effect.KEPT, Effect.KEPT, Effect.FAULT)):
        assert not of_cell(*effects)


def test_nothing_is_predicted_without_each_part_alone_on_the_same_server() -> None:
    kept, lost = Effect.KEPT, Effect.LOST
    result = run(
        {"a:s:c:open": kept, "b:other:c:open": kept, "a+b:s:c:open": lost}, {"a:s:x": "oo", "a+b:s:x": "oc"}
    )
    assert not surprises(result)
    assert not_predictable(result) == (("a+b", "s", ("b",)),)


def test_what_a_combination_loses_was_tried_under_its_parts() -> None:
    """Also where the run has no cells of these."""
    kept, lost = Effect.KEPT, Effect.LOST
    steps = (StepName.NEGOTIATE, StepName.SESSION_SETUP)

    def both(one: Effect | None, two: Effect | None) -> RunResult:
        result = run({"a+b:s:c:open": lost}, {})
        parts = {
            name: PartAlone(effect, refused(step) if effect is lost else OK, None, "")
            for name, effect, step in zip("ab", (one, two), steps, strict=True)
        }
        return replace(result, cells=(replace(result.cells[0], parts=parts),))

    (more,) = surprises(both(kept, kept))
    assert (more.kind, more.decided_by) == (Kind.COSTS_MORE, ("a", "b"))
    assert not surprises(both(kept, None))
    assert not surprises(both(kept, lost))
    (twice,) = lost_twice(both(lost, lost))
    assert twice.parts == (("a", "negotiate"), ("b", "session-setup"))
    assert not lost_twice(both(lost, kept))


def test_nothing_is_predicted_where_the_parts_met_another_baseline() -> None:
    assert not of_cell(Effect.NEVER, Effect.KEPT, Effect.LOST)
    assert not of_hole("cc", "oo", "oc")


def test_a_surprise_names_the_parts_that_the_prediction_rests_on() -> None:
    (less,) = of_cell(Effect.LOST, Effect.KEPT, Effect.KEPT)
    assert less.decided_by == ("a",)
    (more,) = of_cell(Effect.KEPT, Effect.KEPT, Effect.LOST)
    assert more.decided_by == ("a", "b")


def test_pairs_that_others_clear_are_not_suspected() -> None:
    kept, lost = Effect.KEPT, Effect.LOST
    names = ("a", "b", "c", "a+b", "a+b+c", "b+c+d", "d")
    cells = {f"{name}:s:x:open": lost if name == "a+b+c" else kept for name in names}
    holes = {f"{name}:s:h": "oc" if name == "a+b+c" else "oo" for name in names}
    cell, hole = surprises(run(cells, holes))
    assert cell.suspects == hole.suspects == (("a", "c"),)
    # Nothing is cleared by what was measured on another server, of another client, or with another outcome.
    others = {"a+b:t:x:open": kept, "a+b:s:y:open": kept, "b+c+d:s:x:open": lost}
    alone = {f"{name}:s:x:open": kept for name in "abc"}
    (one,) = surprises(run({**alone, "a+b+c:s:x:open": lost, **others}, {}))
    assert one.suspects == ()


def test_a_loss_with_two_reasons_is_found_where_the_parts_stop_it_at_different_steps() -> None:
    at = {"a": StepName.NEGOTIATE, "b": StepName.SESSION_SETUP}
    cells = {f"{part}:s:nas:open": (Effect.LOST, step) for part, step in at.items()}
    (twice,) = lost_twice(run({**cells, "a+b:s:nas:open": Effect.LOST}, {}))
    assert twice.parts == (("a", "negotiate"), ("b", "session-setup"))
    same = {f"{part}:s:nas:open": (Effect.LOST, StepName.NEGOTIATE) for part in at}
    assert not lost_twice(run({**same, "a+b:s:nas:open": Effect.LOST}, {}))
