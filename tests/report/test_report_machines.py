"""Reports speak of machines: how many of the fleet lose what, who perhaps does, of whom nothing is known."""

from __future__ import annotations

import html
import json
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest
from balance_example import run as made
from known import CATALOGUE
from report_example import example, printed

import harness.report
from harness.balance.machines import machines_of, weights
from harness.balance.pareto_front import tables
from harness.model import Effect
from harness.report import terminal
from harness.report.ci import summary
from harness.report.documents.result import render_json, to_document
from harness.report.formats import Source
from harness.report.html.page import render_html
from harness.report.language import language
from harness.report.machines import losses, rest
from harness.report.ticket import page as ticket
from harness.result import FleetFact, MachineGroup, RunResult

FLEET = FleetFact(
    "office",
    (
        MachineGroup(("windows-11-24h2",), 380, sure=True, dialect="3.1.1"),
        MachineGroup(("windows-7",), 19, sure=True, dialect="2.1"),
        MachineGroup(("office-scanner",), 3, sure=True),
        MachineGroup(("media-player", "windows-7"), 2, dialect="2.1"),
        MachineGroup(("media-player", "office-scanner", "windows-7", "windows-xp"), 1, dialect="NT LM 0.12"),
        MachineGroup(("linux-cifs",), 4, sure=True),
        MachineGroup((), 3),
    ),
    "2026-11-28",
)
LOST, KEPT, NEVER, FAULT = Effect.LOST, Effect.KEPT, Effect.NEVER, Effect.FAULT
CELLS = {
    "smb3-only:s:windows-7:open": LOST,
    "smb3-only:s:windows-7:write": LOST,
    "smb3-only:s:office-scanner:open": LOST,
    "smb3-only:s:office-scanner:write": LOST,
    "smb3-only:s:windows-xp:open": LOST,
    "smb3-only:s:windows-xp:write": LOST,
    "smb3-only:s:media-player:open": LOST,
    "smb3-only:s:media-player:write": KEPT,
    "smb3-only:s:windows-11-24h2:open": KEPT,
    "smb3-only:s:windows-11-24h2:write": KEPT,
    "signed:s:windows-7:open": KEPT,
    "signed:s:windows-7:write": KEPT,
    "signed:s:office-scanner:open": LOST,
    "signed:s:office-scanner:write": LOST,
    "signed:s:windows-xp:open": KEPT,
    "signed:s:windows-xp:write": KEPT,
    "signed:s:media-player:open": LOST,
    "signed:s:media-player:write": LOST,
    "signed:s:windows-11-24h2:open": FAULT,
    "signed:s:windows-11-24h2:write": KEPT,
}
HOLES = {"smb3-only:s:smb1-spoken": "oco", "signed:s:smb1-spoken": "oco"}


def run() -> RunResult:
    return replace(made(CELLS, HOLES), fleet=FLEET)


def test_a_sentence_names_who_loses_and_who_perhaps_does() -> None:
    found = machines_of(run())["smb3-only", "s"]
    assert losses(found, language("en")) == (
        "25 of 412 machines lose open: 19 windows-7, 3 office-scanner, 2 media-player or windows-7, "
        "1 unknown SMB1 client",
        "22 of 412 machines lose write: 19 windows-7, 3 office-scanner (3 more perhaps: "
        "2 media-player or windows-7, 1 unknown SMB1 client)",
    )
    assert rest(found.whole, language("en")) == (
        "7 machines are, or may be, of kinds that were not rehearsed: 4 linux-cifs, 3 unknown clients",
    )


def test_who_cannot_do_a_thing_at_all_is_no_machine_that_does_it() -> None:
    """Players do not write, and a machine that does is none of them."""
    unable = replace(FLEET, cannot=(("media-player", "write"),))
    cells = {name: effect for name, effect in CELLS.items() if not name.endswith("media-player:write")}
    found = machines_of(replace(made(cells, HOLES), fleet=unable))["smb3-only", "s"]
    assert [one.checks for one in found.losses] == [("open", "write")]
    assert not found.losses[0].perhaps


def test_of_whom_it_cannot_be_said_nothing_is_promised() -> None:
    whole = machines_of(run())["signed", "s"].whole
    assert (whole.lost, whole.perhaps, whole.not_rehearsed, whole.most) == (3, 3, 7, 393)
    assert "of 380 machines it cannot be said" in rest(whole, language("en"))[1]


def test_the_first_screen_says_it() -> None:
    console, raw = printed(400)
    terminal.render(run(), console)
    text = raw.getvalue().decode()
    assert "fleet office: 412 machines that connect, the newest seen on 2026-11-28\n" in text
    assert "25 of 412 machines lose open: 19 ~windows-7, 3 ~office-scanner, 2 ~media-player or" in text
    assert "7 machines are, or may be, of kinds that were not rehearsed" in text
    console, raw = printed(400)
    terminal.render(run(), console, details=True)
    assert "25 of 412 machines lose something, 7 more perhaps" in raw.getvalue().decode()


def test_a_run_without_a_fleet_speaks_of_no_machines() -> None:
    console, raw = printed(400)
    terminal.render(replace(run(), fleet=None), console, details=True)
    assert "machines" not in raw.getvalue().decode()


@pytest.mark.parametrize(
    ("lang", "said"),
    [("en", "25 of 412 machines lose open"), ("ja", "412 台中 25 台が open を失う: ")],
)
def test_ticket_and_page_say_it_in_the_language_of_the_reader(lang: str, said: str) -> None:
    ticketed = ticket.render(Source(run(), Path("a-run"), CATALOGUE, lang)).replace("\\", "")
    page = html.unescape(render_html(to_document(run()), lang))
    assert said in ticketed
    # A sentence among sentences, and in the section of its change.
    stop = language(lang)("machines.stop")
    ends = "1 unknown SMB1 client" if lang == "en" else "不明な SMB1 クライアント 1 台"
    assert ticketed.count(f"{ends}{stop}") >= 2
    assert said in page
    assert language(lang)("machines.axis") in page


def test_the_page_of_a_job_says_it() -> None:
    text = summary.render(Source(run(), Path("a-run"), CATALOGUE, "en"))
    assert "25 of 412 machines lose open: 19 \\~windows-7" in text


def test_the_document_counts_every_machine_once() -> None:
    schema = json.loads((Path(harness.report.__file__).parent / "result.schema.json").read_text())
    document = json.loads(render_json(run()))
    jsonschema.Draft202012Validator(schema).validate(document)
    assert (document["fleet"]["machines"], document["fleet"]["last_seen"]) == (412, "2026-11-28")
    (balance,) = [one for one in document["balances"] if one["mitigation"] == "smb3-only"]
    found = balance["machines"]
    assert (found["total"], found["lost"], found["perhaps"], found["not_rehearsed"]) == (412, 25, 0, 7)
    assert sum(group["machines"] for one in found["fates"] for group in one["groups"]) == 412
    assert found["losses"][0]["checks"] == ["open"]
    (untouched,) = [one for one in document["balances"] if one["mitigation"] == "none"]
    assert untouched["machines"] is None


def test_the_two_sided_picture_weighs_by_machines() -> None:
    """Both changes close the hole; one loses fewer kinds of client, and many more machines."""
    cells = {
        "one:s:windows-7:open": LOST,
        "one:s:windows-xp:open": KEPT,
        "one:s:media-player:open": KEPT,
        "other:s:windows-7:open": KEPT,
        "other:s:windows-xp:open": LOST,
        "other:s:media-player:open": LOST,
    }
    plain = made(cells, {"one:s:smb1-spoken": "oco", "other:s:smb1-spoken": "oco"})
    assert tables(plain)[0].cheapest[0].mitigations == ("one",)
    found = replace(plain, fleet=FLEET)
    assert weights(found) == {"windows-7": 20.25, "windows-xp": 0.25, "media-player": 1.25}
    assert tables(found)[0].cheapest[0].mitigations == ("other",)


def test_machines_of_a_hostile_name_are_shown_and_not_obeyed() -> None:
    evil = FleetFact("\x1b[2J<script>", (MachineGroup(("windows-7",), 1, sure=True),))
    result = replace(example(), fleet=evil)
    console, raw = printed()
    terminal.render(result, console)
    assert b"\x1b[2J" not in raw.getvalue()
    assert "<script>" not in ticket.render(Source(result, Path("a-run"), CATALOGUE, "en"))
    assert "<script>" not in render_html(to_document(result)).partition("</head>")[2].partition("<script")[0]
