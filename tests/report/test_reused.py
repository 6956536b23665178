"""A run of which a part was reused says so in every report, with how old that is."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from xml.etree import ElementTree as Tree

import pytest
from known import CATALOGUE
from report_example import example
from rich.console import Console

from harness.comparison.runs import compare
from harness.report import cell, comparison, terminal
from harness.report.ci import github, junit, summary
from harness.report.documents import result as document
from harness.report.formats import Source
from harness.report.html.page import render_html
from harness.report.language import language
from harness.report.reuse import age
from harness.report.ticket import page as ticket
from harness.result import RunResult
from harness.result.gates import Gates
from harness.result.reuse import MeasuredBefore, Recheck, Reuse
from harness.verbs.ending import FAULT, exit_status

NOW = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)
THEN = MeasuredBefore("an-earlier-run", NOW - timedelta(hours=5))
SAME = Recheck("smb3-only:samba-4.17:curl:open", THEN, "same")
ODD = replace(SAME, came="different", differences=("with the change: status X -> Y",))


def reused(*rechecks: Recheck) -> RunResult:
    """The example, of which the first two cells were reused."""
    run = example()
    first = [one.cell for one in run.cells[:2]]
    cells = tuple(replace(one, reused=THEN if one.cell in first else None) for one in run.cells)
    reuse = Reuse(dict.fromkeys(first, THEN), {}, rechecks)
    return replace(run, cells=cells, reuse=reuse, began=NOW)


def text(run: RunResult, lang: str = "en") -> str:
    console = Console(file=StringIO(), width=1000, force_terminal=False)
    terminal.render(run, console, lang=lang)
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def source(run: RunResult) -> Source:
    return Source(run, Path("/nowhere"), CATALOGUE, "en")


def test_every_report_says_how_much_was_reused_and_how_old_it_is() -> None:
    run = reused(SAME)
    number = len(run.cells)
    told = f"2 of {number} cells were not measured in this run"
    for report in (
        text(run),
        ticket.render(source(run)),
        summary.render(source(run)),
        render_html(document.to_document(run)),
    ):
        assert told in report
        assert "an-earlier-run, 5 hours before this run" in report.replace("\\", "")
        assert "it came out the same" in report
    assert f"{number} セル中 2 セルはこの実行では測定せず" in text(run, "ja")
    assert "not measured in this run" not in text(example())
    console = Console(file=StringIO(), width=1000, force_terminal=False)
    cell.show_cell(run, run.cells[0].cell, console)
    assert isinstance(console.file, StringIO)
    when = "not in this run, but in an-earlier-run, 2026-11-30 07:00 UTC, 5 hours before this one"
    assert f"measured: {when}" in console.file.getvalue()
    # Of each cell: in the page's data, and in a test's output even where it passed.
    assert when in render_html(document.to_document(run))
    assert junit.render(source(run)).count(f"measured: {when}") == 2
    data = document.to_document(run)
    assert [one.reused is not None for one in data.cells] == [True, True, *[False] * (number - 2)]
    assert data.reuse is not None
    assert (data.reuse.cells, data.reuse.holds) == (2, True)
    assert data.cells[0].reused is not None
    assert data.cells[0].reused.age_seconds == 5 * 3600
    assert document.to_document(example()).reuse is None


def test_gates_and_a_comparison_name_what_they_rest_on() -> None:
    run = replace(reused(), gates=Gates(required=1))
    assert "2 of the cells that this is judged by were not measured in this run" in text(run)
    console = Console(file=StringIO(), width=1000, force_terminal=False)
    comparison.render(compare(example(), reused()), console)
    assert isinstance(console.file, StringIO)
    assert f"{run.run}: 2 cells were not measured in it" in console.file.getvalue()


def test_a_disagreement_is_an_error_everywhere() -> None:
    whole = replace(example(), cells=tuple(one for one in example().cells if one.effect != "fault"))
    odd = replace(reused(ODD), cells=whole.cells, complete=True)
    assert exit_status(odd) == FAULT
    assert f"NOT AS BEFORE: {ODD.what} does not come out as in an-earlier-run" in text(odd)
    assert f"rehearse run --resume {odd.run} --fresh" in text(odd)
    assert "with the change: status X -> Y" in text(odd)
    assert "reuse of" in summary.render(source(odd))
    assert f"{ODD.what} does not come out as in an-earlier-run" in github.render(source(odd))
    tests = Tree.fromstring(junit.render(source(odd)))
    (case,) = tests.iterfind(f".//testcase[@name='reuse of {ODD.what}']")
    assert case.find("error") is not None
    part = document.to_document(odd).reuse
    assert part is not None
    assert not part.holds
    assert part.rechecks[0].differences == ODD.differences


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "less than two minutes"), (5400, "90 minutes"), (7200, "2 hours"), (2 * 86400, "2 days")],
)
def test_an_age_is_in_the_largest_unit_of_which_there_are_two(seconds: float, words: str) -> None:
    assert age(seconds, language("en")) == words
