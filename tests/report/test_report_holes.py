"""Exposures on a terminal and in the exit status: what was closed, opened, left open, and is not known."""

from __future__ import annotations

from pathlib import Path

import pytest
from commandline import rehearse
from known import CATALOGUE
from report_example import cell, printed

from harness.exposures.survey import facts
from harness.model import Hole, Phase, Sighting
from harness.planning import planner
from harness.planning.plan import MustClose
from harness.record import journal
from harness.record.entries import Known, Probed
from harness.record.verdict import judge_exposure
from harness.report import terminal
from harness.report.documents import result as document
from harness.report.holes import draw_holes, show_holes, show_sightings
from harness.report.page import Page
from harness.result import ExposureResult, RunResult, ServerFact
from harness.verbs.ending import FAULT, OK, UNEXPECTED, exit_status

OPEN, CLOSED, NOT, UNKNOWN = Hole.OPEN, Hole.CLOSED, Hole.NOT_EXPOSED, Hole.UNKNOWN
CLEAR = "\x1b[31mred\u202e"


def one(name: str, *states: Hole, expected: bool = True, claim: str = "") -> ExposureResult:
    phases = {phase: Sighting(state, f"seen {CLEAR}") for phase, state in zip(Phase, states, strict=False)}
    return ExposureResult("smb1-server-off", "samba-4.17", name, phases, expected, claim)


FOUND = (
    one("rap-listing", OPEN, NOT, OPEN),
    one("smb1-spoken", OPEN, CLOSED, OPEN),
    one("smb2-spoken", OPEN, OPEN, OPEN),
    one("guest-logon", CLOSED, OPEN, OPEN),
    one("end-of-life", UNKNOWN, UNKNOWN, UNKNOWN),
)


def run_of(*found: ExposureResult) -> RunResult:
    kept = cell("smb1-server-off:samba-4.17:windows-7:open")
    graded = {fact.name: fact for fact in facts(CATALOGUE.exposures)}
    return RunResult(
        "r", "local", True, (), {}, {}, {}, (kept,), planned=1, exposures=found, exposure_facts=graded
    )


def drawn(*found: ExposureResult, width: int = 80) -> str:
    console, raw = printed(width)
    draw_holes(Page(console), found, run_of(*found))
    return raw.getvalue().decode()


def test_what_a_change_closed_opened_and_left_open() -> None:
    said = " ".join(drawn(*FOUND).split())
    assert said == (
        "closes: high: smb1-spoken; medium: rap-listing OPENS: high: guest-logon NOT SHUT AGAIN by the "
        "rollback: high: guest-logon stays open: low: smb2-spoken "
        "cannot be told: end-of-life: seen \\x1b[31mred\\u202e"
    )


def test_a_baseline_alone_says_what_is_open() -> None:
    said = " ".join(drawn(one("smb1-spoken", OPEN), one("end-of-life", UNKNOWN)).split())
    assert said == "open: high: smb1-spoken cannot be told: end-of-life: seen \\x1b[31mred\\u202e"


@pytest.mark.parametrize("width", [40, 80, 200])
def test_it_is_no_wider_than_the_terminal_and_cannot_steer_it(width: int) -> None:
    console, raw = printed(width)
    page = Page(console)
    left = one("x" * 60, OPEN, OPEN, expected=False, claim=f"the article says {CLEAR}")
    draw_holes(page, (*FOUND, left), run_of(*FOUND, left))
    show_holes(page, "title", f"server {CLEAR}", FOUND)
    show_sightings(page, "title", FOUND)
    terminal.render(run_of(*FOUND, left), console)
    terminal.render(run_of(*FOUND, left), console, details=True)
    text = raw.getvalue().decode()
    assert max(map(len, text.splitlines())) <= width
    assert "\x1b" not in text
    assert "\u202e" not in text


def test_nothing_is_said_where_nothing_was_probed() -> None:
    assert drawn() == ""


MUST = (MustClose("smb1-server-off", "samba-4.17", "smb1-spoken", "our change request"),)
PAIR = ("smb1-server-off", "samba-4.17")


@pytest.mark.parametrize(
    ("applied", "expected", "status"),
    [(CLOSED, True, OK), (NOT, True, OK), (OPEN, False, UNEXPECTED), (UNKNOWN, False, FAULT)],
)
def test_a_hole_that_must_be_closed(applied: Hole, expected: bool, status: int) -> None:
    phases = {Phase.BASELINE: Sighting(OPEN, "spoken"), Phase.APPLIED: Sighting(applied, "looked at")}
    found = judge_exposure(PAIR, "smb1-spoken", phases, MUST)
    assert found.expected is expected
    assert exit_status(run_of(found)) == status
    if not expected:
        assert found.claim == (
            f"our change request says smb1-server-off closes it, measured {applied}: looked at"
        )
        assert "NOT CLOSED as expected" in drawn(found)
    # Nobody said so of another one.
    assert judge_exposure(PAIR, "smb2-spoken", phases, MUST).expected


@pytest.mark.parametrize(
    ("states", "expected", "status"),
    [
        ((CLOSED, OPEN, OPEN), False, UNEXPECTED),
        ((NOT, CLOSED, OPEN), False, UNEXPECTED),
        ((CLOSED, OPEN, CLOSED), True, OK),
        ((OPEN, CLOSED, OPEN), True, OK),
        ((UNKNOWN, OPEN, OPEN), True, OK),
    ],
)
def test_a_hole_that_the_rollback_does_not_shut_again(
    states: tuple[Hole, ...], expected: bool, status: int
) -> None:
    phases = {phase: Sighting(state, "looked at") for phase, state in zip(Phase, states, strict=True)}
    found = judge_exposure(PAIR, "guest-logon", phases, ())
    assert (found.expected, exit_status(run_of(found))) == (expected, status)
    assert ("after the rollback it is open" in found.claim) is not expected


def test_one_that_was_not_probed_is_not_closed() -> None:
    found = judge_exposure(PAIR, "smb1-spoken", {Phase.BASELINE: Sighting(OPEN, "spoken")}, MUST)
    assert (found.expected, "not probed" in found.claim) == (False, True)
    assert exit_status(run_of(found)) == FAULT


def test_a_server_that_fell_over_is_a_fault() -> None:
    assert exit_status(run_of(one("falls-over", CLOSED, OPEN))) == FAULT
    assert exit_status(run_of(one("smb2-spoken", CLOSED, OPEN))) == OK


def test_the_document_has_each_phase() -> None:
    data = document.to_document(run_of(*FOUND)).model_dump(mode="json")
    (closed,) = (part for part in data["exposures"] if part["exposure"] == "rap-listing")
    assert [closed[name] for name in ("baseline", "applied", "rolled_back")] == [
        "open",
        "not exposed",
        "open",
    ]
    assert closed["phases"]["rolled_back"]["state"] == "open"
    alone = document.to_document(run_of(one("smb1-spoken", OPEN))).model_dump(mode="json")["exposures"][0]
    assert (alone["applied"], alone["rolled_back"], alone["phases"]["applied"]) == (None, None, None)
    assert alone["evidence"].startswith("seen")


def test_the_exposures_of_an_emulated_server_are_labelled(tmp_path: Path) -> None:
    made = planner.from_selectors(CATALOGUE, ["smb1-server-off:sles11-like:windows-7:open"], probes=True)
    folder = tmp_path / "run"
    with journal.create(folder, made) as book:
        what = ServerFact("sles11-like", "t", "Samba 4.13.13-Debian", "configured", "SLES 11")
        book.add(Known(what))
        seen = {"smb1-spoken": Sighting(OPEN, "spoken")}
        book.add(Probed("smb1-server-off", "sles11-like", Phase.BASELINE, seen, 0))
    said = rehearse("show", "smb1-server-off:sles11-like", "--runs", tmp_path).stdout
    assert "server: ~sles11-like (emulated: Samba 4.13.13-Debian" in said
    assert "before: open; spoken" in said
