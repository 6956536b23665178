"""The stages of a plan: each is weighed on its own cells, and says what it cannot change."""

from __future__ import annotations

from dataclasses import replace

from balance_example import run
from known import CATALOGUE

from harness.balance.stages import stages
from harness.model import Effect, Row
from harness.planning import planner, scenario
from harness.result import NotApplicable


def test_a_stage_is_weighed_on_its_own_cells() -> None:
    result = run(
        {"a:s:xp:open": Effect.LOST, "a:s:ten:open": Effect.KEPT, "b:s:xp:open": Effect.KEPT},
        {"a:s:x": "oc", "b:s:x": "oo"},
    )
    ids = [cell.cell for cell in result.cells]
    result = replace(
        result,
        rows=(
            Row("one", "t", (ids[1],), "stage 1"),
            Row("other", "t", (ids[0],)),
            Row("two", "t", (ids[2],), "stage 2"),
        ),
        not_applicable=(
            NotApplicable("a", "nas", "no patch"),
            NotApplicable("a", "ten", "it has no SMB1"),
            NotApplicable("c", "nas", "no patch"),
        ),
    )
    first, second = stages(result)
    assert (first.name, first.scenario, second.name) == ("stage 1", "one", "stage 2")
    (balance,) = first.balances
    assert (balance.closed, balance.lost, balance.kept) == (("x",), (), (ids[1],))
    assert [one.subject for one in first.left_out] == ["nas"]
    assert [one.mitigation for one in second.balances] == ["b"]
    assert not second.left_out


def test_the_article_names_its_three_stages() -> None:
    made = planner.from_scripts(CATALOGUE, "article", [scenario.find(CATALOGUE, "article")])
    assert [row.stage.partition(":")[0] for row in made.rows if row.stage] == [
        "stage 1",
        "stage 2",
        "stage 3",
    ]
