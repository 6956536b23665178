"""A staged plan as people and machines read it: terminal, Markdown, a page, the document."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import jsonschema
import pytest
from any_run import runs
from hypothesis import given, settings
from known import CATALOGUE
from report_example import printed
from rich.cells import cell_len
from rollout_office import FLEET, KIN, office

from harness.errors import RehearsalError
from harness.report.documents.rollout import render_json, schema
from harness.report.documents.rollout_parts import RolloutDocument
from harness.report.html import rollout_page
from harness.report.language import codes, language
from harness.report.rollout.markdown import render as markdown
from harness.report.rollout.terminal import render as text
from harness.report.rollout.view import Plan
from harness.result import RunResult
from harness.result.machines import FleetFact, MachineGroup
from harness.rollout.crowd import each_kind_once
from harness.rollout.plan import make
from harness.rollout.wishes import Due, Wishes

COMMAND = "rehearse rollout --run a-run --fleet office"
DEMANDS = Wishes(never_lose=("windows-10-22h2",), close=(Due("ntlmv1-accepted", 2),))


def plan(lang: str = "en", fleet: FleetFact = FLEET, run: RunResult | None = None) -> Plan:
    result = run or office()
    return Plan(CATALOGUE, result, make(result, fleet, DEMANDS, KIN), language(lang))


def on_terminal(shown: Plan, width: int = 100) -> str:
    console, raw = printed(width)
    text(shown, console)
    return raw.getvalue().decode()


def in_one_line(words: str) -> str:
    return " ".join(words.split())


def test_the_terminal_says_who_what_and_how() -> None:
    shown = on_terminal(plan())
    assert max(cell_len(line) for line in shown.splitlines()) <= 100
    words = in_one_line(shown)
    for sentence in (
        "Rollout plan: samba-4.22-smb1, ~consumer-nas",
        "Weighed: the fleet office, machines: 70.",
        "Demanded: windows-10-22h2 must never lose anything.",
        "Demanded: ntlmv1-accepted (high) is closed by the end of stage 2.",
        "Stage 1: today, no rehearsed machine loses anything (not rehearsed: 7)",
        "Find out what the machines of no known kind are (4).",
        "Machines that lose something by then: 0 of 70; perhaps: 0; not rehearsed: 7.",
        "Stage 2: machines to be fixed first, or given up: 6",
        "For samba-4.22-smb1: set ~windows-10-ntlmv1 (machines: 2) as windows-10-22h2, which is measured to "
        "keep everything.",
        "For samba-4.22-smb1: replace ~office-scanner (machines: 3 to 4)",
        "Find out what these machines are, as some of these kinds lose something and others do not: "
        "~office-scanner, ~windows-7 (1).",
        "cp -p /etc/samba/smb.conf /etc/samba/smb.conf.before-stage-2",
        "server min protocol = SMB2_02",
        "cp -p /etc/samba/smb.conf.before-stage-3 /etc/samba/smb.conf",
        "rehearse expose ADDRESS --closed smb2-spoken",
        "Nothing is said of machines that may be of a kind that was not asked on every server of the plan "
        "(amiga): 1.",
        "Nothing is said of machines of no known kind: 4.",
        "Of 3 combinations of two changes 2 were measured on samba-4.22-smb1.",
        "Nothing measured closes smb1-spoken (high) on ~consumer-nas.",
        "Emulated clients, marked ~: ~windows-7, ~office-scanner, ~windows-10-ntlmv1.",
    ):
        assert sentence in words, sentence


def test_a_later_stage_changes_what_differs_and_not_more() -> None:
    """The lines of stage 3 are those that stage 2 has not made; what stage 1 alone made is taken out."""
    document = json.loads(render_json(plan(), COMMAND))
    ini = [
        [line for doing in stage["steps"][0]["apply"] if doing["language"] == "ini" for line in doing["do"]]
        for stage in document["stages"]
    ]
    assert ini[0] == ["nt pipe support = no"]
    assert sorted(ini[1]) == [
        "# nt pipe support = no",
        "ntlm auth = ntlmv2-only",
        "server min protocol = SMB2_02",
    ]
    assert ini[2] == ["server min protocol = SMB3_00"]


def test_the_document_is_as_its_schema_says_and_can_be_read_again() -> None:
    shown = render_json(plan("ja"), COMMAND)
    document = json.loads(shown)
    jsonschema.Draft202012Validator(schema()).validate(document)
    assert RolloutDocument.model_validate_json(shown).fleet.machines == 70
    assert document["command"] == COMMAND
    assert [stage["machines"]["lost"] for stage in document["stages"]] == [0, 5, 25]
    assert document["answer"][0].startswith("Weighed"), "sentences of the document are in English"
    assert document["search"][0]["cost"]["late_high"] == 0
    last = {tuple(group["clients"]): group for group in document["stages"][2]["groups"]}
    assert (last["windows-7",]["fate"], last["windows-7",]["new"]) == ("lost", True)
    assert last[()]["fate"] == "not rehearsed"


@pytest.mark.parametrize("lang", codes())
def test_every_format_has_the_plan_in_every_language(lang: str) -> None:
    shown = plan(lang)
    pages = {"markdown": markdown(shown, COMMAND), "html": rollout_page.render(shown, COMMAND)}
    words = {
        "markdown": pages["markdown"].replace("\\~", "~"),
        "html": "".join(Reader.of(pages["html"]).words),
    }
    for page in words.values():
        for said in ("~windows-7", "server min protocol = SMB3_00", "smb2-spoken", COMMAND):
            assert said in page
        assert shown.say("rollout.cheaper") in page
    assert pages["html"].isascii()
    assert "<script" not in pages["html"]
    assert not re.search(r"\{[a-z]+\}", words["markdown"]), "no place of a sentence is left empty"


class Reader(HTMLParser):
    """What a page shows; nothing that it would load."""

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self.loads: list[str] = []

    @classmethod
    def of(cls, page: str) -> Reader:
        found = cls()
        found.feed(page)
        return found

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.loads += [
            f"{tag} {name}" for name, value in attrs if name in ("src", "href") and value and value[0] != "#"
        ]
        self.loads += [f"{tag} {name}" for name, _ in attrs if name == "style" or name.startswith("on")]


def test_the_page_loads_nothing_and_draws_every_stage() -> None:
    page = rollout_page.render(plan(), COMMAND)
    assert Reader.of(page).loads == []
    assert "default-src &#39;none&#39;" in page
    values = re.findall(r'class="bar-value"[^>]*>(\d+)<', page)
    assert values == ["5", "0", "4", "0", "2", "6", "1", "25"]


def test_without_a_fleet_it_says_so_and_counts_kinds() -> None:
    words = in_one_line(on_terminal(plan(fleet=each_kind_once(office()))))
    assert "There is no fleet: each client that was asked counts as one machine (4)." in words
    assert "Kinds of client that lose something by then: 3 of 4; perhaps: 0." in words
    assert "machines:" not in words.partition("Why no order is cheaper")[0]


def test_who_is_in_no_office_needs_nothing_and_who_was_not_asked_is_to_be_rehearsed() -> None:
    fleet = FleetFact(
        "small",
        (
            MachineGroup(("windows-10-22h2",), 5, sure=True),
            MachineGroup(("macos-13", "windows-10-22h2"), 2),
        ),
    )
    result = office()
    found = make(result, fleet, Wishes(servers=("samba-4.22-smb1",)), KIN)
    words = in_one_line(on_terminal(Plan(CATALOGUE, result, found, language("en"))))
    assert "Stage 1: today, no rehearsed machine loses anything (not rehearsed: 2)" in words
    assert "rehearse run 'ntlmv2-only+smb3-only:samba-4.22-smb1:macos-13'" in words
    assert (
        "No machine of the fleet is, or may be, what loses something besides: ~windows-7, ~office-scanner, "
        "~windows-10-ntlmv1." in words
    )
    assert not any(stage.remedies for stage in found.stages)
    assert found.legacy is None


def test_a_run_that_was_cut_off_says_so() -> None:
    cut = replace(office(), complete=False, planned=99)
    assert "cells that are measured: 27 of 99" in in_one_line(on_terminal(plan(run=cut)))


@given(run=runs())
@settings(max_examples=25, deadline=None)
def test_any_run_is_shown_or_refused_in_one_line(run: RunResult) -> None:
    try:
        found = make(run, each_kind_once(run), Wishes(), KIN)
    except RehearsalError:
        return
    shown = Plan(CATALOGUE, run, found, language("en"))
    assert "\x1b" not in on_terminal(shown)
    jsonschema.Draft202012Validator(schema()).validate(json.loads(render_json(shown, COMMAND)))
    assert "<img" not in markdown(shown, COMMAND)
    assert Reader.of(rollout_page.render(shown, COMMAND)).loads == []
