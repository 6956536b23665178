"""The ticket and the page of a job: a person who was not there can tell, and hostile text is only shown."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from itertools import chain
from pathlib import Path

import pytest
from any_run import runs
from hypothesis import Phase as Made
from hypothesis import given, settings
from known import CATALOGUE
from markdown_it import MarkdownIt
from report_example import example, printed

from harness.model import Hole, Phase, Sighting
from harness.record import journal, readback
from harness.report import terminal
from harness.report.ci import summary
from harness.report.documents import result as document
from harness.report.formats import Source
from harness.report.language import language
from harness.report.ticket import page as ticket
from harness.result import RunResult

SAVED = Path(__file__).parent.parent / "data" / "run"
READER = MarkdownIt("commonmark").enable(["table", "strikethrough"])
OURS = re.compile(
    r"(Change request|SMB rehearsal): .*|What will be done|Who loses what, and what they see|What it closes|"
    r"What to do first|How to roll back, and how that was verified|What was emulated|What was not measured|"
    r"Where this comes from|Not as expected|Holes and gates|Each change|"
    r"What people see, what it closes, what to do|(.* )?on .*"
)
JAPANESE = re.compile(
    r"変更申請: .*|(.* )?\(対象: .*\)|"
    + "|".join(its["section"] for name, its in language("ja").sections.items() if name.startswith("ticket_"))
)


def source(result: RunResult, lang: str = "en") -> Source:
    return Source(result, SAVED, CATALOGUE, lang)


def saved() -> RunResult:
    return readback.result_of(CATALOGUE, journal.load(SAVED))


def section(text: str, change: str, heading: str) -> str:
    """What stands below a heading of a change."""
    of_change = text.partition(f"## `{change}`")[2]
    return re.split(r"^#+ ", of_change.partition(f"{heading}\n")[2], maxsplit=1, flags=re.MULTILINE)[0]


def test_the_ticket_says_what_is_done_who_loses_what_is_closed_and_how_to_go_back() -> None:
    text = ticket.render(source(saved()))
    pipes = "nt-pipe-support-off"
    assert "   nt pipe support = no\n" in section(text, pipes, "What will be done")
    assert "   systemctl restart smbd\n" in section(text, pipes, "What will be done")
    lost = section(text, pipes, "Who loses what, and what they see")
    assert "| seeing the server's list of shares | opening a share by its path |" in lost
    assert "`~windows-7`" in lost
    assert "Access is denied" in lost
    assert "the server refuses every named pipe" in lost
    closed = section(text, pipes, "What it closes")
    assert "- Closes `anonymous-shares`" in closed
    assert "- Stays open: " in closed
    first = section(text, pipes, "What to do first")
    assert "what will not work any more: seeing the server's list of shares." in first
    back = section(text, pipes, "How to roll back, and how that was verified")
    assert "cp -p /etc/samba/smb.conf.before /etc/samba/smb.conf" in back
    assert "- 6 of 6 checks that worked before the change worked after the rollback." in back
    assert "opening the pipe srvsvc on a new connection: ok" in back
    assert "- Clients `~windows-7`: rebuilt from a capture of the real thing" in text
    assert "- Real: `samba-4.22` (Samba 4.22.11-Debian-4.22.11+dfsg-0+deb13u1), `smbclient`" in text


def test_one_change_alone_is_one_page_with_the_answer_on_top() -> None:
    run = saved()
    name = "encryption-required"
    one = replace(
        run,
        cells=tuple(cell for cell in run.cells if cell.cell.mitigation == name),
        exposures=tuple(hole for hole in run.exposures if hole.mitigation == name),
        applied=tuple(done for done in run.applied if done.mitigation == name),
    )
    text = ticket.render(source(one))
    assert text.startswith(
        "# Change request: SMB encryption required (smb encrypt = required)\n\nOn `samba-4.22`. **"
    )
    assert "1 of 3 kinds of client loses something." in text.splitlines()[2]
    assert "The rollback was tried, and brought everything back." in text.splitlines()[2]
    assert len(text.splitlines()) < 100


def test_what_speaks_against_the_change_is_said_first() -> None:
    text = ticket.render(source(example()))
    doubts = text.splitlines()[2]
    assert doubts.startswith("**Look closer before you decide:** 2 of 22 results are not what was expected; ")
    assert "1 results are not as before after the rollback" in doubts
    assert "the rehearsal is incomplete: 22 of 23 cells" in doubts
    patch = section(text, "vendor-patch", "What to do first")
    assert "**Do not make this change yet**" in patch
    assert "**1 planned cells are missing**" in text
    assert "**1 cells are faults**" in text
    assert "- `vendor-patch` on `~consumer-nas`: no patch to be had: its vendor publishes none" in text


def test_the_page_of_a_job_has_what_is_wrong_and_a_line_a_change() -> None:
    text = summary.render(source(example()))
    assert text.startswith("## SMB rehearsal: incomplete\n")
    assert "| **FAULT** | `vendor-patch` on `samba-4.17` | `~büro-scanner-日本語 open` |" in text
    good = summary.render(source(saved()))
    assert "| `encryption-required` | `samba-4.22` | `~windows-7` |" in good
    left = replace(saved().exposures[0], expected=False, claim="must be closed, and is open")
    assert "### Holes and gates" in summary.render(source(replace(saved(), exposures=(left,))))


def test_a_page_of_a_job_stays_small() -> None:
    run = saved()
    cells = tuple(
        replace(cell, cell=replace(cell.cell, server=f"s{at}"), cause="x" * 1000, expected=False)
        for at in range(600)
        for cell in run.cells[:1]
    )
    text = summary.render(source(replace(run, cells=cells, planned=len(cells))))
    assert len(text.encode()) < 200_000
    assert "500 more are not shown here." in text


def test_leaving_it_is_advised_only_where_what_it_is_made_for_can_be_seen() -> None:
    run = saved()
    # A change that closes nothing and costs somebody; first seen so, then made for what cannot be told.
    pipes = "nt-pipe-support-off"
    open_still = Sighting(Hole.OPEN, "yes")
    holes = [
        replace(one, phases=dict.fromkeys(one.phases, open_still))
        for one in run.exposures
        if one.mitigation == pipes
    ]
    cells = tuple(cell for cell in run.cells if cell.cell.mitigation == pipes)
    plain = replace(run, cells=cells, exposures=tuple(holes))
    assert "Consider leaving it as it is" in ticket.render(source(plain))
    (aim,) = run.mitigations[pipes].aims[:1]
    unknown = Sighting(Hole.UNKNOWN, "nobody can tell")
    unsure = [
        replace(one, phases=dict.fromkeys(one.phases, unknown)) if one.exposure == aim else one
        for one in holes
    ]
    assert "Consider leaving it" not in ticket.render(source(replace(plain, exposures=tuple(unsure))))
    assert "Consider leaving it" not in ticket.render(source(replace(plain, exposures=())))
    on_client = {pipes: replace(run.mitigations[pipes], side="client")}
    text = ticket.render(source(replace(plain, mitigations=on_client)))
    assert "Consider leaving it" not in text
    assert "What the change closes on clients was not looked for" in text


def test_many_changes_are_one_table_and_the_way_to_a_page_of_each() -> None:
    run = saved()
    cells = tuple(
        replace(cell, cell=replace(cell.cell, mitigation=f"change-{at}"))
        for at in range(ticket.MOST + 1)
        for cell in run.cells[:2]
    )
    text = ticket.render(source(replace(run, cells=cells, planned=len(cells))))
    assert "--format ticket --only CHANGE:SERVER`" in text
    assert text.count("| `change-") == ticket.MOST + 1
    assert "How to roll back" not in text


@pytest.mark.parametrize("write", [ticket.render, summary.render])
def test_nothing_measured_is_said(write: Callable[[Source], str]) -> None:
    nothing = replace(saved(), cells=(), exposures=(), complete=False)
    assert re.search("nothing was measured", write(source(nothing)), re.IGNORECASE)


def test_a_hole_that_was_opened_and_one_that_stayed_open_are_loud() -> None:
    run = saved()
    shut, is_open = Sighting(Hole.CLOSED, "no"), Sighting(Hole.OPEN, "yes")
    phases = {Phase.BASELINE: shut, Phase.APPLIED: is_open, Phase.ROLLED_BACK: is_open}
    bad = replace(run.exposures[0], phases=phases)
    text = ticket.render(source(replace(run, exposures=(bad, *run.exposures[1:]))))
    assert f"- **OPENS** `{bad.exposure}`" in text
    assert f"- **NOT shut again**: `{bad.exposure}`" in text


# Without making a failure smaller, which takes minutes for a whole run.
@settings(max_examples=20, deadline=None, phases=[Made.explicit, Made.reuse, Made.generate])
@given(run=runs())
def test_in_any_run_everything_that_is_not_ours_is_text_or_code(run: RunResult) -> None:
    for write, lang, ours in (
        (ticket.render, "en", OURS),
        (ticket.render, "ja", JAPANESE),
        (summary.render, "en", OURS),
    ):
        text = write(source(run, lang))
        assert all(char.isprintable() or char == "\n" for char in text)
        assert not re.search(r"##\w*\[|^\s*::\w", text, re.MULTILINE)
        tokens = READER.parse(text)
        html = [token.content for token in tokens if token.type == "html_block"]
        titles = ["Measured with (~ is emulated)", *(["Where the time went"] if run.spent else [])]
        details = [(f"<details><summary>{title}</summary>\n", "</details>\n") for title in titles]
        assert html == (list(chain.from_iterable(details)) if write is summary.render else [])
        pieces = {piece.type for token in tokens for piece in token.children or []}
        assert pieces <= {
            "text",
            "text_special",
            "code_inline",
            "strong_open",
            "strong_close",
            "softbreak",
        } | {
            "em_open",
            "em_close",
        }
        for at, token in enumerate(tokens):
            if token.type == "heading_open":
                assert ours.fullmatch(tokens[at + 1].content)


def test_what_was_done_instead_of_a_users_configuration_is_told_in_every_report() -> None:
    sentence = "[docs] root preexec = /bin/x: is left out: it is a command"
    run = example()
    servers = {name: replace(fact, instead=(sentence,)) for name, fact in run.servers.items()}
    told = replace(run, servers=servers)
    text = ticket.render(source(told))
    assert text.count("root preexec") == 1, "once for all shares of one configuration"
    assert "持ち込んだ設定" in ticket.render(replace(source(told), lang="ja"))
    console, out = printed()
    terminal.render(told, console, details=True)
    shown = " ".join(out.getvalue().decode().split())
    assert f"Done instead on {', '.join(servers)}" in shown
    assert sentence in shown
    console, out = printed()
    terminal.render(told, console)
    assert "1 thing of the configuration done instead: see --details" in out.getvalue().decode()
    assert json.loads(document.render_json(told))["servers"]["samba-4.17"]["instead"] == [sentence]
