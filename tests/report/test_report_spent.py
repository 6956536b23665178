"""Where the time of a run went, in every report that says so."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from html import unescape
from io import StringIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from known import CATALOGUE
from report_example import example
from rich.console import Console

from harness.report import terminal
from harness.report.ci import summary
from harness.report.documents import result as document
from harness.report.documents.spent import SpentPart, spent_part
from harness.report.formats import Source
from harness.report.html.page import render_html
from harness.report.language import codes, language
from harness.report.spent import rows
from harness.result import RunResult
from harness.result.reuse import MeasuredBefore, Reuse
from harness.result.spent import Kind, Spent, TimeSpent

SPENT = TimeSpent(
    20.0,
    3,
    8.5,
    {
        Kind.ATTEMPTS: Spent(24.0, 24.0, 363),
        Kind.PROBES: Spent(1.5, 1.5, 39),
        Kind.START: Spent(30.0, 40.0, 25),
        Kind.PROOF: Spent(),
        Kind.WAIT: Spent(4.5),
    },
)
RUN = replace(example(), spent=SPENT)
HEAD = "20.0 s with 3 worker processes. The bound was 8.5 s"
START = ["waiting for a server to start", "30.0", "50%", "40.0", "25"]


def text(run: RunResult, lang: str = "en", width: int = 200, *, details: bool = True) -> str:
    console = Console(file=StringIO(), width=width, force_terminal=False)
    terminal.render(run, console, details=details, lang=lang)
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def test_details_say_it_in_columns() -> None:
    told = text(RUN)
    assert HEAD in told
    lines = {" ".join(line.split()) for line in told.splitlines()}
    assert " ".join(START) in lines
    assert "attempts 24.0 40% 24.0 363" in lines
    # What took no time is not told.
    assert "shown healthy" not in told
    assert "Where the time went" not in text(RUN, details=False)
    assert "Where the time went" not in text(example())


def test_a_narrow_terminal_has_no_columns() -> None:
    assert "  waiting for a server to start: 30.0 s,\n    50%" in text(RUN, width=41)


def test_the_page_and_markdown_have_the_same_table() -> None:
    page = render_html(document.to_document(RUN))
    assert HEAD in page
    cells = "".join(f'<td class="num">{number}</td>' for number in START[1:])
    assert f'<th scope="row">{START[0]}</th>{cells}' in page
    told = summary.render(Source(RUN, Path("/nowhere"), CATALOGUE, "en"))
    assert f"| {' | '.join(START)} |" in told
    assert HEAD in told.replace("\\", "")
    assert "Where the time went" not in render_html(document.to_document(example()))


def test_it_is_said_in_japanese() -> None:
    told = text(RUN, "ja")
    assert "ワーカープロセス 3 個で 20.0 秒。下限は 8.5 秒" in told
    assert "サーバーの起動待ち" in told
    assert "時間の内訳" in unescape(render_html(document.to_document(RUN), "ja"))


@pytest.mark.parametrize("code", codes())
def test_every_kind_has_words(code: str) -> None:
    assert set(language(code).sections["spent_kind"]) == set(Kind)


def test_what_was_reused_took_none_of_it() -> None:
    before = MeasuredBefore("an-earlier-run", datetime(2026, 11, 30, tzinfo=UTC))
    first = [one.cell for one in RUN.cells[:2]]
    cells = tuple(replace(one, reused=before if one.cell in first else None) for one in RUN.cells)
    run = replace(RUN, cells=cells, reuse=Reuse(dict.fromkeys(first, before)))
    told = f"2 of {len(cells)} cells were reused: none of this time went for them."
    assert told in text(run)
    assert told in render_html(document.to_document(run))
    nothing = text(replace(run, spent=TimeSpent()))
    assert "Nothing was measured in this run" in nothing
    assert "worker processes" not in nothing


@given(
    st.builds(
        TimeSpent,
        st.floats(0, 1e6),
        st.integers(0, 64),
        st.floats(0, 1e6),
        st.dictionaries(
            st.sampled_from(Kind), st.builds(Spent, st.floats(0, 1e6), st.floats(0, 1e6), st.integers(0))
        ),
    )
)
def test_the_document_adds_up(spent: TimeSpent) -> None:
    part = SpentPart.model_validate(spent_part(spent))
    assert SpentPart.model_validate(json.loads(part.model_dump_json())) == part
    assert sum(one.worker_seconds for one in part.kinds) == pytest.approx(part.worker_seconds, abs=0.01)
    assert sum(one.share for one in part.kinds) == pytest.approx(1 if spent.of_workers else 0, abs=0.001)
    assert len(rows(part, language("en"))) <= len(Kind)
