"""Tables, sheets and findings: the same data as text inside the width and as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from report_example import printed
from rich.cells import cell_len
from rich.console import Console

from harness.labs.finding import DoctorFinding as Finding
from harness.report.listing import Section, Sheet, Table, findings_json, render_findings

CLIENTS = Table(
    ("Name", "Fidelity", "What it is"),
    (
        ("windows-7", "recorded", "Windows 7 SP1: offers SMB 2.0.2 and 2.1 after an SMB1-framed NEGOTIATE"),
        ("linux-smbclient", "real", "smbclient of this machine"),
    ),
)


FINDINGS = (
    Finding("user namespaces", True, "unprivileged ones are allowed"),
    Finding("smbd", False, "not installed", "apt install samba"),
    Finding("client pysmb", True, "pysmb is not installed", "pip install pysmb", gives="the client pysmb"),
    Finding("memory", True, "512 MB available", note=True),
)


def text_of(draw: Callable[[Console], None], width: int = 80, encoding: str = "utf-8") -> str:
    console, raw = printed(width, encoding)
    draw(console)
    return raw.getvalue().decode(encoding)


def test_a_table() -> None:
    assert (
        text_of(CLIENTS.render)
        == """\
Name             Fidelity  What it is
windows-7        recorded  Windows 7 SP1: offers SMB 2.0.2 and 2.1 after an
                           SMB1-framed NEGOTIATE
linux-smbclient  real      smbclient of this machine
"""
    )


def test_a_table_without_room_for_its_last_column_is_stacked() -> None:
    assert (
        text_of(CLIENTS.render, 40)
        == """\
windows-7
  Fidelity: recorded
  What it is: Windows 7 SP1: offers SMB
    2.0.2 and 2.1 after an SMB1-framed
    NEGOTIATE
linux-smbclient
  Fidelity: real
  What it is: smbclient of this machine
"""
    )


def test_a_stacked_row_that_begins_with_a_number_says_what_it_counts() -> None:
    console, raw = printed(40)
    Table(("changes", "a wide heading of a column", "of"), (("1", "2", "x" * 60),)).render(console)
    assert raw.getvalue().decode().startswith("changes: 1\n")


def test_a_table_as_json_is_a_list_of_objects() -> None:
    assert json.loads(CLIENTS.as_json())[1] == {
        "name": "linux-smbclient",
        "fidelity": "real",
        "what_it_is": "smbclient of this machine",
    }


def test_a_table_without_rows() -> None:
    empty = Table(("Name",), ())
    assert text_of(empty.render) == "none\n"
    assert json.loads(empty.as_json()) == []


def test_a_row_of_another_length_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="2 cells: a, b"):
        Table(("a", "b"), (("only one",),))


SHEET = Sheet(
    "windows-7",
    (
        Section("", (("fidelity", "recorded (emulated)"), ("software", "impacket 0.13.1"))),
        Section("evidence", (("offers 2.0.2 and 2.1", "capture “peter”"),)),
    ),
)


def test_a_sheet() -> None:
    assert (
        text_of(SHEET.render)
        == """\
windows-7
─────────
  fidelity:  recorded (emulated)
  software:  impacket 0.13.1
evidence
  offers 2.0.2 and 2.1:  capture “peter”
"""
    )


def test_a_sheet_as_json_is_a_list_of_objects() -> None:
    assert json.loads(SHEET.as_json())[-1] == {
        "section": "evidence",
        "name": "offers 2.0.2 and 2.1",
        "value": "capture “peter”",
    }


MARKS = "✓ works, ✗ missing: no rehearsal can run, ○ not there: not every rehearsal needs it, · to know"


def test_a_tick_is_for_what_works_alone_and_the_rest_says_what_to_do() -> None:
    text = text_of(lambda console: render_findings(FINDINGS, console), 100)
    assert (
        text
        == f"""\
✓ user namespaces: unprivileged ones are allowed
✗ smbd: not installed
  mend: apt install samba
○ client pysmb: pysmb is not installed
  gives: the client pysmb
  to have it: pip install pysmb
· memory: 512 MB available
no rehearsal can run here: 1 to mend
{MARKS}
"""
    )


def test_the_marks_are_told_apart_where_the_stream_is_not_utf8() -> None:
    text = text_of(lambda console: render_findings(FINDINGS, console), encoding="ascii")
    assert [line[0] for line in text.splitlines() if line[1] == " " != line[0]][:4] == ["+", "x", "o", "-"]


def test_what_is_optional_is_no_obstacle_and_is_counted() -> None:
    text = text_of(lambda console: render_findings((FINDINGS[0], FINDINGS[2]), console))
    assert "\na rehearsal can run here; 1 optional things are not there\n" in text
    assert "nothing to mend" not in text


def test_findings_as_json() -> None:
    found = json.loads(findings_json(FINDINGS))
    assert [one["state"] for one in found] == ["works", "missing", "optional", "note"]
    assert found[2] == {
        "name": "client pysmb",
        "ok": True,
        "state": "optional",
        "detail": "pysmb is not installed",
        "gives": "the client pysmb",
        "mend": "pip install pysmb",
    }


words = st.one_of(st.text(max_size=60), st.sampled_from(["", "x" * 200, "日本語" * 50, "\x1b[2J\u202e"]))
pairs = st.lists(st.tuples(words, words), max_size=4).map(tuple)


@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(st.tuples(words, words, words), max_size=4).map(tuple),
    sections=st.lists(st.builds(Section, words, pairs), max_size=3).map(tuple),
    width=st.sampled_from([40, 80]),
)
def test_any_listing_is_harmless_and_inside_the_width(
    rows: tuple[tuple[str, ...], ...], sections: tuple[Section, ...], width: int
) -> None:
    table, sheet = Table(("Name", "Fidelity", "What it is"), rows), Sheet("a sheet", sections)
    findings = [Finding(name, not detail, detail, mend, gives=name) for name, detail, mend in rows]
    text = text_of(table.render, width) + text_of(sheet.render, width)
    text += text_of(lambda console: render_findings(findings, console), width)
    for line in text.split("\n"):
        assert line.isprintable(), line
        assert cell_len(line) <= width, line
    assert len(json.loads(table.as_json())) == len(rows)
    assert len(json.loads(sheet.as_json())) == sum(len(section.entries) for section in sections)
