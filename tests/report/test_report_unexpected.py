"""What is not as expected is on the first screen in few lines; every document names its run for a shell."""

from __future__ import annotations

import html
import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from balance_example import run
from known import CATALOGUE
from report_example import printed

from harness.model import CellId, Effect
from harness.record import folders
from harness.report.ci import github, junit, summary
from harness.report.counted import all_odd
from harness.report.formats import FORMATS, Source
from harness.report.html.page import written
from harness.report.language import language
from harness.report.page import Page
from harness.report.terminal import render
from harness.report.ticket import page as ticket
from harness.result import SURVIVES, RunResult
from harness.result.reuse import MeasuredBefore, Recheck, Reuse

KEPT, LOST, NEVER, FAULT = Effect.KEPT, Effect.LOST, Effect.NEVER, Effect.FAULT


def screen(result: RunResult, *, details: bool = False, called: str = "") -> str:
    console, raw = printed()
    render(result, console, details=details, called=called)
    return raw.getvalue().decode()


def flat(text: str) -> str:
    return " ".join(text.split())


def odd(cells: dict[str, Effect], causes: dict[str, str] | None = None) -> RunResult:
    """A run of which no cell is as expected."""
    made = run(cells, {})
    return replace(
        made,
        cells=tuple(
            replace(one, expected=False, cause=(causes or {}).get(str(one.cell), one.cause))
            for one in made.cells
        ),
    )


def test_the_answer_is_on_the_first_screen_whatever_is_not_as_expected() -> None:
    """37 changes for one client, each refused for its own reason, and one fault among the last."""
    cells = {f"c{at}:s:pc:open": LOST for at in range(37)} | {"bad:s:pc:open": FAULT}
    result = odd(cells, {name: f"reason {at}" for at, name in enumerate(cells)})
    lines = screen(result, called="/a/b").splitlines()
    at = lines.index("38 of 38 cells NOT as expected:")
    assert lines[at + 1].startswith("  bad on ~s: ~pc open: FAULT")
    assert lines[at + 5 : at + 7] == ["  and 34 more:", "    rehearse report /a/b --details"]
    assert lines[at + 7].startswith("NOTHING CAN BE SAID: ")
    assert "more:" not in screen(result, details=True)
    assert "reason 36" in screen(result, details=True).split("SHUTS")[0]


def test_one_more_than_fits_is_told_and_not_counted() -> None:
    cells = {f"c{at}:s:pc:open": LOST for at in range(5)}
    result = odd(cells, {name: f"reason {at}" for at, name in enumerate(cells)})
    assert "reason 4" in screen(result)
    assert "and 1 more" not in screen(result)


def test_the_same_on_several_servers_or_by_several_changes_is_one_entry() -> None:
    cells = {f"{change}:s{at}:pc:open": LOST for change in "ab" for at in range(6)}
    result = odd(cells, dict.fromkeys(cells, "too old"))
    text = re.sub(r"\s+", " ", screen(result))
    assert (
        "12 of 12 cells NOT as expected: a or b on ~s0, ~s1, ~s2 and 3 more: ~pc open: LOST: too old " in text
    )
    assert "~s0, ~s1, ~s2, ~s3, ~s4, ~s5: ~pc open: LOST: too old" in re.sub(
        r"\s+", " ", screen(result, details=True)
    )


def test_of_what_the_rollback_did_not_bring_back_the_first_are_named() -> None:
    made = run({f"a:s:c{at}:open": LOST for at in range(9)}, {})
    result = replace(made, cells=tuple(replace(one, restored=False) for one in made.cells))
    lines = screen(result).splitlines()
    at = lines.index("9 NOT RESTORED by the rollback:")
    assert lines[at + 5] == "  and 5 more:"


@pytest.mark.parametrize("width", [40, 80])
def test_a_command_to_be_pasted_is_one_line_however_long(width: int) -> None:
    console, raw = printed(width)
    page = Page(console)
    command = f"rehearse report '/srv/{'目録/' * 30}a b' --details"
    page.command(command, before=page.text("more: "))
    page.command(command)
    lines = raw.getvalue().decode().splitlines()
    assert lines == ["more:", f"  {command}", f"  {command}"]


def test_every_document_names_the_run_so_that_a_shell_finds_it(tmp_path: Path) -> None:
    """``rehearse report NAME`` finds no run that is kept elsewhere."""
    folder = tmp_path / "some runs" / "r"
    folder.mkdir(parents=True)
    named = folders.lasting(folder)
    assert named == f"'{folder}'"
    cells = {"a:s:pc:open": FAULT, "a:s:pc:browse": LOST}
    before = MeasuredBefore("old", datetime(2026, 11, 1, tzinfo=UTC))
    made = replace(
        odd(cells),
        complete=False,
        planned=9,
        reuse=Reuse(rechecks=(Recheck("a:s:pc:open", before, "different", ("x",)),)),
    )
    source = Source(made, folder, CATALOGUE, "en", called=named)
    for write in (ticket.render, junit.render, summary.render, github.render):
        text = write(source)
        for command in re.findall(r"rehearse (?:report|run --resume|show \S+ --run) (\S+ ?\S*)", text):
            assert named in command.replace("&apos;", "'"), (write.__module__, command)
        assert named in text
        assert made.run in write(replace(source, called=""))


def test_a_run_without_a_change_says_in_every_document_who_is_refused() -> None:
    cells = {"none:s:xp:open": NEVER, "none:s:ten:open": KEPT}
    result = run(cells, {"none:s:hole": "o"})
    source = Source(result, Path(), CATALOGUE, "en")
    told = "~xp is refused; ~ten gets in; 1 hole is open: hole"
    for text in (ticket.render(source), summary.render(source), github.render(source), screen(result)):
        plain = re.sub(r"\s+", " ", text.replace("\\", ""))
        assert told in plain
    changed = replace(source, result=run({**cells, "a:s:ten:open": LOST}, {}))
    assert "is refused; " not in summary.render(changed) + ticket.render(changed)


def test_a_server_that_fell_over_under_the_change_had_no_hole_closed_and_none_shut() -> None:
    """ "No hole was open" and "0 of 0" read like good news, and five were open before."""
    made = run({"a:s:pc:open": FAULT, "b:s:pc:open": KEPT}, {"a:s:x": "o", "a:s:y": "o", "b:s:x": "oco"})
    source = Source(made, Path(), CATALOGUE, "en")
    shown = re.sub(r"\s+", " ", screen(made))
    assert "a on ~s: 1 FAULT; what it closes is not known" in shown
    assert "no hole was open" not in shown
    for text in (summary.render(source), ticket.render(source)):
        row = next(line for line in text.splitlines() if line.startswith("| `a` "))
        assert row.split("|")[4].strip() == "not known"
    assert "No hole was open" not in ticket.render(source).split("## `a`")[1].split("## `b`")[0]


def test_the_formats_count_the_same() -> None:
    """Every number is that of the result document, and nothing is added to it that others count apart."""
    cells = {
        "a:s:one:open": KEPT,
        "a:s:two:open": LOST,
        "a:s:three:open": NEVER,
        "a:s:four:open": FAULT,
        "a:s:five:open": Effect.GAINED,
        "b:s:one:open": LOST,
        "c:s:one:open": FAULT,
        "d:s:one:open": NEVER,
    }
    holes = {"a:s:x": "oco", "a:s:y": "ooo", "a:s:z": "coc", "b:s:x": "ooo", f"c:s:{SURVIVES}": "o"}
    made = run(cells, holes)
    odd = {CellId.parse(name) for name in ("b:s:one:open", "c:s:one:open")}
    result = replace(
        made,
        cells=tuple(replace(c, expected=c.cell not in odd) for c in made.cells),
        exposures=tuple(replace(e, expected=e.id != "b:s:x", claim="open") for e in made.exposures),
    )
    source = Source(result, Path(), CATALOGUE, "en")
    document = json.loads(FORMATS["json"].write(source))
    counts = document["summary"]
    told = [counts[name] for name in ("kept", "lost", "gained", "never", "fault", "unexpected")]
    assert told == [1, 2, 1, 2, 2, 2]
    first, whole = screen(result), screen(result, details=True)
    page = " ".join(re.sub(r"<[^>]+>", " ", html.unescape("".join(written(source)))).split())
    say = language("en")
    forms = {"summary": summary.render(source), "github": github.render(source)}

    # The cells, by what became of them.
    words = "1 kept, 2 lost, 1 gained, 2 never, 2 fault"
    assert f"{words}; 2 NOT as expected" in whole
    for name, text in forms.items():
        assert words in text, name
    for name in ("kept", "lost", "gained", "never", "fault"):
        assert f" {counts[name]} {say(f'effect.{name}')} " in page, name

    # What is not as it must be, each kind for itself.
    kinds = all_odd(result, say)
    assert [re.findall(r"\d+", kind) for kind in kinds] == [["2", "8"], ["1"], ["1"]]
    for kind in kinds:
        assert f"{kind}:" in first
        for name, text in forms.items():
            assert kind in text.replace("\\", ""), name
    assert say("verdict.unexpected", n=2, all=8) in page
    assert say("verdict.holes_unexpected_one", n=1) in page
    assert say("verdict.fell_one", n=1) in page
    doubts = ticket.render(source).replace("\\", "")
    for doubt in (
        say("ticket.doubt_odd", n=2, all=8),
        say("ticket.doubt_holes_one", n=1),
        say("ticket.doubt_fell_one", n=1),
    ):
        assert doubt in doubts
    # Each test case for itself: cells, and the holes in a suite of their own.
    assert re.findall(r'failures="(\d+)" errors="(\d+)"', junit.render(source))[0] == ("2", "2")

    # The changes, and what they close.
    assert say("screen.many_take", n=2, all=4, counted="") + say("screen.unknown_of", n=2) in flat(first)
    assert say("verdict.changes_cost_many", some=2, all=4) in page
    assert say("verdict.open_many", n=2, all=4) in page
    assert "closes 1 of 2 holes" in flat(first)
    assert "closes 1 of 2 holes" in ticket.render(source)
    for text in (forms["summary"], page):
        assert "1 of 2" in text
        assert "0 of 0" not in text
    log = json.loads(FORMATS["sarif"].write(source))
    still_open = sum(one["applied"] == "open" for one in document["exposures"])
    assert len(log["runs"][0]["results"]) == still_open == 3
