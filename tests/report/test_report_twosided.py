"""Both sides of every change in the report and in the document: closings, prices, surprises, stages."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import jsonschema
import pytest
from balance_example import hole, run
from report_example import printed
from rich.cells import cell_len

from harness.model import Effect, Row, StepName
from harness.report.documents.result import render_json, schema
from harness.report.terminal import render
from harness.result import ClientFact, NotApplicable, RunResult, ServerFact

KEPT, LOST = Effect.KEPT, Effect.LOST


def example() -> RunResult:
    """Two changes and both together: each closes something, together they cost more than both."""
    result = run(
        {
            "pipes:s:xp:open": (LOST, StepName.CREATE_PIPE),
            "pipes:s:ten:open": KEPT,
            "pipes:s:ten:browse": LOST,
            "smb1:s:xp:open": (LOST, StepName.NEGOTIATE),
            "smb1:s:ten:open": KEPT,
            "smb1:s:ten:browse": KEPT,
            "pipes+smb1:s:xp:open": LOST,
            "pipes+smb1:s:ten:open": LOST,
            "pipes+smb1:s:ten:browse": LOST,
            "idle:s:xp:open": LOST,
            "broken:s:xp:open": Effect.FAULT,
        },
        {
            "pipes:s:samr": "oco",
            "pipes:s:smb1-spoken": "ooo",
            "pipes:s:ms17": "???",
            "smb1:s:samr": "ooo",
            "smb1:s:smb1-spoken": "ono",
            "smb1:s:ms17": "???",
            "pipes+smb1:s:samr": "ooo",
            "pipes+smb1:s:smb1-spoken": "ono",
            "pipes+smb1:s:ms17": "???",
            "idle:s:samr": "ooo",
            "idle:s:smb1-spoken": "ooo",
            "idle:s:ms17": "???",
        },
    )
    cells = [cell.cell for cell in result.cells]
    return replace(
        result,
        servers={"s": ServerFact("s", "a server", "Samba 4", "configured", "an old one")},
        clients={
            "xp": ClientFact("xp", "an old client", "recorded", "impacket"),
            "ten": ClientFact("ten", "a newer client", "real", "itself"),
        },
        rows=(Row("row", "a row", tuple(cells), "stage 1: pipes"),),
        not_applicable=(NotApplicable("pipes", "nas", "no patch to be had"),),
    )


def output(result: RunResult, width: int = 80) -> str:
    console, raw = printed(width)
    render(result, console, details=True)
    return raw.getvalue().decode()


def flat(text: str) -> str:
    return re.sub(r"\s+", " ", text)


def test_each_change_with_both_sides_the_best_first_and_marked() -> None:
    assert """\
What each change closes and whom it costs
─────────────────────────────────────────
  ~s: 2 holes are open as it is: samr, smb1-spoken
    cannot be told: ms17: seen ?
  * no change: what the changes are weighed against
  * smb1: closes 1 of 2: smb1-spoken; loses ~xp
  * pipes: closes 1 of 2: samr; loses ~xp and ten browse
    pipes+smb1: closes 1 of 2: smb1-spoken; loses all 2 that were asked: ~xp,
      ten; smb1 closes no less and costs no more
    idle: closes no hole; loses ~xp; not asked, or a fault: ten open, browse;
      better left as it is, which closes as much and costs less; smb1 closes no
      less and costs no more
    broken: nothing measured
    closed at the smallest loss: samr: by pipes (loses ~xp and ten browse)
    closed at the smallest loss: smb1-spoken: by smb1 (loses ~xp)
""" in output(example())


def test_what_surprises_is_called_out_in_a_sentence() -> None:
    text = flat(output(example()))
    assert (
        "surprise: pipes+smb1 on ~s costs more than its parts say: ten open: kept under each part alone"
        in text
    )
    assert "surprise: pipes+smb1 on ~s closes less than its parts say: samr: closed by pipes alone" in text


def test_what_has_two_reasons_is_told() -> None:
    assert (
        "lost twice: pipes+smb1 on ~s breaks ~xp open twice: pipes stops it at create-pipe, smb1 stops it at "
        "negotiate; taking back one of them brings nobody home"
    ) in flat(output(example()))


def test_larger_combinations_with_several_reasons_are_told_together() -> None:
    steps = {"a": StepName.NEGOTIATE, "b": StepName.SESSION_SETUP, "c": StepName.TREE_CONNECT}
    cells = {f"{part}:s:{who}:open": (LOST, step) for part, step in steps.items() for who in ("xp", "ten")}
    text = flat(output(run({**cells, "a+b+c:s:xp:open": LOST, "a+b+c:s:ten:open": LOST}, {})))
    assert text.count("lost twice:") == 1
    assert "larger combinations on ~s lose clients to several parts at once" in text
    assert "brings nobody home: ~xp (in 1), ~ten (in 1)" in text


def test_a_suspected_pair_is_named() -> None:
    names = ("a", "b", "c", "a+b", "b+c", "a+b+c")
    cells = {f"{name}:s:xp:open": LOST if name == "a+b+c" else KEPT for name in names}
    text = flat(output(run(cells, {})))
    assert "lost together; suspected: a with c" in text
    assert "rehearse run --pairwise --parts 2 'a,b,c:s:xp:open'" in text


def test_the_stages_are_a_table() -> None:
    text = output(example())
    table = text[text.index("The stages") :]
    assert (
        """\
  stage 1: pipes
    pipes on ~s       closes 1 of 2: samr                loses ~xp and ten
                                                         browse
    smb1 on ~s        closes 1 of 2: smb1-spoken         loses ~xp
"""
        in table
    )
    assert "pipes on ~nas: not possible: no patch to be had" in flat(table)


def test_without_probes_the_report_says_who_loses_and_nothing_of_holes() -> None:
    text = output(replace(example(), exposures=()))
    assert "What each change closes" not in text
    assert "Who loses what" in text
    assert "holes not probed" in text[text.index("The stages") :]


def test_a_rollback_that_is_not_complete_is_loud_and_one_that_nobody_saw_is_told() -> None:
    cells = {"a:s:xp:open": KEPT}
    assert "NOT ROLLED BACK" in output(run(cells, {"a:s:x": "ooc"}))
    assert "rollback not shown" in output(run(cells, {"a:s:x": "ooo"}, shown=False))
    assert "rollback" not in output(run(cells, {"a:s:x": "ooo"})).partition("What each")[2]


def test_a_hole_that_a_change_opens_is_loud() -> None:
    assert "a: closes no hole; OPENS x; loses nobody who was asked" in output(
        run({"a:s:xp:open": KEPT}, {"a:s:x": "coc"})
    )


def test_all_but_a_few() -> None:
    holes = {f"a:s:{name}": "oc" for name in ("u", "v", "w", "x")} | {"a:s:y": "oo"}
    assert "closes 4 of 5, all but y" in output(run({"a:s:xp:open": KEPT}, holes))


def test_parts_that_were_not_measured_alone_are_named() -> None:
    text = output(run({"a:s:xp:open": KEPT, "a+b:s:xp:open": LOST}, {}))
    assert "in what they keep and close: not all were rehearsed alone: a+b on ~s (b)" in flat(text)


@pytest.mark.parametrize("width", [40, 60, 80, 132])
def test_no_line_is_wider_than_the_console(width: int) -> None:
    lines = output(example(), width).split("\n")
    assert max(map(cell_len, lines)) <= width
    assert not [line for line in lines if line != line.rstrip()]


def test_the_document_says_the_same() -> None:
    data = json.loads(render_json(example()))
    jsonschema.Draft202012Validator(schema()).validate(data)
    by_name = {one["mitigation"]: one for one in data["balances"]}
    assert list(by_name) == ["none", "pipes", "smb1", "pipes+smb1", "idle", "broken"]
    assert {name for name, one in by_name.items() if one["on_front"]} == {"none", "pipes", "smb1"}
    pipes = by_name["pipes"]
    assert (pipes["closed"], pipes["still_open"], pipes["undecided"]) == (["samr"], ["smb1-spoken"], ["ms17"])
    assert (pipes["clients_lost"], pipes["clients_kept"]) == (["xp", "ten"], [])
    assert pipes["lost"] == ["pipes:s:xp:open", "pipes:s:ten:browse"]
    assert by_name["pipes+smb1"]["beaten_by"] == ["smb1"]
    assert (by_name["broken"]["judged"], by_name["broken"]["on_front"]) == (False, False)
    assert by_name["idle"]["unknown"] == ["idle:s:ten:open", "idle:s:ten:browse"]
    assert {one["exposure"]: one["mitigations"] for one in data["cheapest"]} == {
        "samr": ["pipes"],
        "smb1-spoken": ["smb1"],
    }
    assert [one["kind"] for one in data["said"]] == ["surprise", "surprise", "lost twice"]
    (stage,) = data["stages"]
    assert (stage["stage"], stage["scenario"]) == ("stage 1: pipes", "row")
    assert [one["mitigation"] for one in stage["balances"]] == [
        "pipes",
        "smb1",
        "pipes+smb1",
        "idle",
        "broken",
    ]


def test_a_run_without_changes_has_no_balance() -> None:
    data = json.loads(render_json(replace(run({}, {}), exposures=(hole("none:s:x", "o"),))))
    assert (data["balances"], data["cheapest"], data["said"], data["stages"]) == ([], [], [], [])
