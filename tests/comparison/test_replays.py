"""Whether a cell came out as recorded: what counts as different, what as chance, and how both are told."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Mapping
from dataclasses import replace

import jsonschema
import pytest
from balance_example import cell, refused, run

from harness.comparison.replays import CellReplay, Replay, Replayed, compare
from harness.model import Attempt, Effect, Outcome, Phase, StepName
from harness.planning.plan import SourceKind
from harness.report import replayed
from harness.report.documents.replay import render_json, schema
from harness.report.language import DEFAULT, language
from harness.report.page import console_for
from harness.result import CellResult, Circumstances, FileSince, PartAlone, RunResult, ServerFact

NAME = "smb3-only:samba-4.22:windows-7:open"
VALIDATOR = jsonschema.Draft202012Validator(schema())
OK = Attempt(Outcome.OK)


def of(*cells: CellResult) -> RunResult:
    return replace(run({}, {}), cells=cells)


def one(recorded: CellResult, now: CellResult) -> CellReplay:
    (found,) = compare(of(recorded), of(now)).cells
    return found


def shown(found: Replay, lang: str = DEFAULT) -> str:
    out = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)
    replayed.render(found, console_for(out, {"COLUMNS": "300"}), lang)
    out.seek(0)
    return out.read()


def under(found: CellResult, phases: Mapping[Phase, Attempt]) -> CellResult:
    return replace(found, phases={**found.phases, **phases})


@pytest.mark.parametrize("effect", [effect for effect in Effect if effect is not Effect.FAULT])
def test_times_and_words_of_programs_do_not_count(effect: Effect) -> None:
    made = cell(NAME, effect)
    slower = {when: replace(one, ms=99.0, note="x", said="y") for when, one in made.phases.items()}
    found = one(made, replace(made, phases=slower, expected=False, claim="z", user_sees="u"))
    assert (found.came, found.differences) == (Replayed.SAME, ())


@pytest.mark.parametrize(
    ("now", "said"),
    [
        (cell(NAME, Effect.KEPT), "effect was lost, is kept"),
        (replace(cell(NAME, Effect.LOST), restored=False), "restored by the rollback was yes, is no"),
        (replace(cell(NAME, Effect.LOST), cause="the moon"), "cause was none, is the moon"),
        (
            cell(NAME, Effect.LOST, StepName.TREE_CONNECT),
            "with the change: step was negotiate, is tree-connect",
        ),
        (
            under(
                cell(NAME, Effect.LOST),
                {Phase.APPLIED: replace(refused(StepName.NEGOTIATE), status="RESET")},
            ),
            "with the change: status was STATUS_ACCESS_DENIED, is RESET",
        ),
        (
            under(cell(NAME, Effect.LOST), {Phase.ROLLED_BACK: replace(OK, dialect="3.1.1")}),
            "after the rollback: dialect was none, is 3.1.1",
        ),
    ],
)
def test_what_is_different_is_named_then_and_now(now: CellResult, said: str) -> None:
    found = one(cell(NAME, Effect.LOST), now)
    assert found.came is Replayed.DIFFERENT
    assert said in shown(compare(of(cell(NAME, Effect.LOST)), of(now)))
    whole = compare(of(cell(NAME, Effect.LOST)), of(now))
    assert said in shown(whole)
    assert "0 of 1 cell came out the same (1 different)." in shown(whole)
    assert "Software, data and machine are as they were recorded." in shown(whole)


def test_a_fault_and_a_cell_that_was_not_reached_say_nothing() -> None:
    broken = one(cell(NAME, Effect.LOST), cell(NAME, Effect.FAULT))
    assert (broken.came, broken.differences) == (Replayed.FAULT, ())
    # Even where the recorded one was a fault, too: a fault twice is no agreement.
    assert one(cell(NAME, Effect.FAULT), cell(NAME, Effect.FAULT)).came is Replayed.FAULT
    assert one(cell(NAME, Effect.FAULT), cell(NAME, Effect.KEPT)).came is Replayed.DIFFERENT
    found = compare(of(cell(NAME, Effect.LOST)), of())
    assert [each.came for each in found.cells] == [Replayed.NOT_MEASURED]
    assert not found.same


def test_how_often_a_client_of_chance_came_through_is_no_difference() -> None:
    def tried(works: tuple[int, int] | None, outcome: Outcome = Outcome.OK) -> CellResult:
        made = Attempt(outcome, works=works, status=None if outcome is Outcome.OK else "UNRELIABLE")
        return under(replace(cell(NAME, Effect.KEPT), cause=str(works)), {Phase.APPLIED: made})

    found = one(tried((3, 5), Outcome.REFUSED), tried(None))
    assert (found.came, tuple(map(str, found.by_chance))) == (
        Replayed.SAME,
        ("with the change: came through in 3 of 5 tries then, in its only try now",),
    )
    # In none of its tries is another matter.
    assert one(tried((3, 5), Outcome.REFUSED), tried((0, 5), Outcome.REFUSED)).came is Replayed.DIFFERENT
    # So is what was refused outright.
    no = under(cell(NAME, Effect.LOST), {Phase.APPLIED: refused(StepName.NEGOTIATE)})
    assert one(tried((3, 5), Outcome.REFUSED), no).came is Replayed.DIFFERENT


def test_which_part_takes_a_client_away_counts_where_both_tried_it() -> None:
    lost = replace(cell("a+b:samba-4.22:curl:open", Effect.LOST), cause="a")
    part = PartAlone(Effect.LOST, refused(StepName.NEGOTIATE), None, "")
    tried = replace(lost, parts={"a": part})
    assert one(tried, tried).came is Replayed.SAME
    now = replace(tried, parts={"a": replace(part, effect=Effect.KEPT)})
    assert len(one(tried, now).differences) == 1
    assert "with a alone: effect was lost, is kept" in shown(compare(of(tried), of(now)))
    # An earlier version did not try them, and had another cause for that alone.
    assert one(replace(lost, cause="who knows"), tried).came is Replayed.SAME


def test_what_may_explain_it_is_told() -> None:
    def made(samba: str, version: str, *cells: CellResult) -> RunResult:
        fact = ServerFact("samba-4.22", "", samba, "real")
        seen = Circumstances("", "x86_64", "Linux", "Debian", 2, "3.11", version, "", {})
        return replace(of(*cells), servers={"samba-4.22": fact}, circumstances=seen)

    before, now = (
        made("4.22.1", "1", cell(NAME, Effect.LOST)),
        made("4.22.2", "2", cell(NAME, Effect.KEPT)),
    )
    found = compare(before, now, seed=7, of=30, notes=[FileSince("scenario", "x", "gone")])
    text = shown(found)
    for words in (
        "MEASURED WITH OTHER VERSIONS, which may explain it",
        "server samba-4.22: software 4.22.1 -> 4.22.2",
        "smb-rehearsal: version 1 -> 2",
        "drawn from 30 cells by seed 7",
        "the scenario x is gone: what was recorded of it counts, and it is not run",
        f"~ {NAME}: kept",
    ):
        assert words in text, words
    document = json.loads(render_json(found))
    VALIDATOR.validate(document)
    assert document["summary"] == {"same": 0, "different": 1, "fault": 0, "not_measured": 0}
    assert document["cells"][0]["differences"][0] == {
        "where": "",
        "what": "effect",
        "recorded": "lost",
        "now": "kept",
    }
    assert (document["seed"], document["drawn_from"], document["same"]) == (7, 30, False)


def test_what_became_of_files_is_told_in_the_language_of_the_reader() -> None:
    kinds = list(map(str, SourceKind))
    assert set(language("ja").sections["file_kind"]) == set(kinds)
    notes = [
        FileSince(kind, "/x/mine", became, "no access")
        for kind in kinds
        for became in ("changed", "gone", "unreadable")
    ]
    lost = cell(NAME, Effect.LOST)
    found = compare(of(lost), of(lost), notes=notes)
    text = shown(found)
    assert "the persona /x/mine is gone: measured with the copy that the run keeps" in text
    assert "the exposures /x/mine has changed since: looked for with the copy" in text
    assert "the image /x/mine cannot be read any more (no access): measured with the copy" in text
    told = [line for line in shown(found, "ja").splitlines() if "/x/mine" in line]
    assert len(told) == len(notes)
    for line in told:
        rest = line.replace("/x/mine", "").replace("no access", "").replace("Python", "")
        assert not re.search("[A-Za-z]", rest), line
    assert "シナリオ /x/mine はその後変更された。記録された内容が有効で、このファイルは実行しない" in told


def test_hostile_words_are_shown_and_not_obeyed() -> None:
    evil = replace(cell(NAME, Effect.LOST), cause="\x1b[2J\u202e")
    assert "\\x1b[2J\\u202e" in shown(compare(of(cell(NAME, Effect.LOST)), of(evil)))
