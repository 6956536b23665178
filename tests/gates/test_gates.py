"""Gates: what must be kept or closed, which losses are accepted until when, and what a mistake is told as."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import jsonschema
import pytest
from balance_example import cell, run
from commandline import rehearse
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from known import CATALOGUE
from test_bad_runs import RUN

from harness.catalogue import Catalogue
from harness.errors import UsageError
from harness.gates import reading
from harness.gates.judge import held_against
from harness.model import Attempt, Effect, Outcome, Phase, Row
from harness.report.documents.result import render_json, schema
from harness.result import RunResult
from harness.result.gates import Gates
from harness.verbs.ending import FAULT, NOTHING, OK, UNEXPECTED, exit_status

TODAY = date(2026, 11, 29)
CHANGE = "smb3-only:samba-4.22"
OPEN, BROWSE = f"{CHANGE}:windows-7:open", f"{CHANGE}:windows-7:browse"
HOLE = f"{CHANGE}:smb1-spoken"
K, L, G, N, S, F = (
    *(Effect.KEPT, Effect.LOST, Effect.GAINED, Effect.NEVER),
    *(Effect.NOT_SETTLED, Effect.FAULT),
)


@pytest.fixture
def held(tmp_path: Path) -> Callable[..., RunResult]:
    """A run held against gates that are written as files."""

    def hold(result: RunResult, require: str = "", known: str = "", today: date = TODAY) -> RunResult:
        (tmp_path / "must.toml").write_text(require)
        (tmp_path / "known.toml").write_text(known)
        wanted = reading.requirements(CATALOGUE, tmp_path / "must.toml") if require else ()
        losses = reading.acceptances(CATALOGUE, tmp_path / "known.toml") if known else ()
        return held_against(result, wanted, losses, today)

    return hold


def of(result: RunResult) -> Gates:
    assert result.gates
    return result.gates


def lossy(result: RunResult) -> RunResult:
    """What nobody foresaw is lost: not as expected."""
    cells = tuple(replace(one, expected=one.effect not in (L, F)) for one in result.cells)
    return replace(result, cells=cells)


@pytest.mark.parametrize(
    ("effect", "status", "why"),
    [
        (K, OK, ""),
        (G, OK, ""),
        (L, UNEXPECTED, "is lost"),
        (N, UNEXPECTED, "does not work, and did not before the change either"),
        (S, FAULT, "is not settled"),
        (F, FAULT, "is a fault"),
    ],
)
def test_a_cell_that_must_be_kept(
    held: Callable[..., RunResult], effect: Effect, status: int, why: str
) -> None:
    found = held(run({OPEN: effect}, {}), f'[[kept]]\ncells = "{OPEN}"\nwhy = "desktops"')
    assert exit_status(found) == status
    misses = (*of(found).broken, *of(found).unproven)
    assert [(one.what, one.why, one.text) for one in misses] == ([(OPEN, why, "desktops")] if why else [])
    assert of(found).required == 1


def test_what_the_rollback_does_not_bring_back_is_not_kept(held: Callable[..., RunResult]) -> None:
    result = run({OPEN: K}, {})
    result = replace(result, cells=(replace(result.cells[0], restored=False),))
    found = held(result, f'[[kept]]\ncells = "{OPEN}"')
    assert [one.why for one in of(found).broken] == ["is not brought back by the rollback"]


@pytest.mark.parametrize(
    ("states", "status", "why"),
    [
        ("oco", OK, ""),
        ("ono", OK, ""),
        ("ccc", OK, ""),
        ("ooo", UNEXPECTED, "is open: seen o"),
        ("cco", UNEXPECTED, "is open after the rollback: seen o"),
        ("o?o", FAULT, "is unknown: seen ?"),
        ("o", FAULT, "was not probed"),
    ],
)
def test_a_hole_that_must_be_closed(
    held: Callable[..., RunResult], states: str, status: int, why: str
) -> None:
    found = held(run({OPEN: K}, {HOLE: states}), f'[[closed]]\nholes = "{HOLE}"')
    assert exit_status(found) == status
    misses = (*of(found).broken, *of(found).unproven)
    assert [(one.what, one.why) for one in misses] == ([(HOLE, why)] if why else [])


def test_of_the_server_as_it_is_the_baseline_counts(held: Callable[..., RunResult]) -> None:
    hole = "none:samba-4.22:smb1-spoken"
    for state, status in (("o", UNEXPECTED), ("c", OK)):
        result = run({"none:samba-4.22:windows-7:open": K}, {hole: state})
        assert exit_status(held(result, f'[[closed]]\nholes = "{hole}"')) == status


def test_a_requirement_that_selects_nothing_measured_is_not_shown(held: Callable[..., RunResult]) -> None:
    for require in ('[[kept]]\ncells = "*:samba-4.17:*"', '[[closed]]\nholes = "*:samba-4.17:*"'):
        found = held(run({OPEN: K}, {HOLE: "oco"}), require)
        assert exit_status(found) == FAULT
        assert [one.why for one in of(found).unproven] == ["selects nothing that this run measured"]


def test_a_cell_that_was_planned_and_not_measured_is_not_shown(held: Callable[..., RunResult]) -> None:
    result = run({OPEN: K}, {})
    missing = cell(BROWSE, K).cell
    result = replace(result, rows=(Row("row", "", (result.cells[0].cell, missing)),))
    found = held(result, f'[[kept]]\ncells = "{CHANGE}:windows-*"')
    assert [(one.what, one.why) for one in of(found).unproven] == [
        (BROWSE, "was not measured: the run was cut off")
    ]


def test_what_a_client_cannot_do_at_all_it_cannot_lose(held: Callable[..., RunResult]) -> None:
    result = run({OPEN: K, BROWSE: N}, {})
    no = dict.fromkeys(Phase, Attempt(Outcome.UNSUPPORTED))
    result = replace(result, cells=(result.cells[0], replace(result.cells[1], phases=no)))
    found = held(result, f'[[kept]]\ncells = "{CHANGE}:windows-*"')
    assert (of(found).required, exit_status(found)) == (1, OK)


KNOWN = f'[[loss]]\ncells = "{CHANGE}:windows-7"\nreason = "goes in January"\nuntil = 2026-11-30'


def test_an_accepted_loss_is_as_expected_to_the_end_of_its_last_day(held: Callable[..., RunResult]) -> None:
    result = lossy(run({OPEN: L, BROWSE: K}, {}))
    assert exit_status(result) == UNEXPECTED
    for days, status in ((0, OK), (1, OK), (2, UNEXPECTED)):
        found = held(result, known=KNOWN, today=TODAY + timedelta(days))
        assert exit_status(found) == status
        kept, over = of(found).accepted, of(found).expired
        assert [str(one) for loss in (over if status else kept) for one in loss.cells] == [OPEN]
    both = held(result, f'[[kept]]\ncells = "{OPEN}"', KNOWN)
    assert exit_status(both) == OK, "accepted is an exception from what is required"


def test_an_expired_acceptance_fails_though_the_loss_was_foreseen(held: Callable[..., RunResult]) -> None:
    found = held(run({OPEN: L}, {}), known=KNOWN, today=TODAY + timedelta(2))
    assert exit_status(found) == UNEXPECTED
    assert [(one.expected, one.claim) for one in found.cells] == [
        (False, "it was accepted until 2026-11-30 only (goes in January)")
    ]


def test_only_a_loss_is_accepted(held: Callable[..., RunResult]) -> None:
    result = lossy(run({OPEN: F}, {}))
    assert exit_status(held(result, known=KNOWN)) == FAULT
    result = run({OPEN: L}, {})
    stuck = replace(result, cells=(replace(result.cells[0], restored=False, expected=False),))
    found = held(stuck, known=KNOWN)
    assert exit_status(found) == UNEXPECTED, "nobody accepted that it does not come back"
    assert of(found).idle


def test_an_acceptance_that_matches_nothing_is_told_and_fails_nothing(held: Callable[..., RunResult]) -> None:
    for days in (0, 99):
        found = held(run({OPEN: K}, {}), known=KNOWN, today=TODAY + timedelta(days))
        assert exit_status(found) == OK
        assert [str(one.entry) for one in of(found).idle] == [f"loss 1 of known.toml ({CHANGE}:windows-7)"]


def test_nothing_ran_is_still_nothing(held: Callable[..., RunResult]) -> None:
    assert exit_status(held(run({}, {}), f'[[kept]]\ncells = "{OPEN}"')) == NOTHING


def test_the_document_says_what_came_of_them(held: Callable[..., RunResult]) -> None:
    result = lossy(run({OPEN: L, BROWSE: L}, {HOLE: "ooo"}))
    known = KNOWN.replace("windows-7", "windows-7:open")
    found = held(result, f'[[kept]]\ncells = "{CHANGE}:*"\n[[closed]]\nholes = "{HOLE}"', known)
    document = json.loads(render_json(found))
    jsonschema.Draft202012Validator(schema()).validate(document)
    gates = document["gates"]
    assert (gates["hold"], gates["required"]) == (False, 3)
    assert [one["what"] for one in gates["broken"]] == [BROWSE, HOLE]
    assert [(one["until"], one["cells"]) for one in gates["accepted"]] == [("2026-11-30", [OPEN])]
    assert [(one["cell"], one["expected"]) for one in document["cells"]] == [(OPEN, True), (BROWSE, False)]
    assert document["cells"][1]["claim"] == "must.toml requires it: it is lost"
    assert document["summary"]["unexpected"] == 1
    assert [(one["expected"], one["claim"]) for one in document["exposures"]] == [
        (False, "must.toml requires it: it is open: seen o")
    ]
    assert document["expected_by"] == ["must.toml", "known.toml"]
    assert json.loads(render_json(result))["gates"] is None


# -- the files ------------------------------------------------------------------------------------------

GOOD_KEPT = f'[[kept]]\ncells = "{OPEN}"\n'
GOOD_LOSS = KNOWN + "\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "asks for nothing; it needs [[kept]] or [[closed]]"),
        ("kept", "must.toml: "),
        ("[[kept]]\n", "[[kept]] 1: has no cells"),
        (GOOD_KEPT + '[[kept]]\ncell = "x"', "[[kept]] 2: no key is called 'cell'; did you mean cells?"),
        ('[[keep]]\ncells = "x"', "no key is called 'keep'; did you mean kept?"),
        ('[kept]\ncells = "x"', "kept: must be written as [[kept]]"),
        (GOOD_LOSS, "this is a file for --known"),
        ('[[kept]]\ncells = "smb3-only:samba-4.22:windws-7"', "no client is called 'windws-7'; did you mean"),
        ('[[kept]]\ncells = "smb3-onyl:*"', "no mitigation is called 'smb3-onyl'; did you mean smb3-only"),
        ('[[kept]]\ncells = "*:solaris-*"', "no server matches 'solaris-*'; See: rehearse list servers"),
        ('[[kept]]\ncells = "*:*:*:opn"', "no check is called 'opn'; did you mean open"),
        ('[[kept]]\ncells = "windows-7"', "'windows-7' is not mitigation:server:client:check"),
        ('[[kept]]\ncells = "samba-4.22:smb3-only"', "did you mean 'smb3-only:samba-4.22'?"),
        ('[[kept]]\ncells = "smb3-only+nothing-*:*"', "no mitigation matches 'nothing-*'"),
        ('[[kept]]\ncells = 5', "[[kept]] 1: cells: "),
        ('[[kept]]\ncells = " "', "[[kept]] 1: cells: "),
        ('[[closed]]\nholes = "smb3-only:*:smb1-spken"', "no exposure is called 'smb1-spken'; did you"),
        ('[[closed]]\nholes = "smb3-only:*"', "is not mitigation:server:exposure"),
        ('[[closed]]\nholes = "*:*:nothing-*"', "no exposure matches 'nothing-*'"),
    ],
)  # fmt: skip
def test_a_mistake_in_what_is_required_is_one_clear_line(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "must.toml"
    path.write_text(text)
    with pytest.raises(UsageError) as caught:
        reading.requirements(CATALOGUE, path)
    assert str(path) in str(caught.value)
    assert said in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("2026-11-30", '"soon"', "[[loss]] 1: until: "),
        ("2026-11-30", "5", "until: must be a date like 2027-01-31, not 5"),
        ("2026-11-30", "2026-11-30T10:00:00", "until: must be a date like 2027-01-31"),
        ("until = 2026-11-30", "", "[[loss]] 1: has no until"),
        ("until", "untill", "no key is called 'untill'; did you mean until?"),
        ('"goes in January"', '""', "[[loss]] 1: reason: "),
        ("[[loss]]", "[[kept]]\ncells = 'x'\n[[loss]]", "no key is called 'kept'; there are: loss"),
        ("windows-7", "windows-8-*", "no client matches 'windows-8-*'"),
    ],
)
def test_a_mistake_in_what_is_accepted_is_one_clear_line(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    path = tmp_path / "known.toml"
    path.write_text(GOOD_LOSS)
    assert reading.acceptances(CATALOGUE, path)
    path.write_text(GOOD_LOSS.replace(old, new, 1))
    with pytest.raises(UsageError) as caught:
        reading.acceptances(CATALOGUE, path)
    assert said in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_every_form_of_selector_that_plan_takes_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "must.toml"
    for selector in (
        "none:*",
        "smb3-only+ntlmv2-only:samba-*:windows-*,curl:open,write",
        "*+smb3-only:*",
        "smb3-*:sles11-like",
    ):
        path.write_text(f'[[kept]]\ncells = "{selector}"')
        assert [one.entry.selector for one in reading.requirements(CATALOGUE, path)] == [selector]


def test_too_much_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "must.toml"
    for text in (GOOD_KEPT * (reading.MOST + 1), f'[[kept]]\ncells = "{"x" * 5000}"', "x = [" * 5000):
        path.write_text(text)
        with pytest.raises(UsageError):
            reading.requirements(CATALOGUE, path)
    path.unlink()
    path.mkdir()
    with pytest.raises(UsageError, match="is a folder, not a file"):
        reading.requirements(CATALOGUE, path)


PIECES = st.sampled_from(
    [
        *("[[kept]]", "[[closed]]", "[[loss]]", "[kept]", "kept", "cells", "holes", "until", "reason", "why"),
        *(" = ", "\n", '"', "'", ":", "*", ",", "+", "[", "]", "{", "}", ".", "?", "\x00", "\x1b", "\u202e"),
        *("smb3-only", "samba-4.22", "windows-7", "open", "none", "2026-11-30", "9" * 400, "1e999", "nan"),
        *("true", "2026-11-30T00:00:00Z", "00:00:00", '"""', "\\ud800", "日本", "a.a.a = 1"),
    ]
)


@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(PIECES | st.text(max_size=5), max_size=25), st.sampled_from(["", GOOD_KEPT, GOOD_LOSS]))
@example(["kept = 5"], "")
@example(["[kept.cells]"], "")
@example(["[[kept]]\ncells = '*:*:*:*+'"], "")
def test_whatever_is_in_a_file_is_answered_in_one_line(tmp_path: Path, pieces: list[str], start: str) -> None:
    path = tmp_path / "any.toml"
    path.write_bytes((start + "".join(pieces)).encode("utf-8", "surrogatepass"))
    readers: tuple[Callable[[Catalogue, Path], object], ...] = (reading.requirements, reading.acceptances)
    for read in readers:
        with suppress(UsageError):
            read(CATALOGUE, path)


# -- the command line -----------------------------------------------------------------------------------


def test_a_report_is_held_against_gates(tmp_path: Path) -> None:
    shutil.copytree(RUN, tmp_path / "run")
    must, known = tmp_path / "must.toml", tmp_path / "known.toml"
    must.write_text(
        '[[kept]]\ncells = "encryption-required:*:windows-10-*"\nwhy = "every desktop"\n'
        '[[closed]]\nholes = "encryption-required:*:encryption-not-required"\n'
    )
    known.write_text(
        '[[loss]]\ncells = "*:*:*"\nreason = "all \x1b go"\nuntil = 2999-01-01\n'.replace("\x1b", "\\u001b")
    )
    plain = rehearse("report", "run", "--runs", tmp_path)
    assert plain.status == 1
    done = rehearse("report", "run", "--runs", tmp_path, "--require", must, "--known", known)
    said = " ".join(done.stdout.split())
    assert done.status == 0, done.stderr
    assert "Gates hold: all 3 that are required are as they must be; 5 lost cells accepted." in said
    assert "accepted until 2999-01-01: nt-pipe-support-off on samba-4.22: ~windows-7" in said
    assert "\x1b" not in done.stdout
    assert "All 12 cells (5 lost) are as expected (by must.toml, and by 1 other source" in said
    assert "NOT as expected" in plain.stdout
    must.write_text('[[kept]]\ncells = "encryption-required:*:windows-7:opne"')
    wrong = rehearse("report", "run", "--runs", tmp_path, "--require", must)
    assert (wrong.status, wrong.stdout) == (64, "")
    assert wrong.stderr.startswith(f"rehearse: {must}: [[kept]] 1: no check is called 'opne'")
    # Nothing is measured before the files are found to be right.
    run_it = rehearse("run", "none:samba-4.22:curl:open", "--runs", tmp_path / "new", "--require", must)
    assert run_it.status == 64
    assert not list((tmp_path / "new").glob("*"))


def test_the_examples_of_the_page_are_read(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "ci.md").read_text()
    must, known = re.findall(r"^```toml\n(.*?)^```$", page, re.M | re.S)
    (tmp_path / "must.toml").write_text(must)
    (tmp_path / "known.toml").write_text(known)
    assert [one.entry.table for one in reading.requirements(CATALOGUE, tmp_path / "must.toml")] == [
        "kept",
        "closed",
    ]
    assert [one.until for one in reading.acceptances(CATALOGUE, tmp_path / "known.toml")] == [
        date(2027, 1, 31)
    ]
