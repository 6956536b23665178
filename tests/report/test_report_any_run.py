"""Whatever a run holds, it is rendered: inside the width, harmless, and its document obeys the schema."""

from __future__ import annotations

import json

import jsonschema
from any_run import runs
from hypothesis import given, settings
from hypothesis import strategies as st
from report_example import printed, too_wide

from harness.report.cell import show_cell
from harness.report.documents.result import render_json, schema
from harness.report.terminal import render
from harness.result import RunResult

VALIDATOR = jsonschema.Draft202012Validator(schema())


@settings(max_examples=60, deadline=None)
@given(run=runs(), width=st.sampled_from([40, 80, 120]), encoding=st.sampled_from(["utf-8", "ascii"]))
def test_any_run_is_rendered_harmless_and_inside_the_width(run: RunResult, width: int, encoding: str) -> None:
    console, raw = printed(width, encoding)
    render(run, console)
    render(run, console, lang="ja")
    render(run, console, details=True)
    for found in run.cells:
        show_cell(run, found.cell, console)
    text = raw.getvalue().decode(encoding)
    for line in text.split("\n"):
        assert line.isprintable(), line
    assert not too_wide(text, width)


@settings(max_examples=60, deadline=None)
@given(run=runs())
def test_the_document_of_any_run_obeys_the_schema(run: RunResult) -> None:
    VALIDATOR.validate(json.loads(render_json(run)))
