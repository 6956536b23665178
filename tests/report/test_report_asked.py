"""The first screen says no more than was asked: who may get in, a run without a change, which run it is."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from balance_example import run
from known import CATALOGUE
from report_example import example, printed

from harness.model import Effect, StepName
from harness.report.formats import Source
from harness.report.language import language
from harness.report.terminal import render
from harness.report.ticket import page as ticket
from harness.result import ClientFact, NotApplicable, RunResult, ServerFact

KEPT, LOST, NEVER, FAULT = Effect.KEPT, Effect.LOST, Effect.NEVER, Effect.FAULT


def flat(result: RunResult) -> str:
    console, raw = printed()
    render(result, console)
    return re.sub(r"\s+", " ", raw.getvalue().decode())


PIPE, DOOR, SOUGHT = StepName.CREATE_PIPE, StepName.NEGOTIATE, StepName.DISCOVER


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        ({"a:s:seven:browse": (LOST, PIPE)}, "~seven loses browse (nothing else was asked)"),
        ({"a:s:seven:discover": (LOST, SOUGHT)}, "~seven loses discover (nothing else was asked)"),
        (
            {"a:s:pc:open-by-address": (LOST, StepName.SESSION_SETUP)},
            "~pc loses open-by-address (nothing else was asked)",
        ),
        ({"a:s:seven:browse": (LOST, DOOR)}, "~seven is shut out"),
        ({"a:s:seven:browse": (LOST, PIPE), "a:s:seven:open": (LOST, PIPE)}, "~seven is shut out"),
        ({"a:s:seven:browse": (LOST, PIPE), "a:s:seven:open": (NEVER, PIPE)}, "~seven is shut out"),
    ],
)
def test_who_was_asked_for_the_list_of_shares_alone_is_not_shut_out_of_the_files(
    cells: dict[str, tuple[Effect, StepName]], said: str
) -> None:
    """Nobody replaces a Windows 7 because somebody rehearsed ``browse`` alone."""
    result = run(cells, {})
    shown = flat(result)
    assert f"a on ~s: {said}; " in shown
    alone = "nothing else" in said
    assert ("SHUTS OUT ALL" in shown, "TAKES SOMETHING AWAY" in shown) == (not alone, alone)
    written = ticket.render(Source(result, Path(), CATALOGUE))
    assert ("they are shut out" in written, "shuts out everybody" in written) == (not alone, not alone)


def test_a_run_that_changes_nothing_says_who_is_refused_and_what_is_open() -> None:
    """ "All as expected" is true of a client that is refused there every day."""
    cells = {
        "none:s:xp:open": NEVER,
        "none:s:ten:open": KEPT,
        "none:s:ten:browse": KEPT,
        "none:s:seven:open": KEPT,
        "none:s:seven:browse": NEVER,
        "none:other:xp:open": FAULT,
    }
    holes = {f"none:s:{name}": "o" for name in "abcde"} | {"none:s:z": "c", "none:other:a": "o"}
    shown = flat(run(cells, holes))
    assert "NOTHING IS CHANGED: who gets in, and what is open, as the server is" in shown
    assert (
        "on ~s: ~xp is refused; ~ten gets in; ~seven gets in, but is refused browse; "
        "5 holes are open: a, b, c, 2 more on ~other: 1 FAULT; 1 hole is open: a" in shown
    )
    # Cut off when of a change the holes alone were looked at.
    assert "5 holes are open: a, b, c, 2 more" in flat(
        run(cells, {**holes, "change:s:a": "oo", "change:s:b": "oc"})
    )
    assert "NOTHING IS CHANGED" not in flat(run({**cells, "b:s:ten:open": LOST}, {}))


def test_a_command_shows_the_run_that_it_stands_below() -> None:
    for called, command in (("", "report --details"), ("older", "report older --details")):
        console, raw = printed()
        render(example(), console, called=called)
        assert f"rehearse {command}\n" in raw.getvalue().decode()
        assert f"--resume {called or example().run}\n" in raw.getvalue().decode()


def test_what_cannot_be_made_on_a_server_is_told_with_its_reason() -> None:
    """Else whoever asked for the patch of a device waits for it; that a client cannot have it says less."""
    facts = {
        "servers": {"nas": ServerFact("nas", "", "Samba", "real")},
        "clients": {"ten": ClientFact("ten", "", "real", "")},
    }
    made = replace(run({"a:nas:ten:open": KEPT}, {}), **facts)  # type: ignore[arg-type]
    of_server = (
        NotApplicable("patch", "nas", "none is sold"),
        NotApplicable("upgrade", "nas", "none is sold"),
    )
    of_client = (NotApplicable("b", "ten", "no"),)
    shown = flat(replace(made, not_applicable=(*of_server, *of_client)))
    heading = language("en")("screen.cannot")
    assert f"{heading}: " in shown
    assert "patch or upgrade on nas: none is sold" in shown
    assert "on ten" not in shown
    assert heading not in flat(replace(made, not_applicable=of_client))


def test_a_ticket_has_no_section_that_says_nothing() -> None:
    """Of a run that was cut off before a cell was whole: nobody was emulated, and nobody was real."""
    written = ticket.render(Source(replace(run({}, {}), complete=False, planned=830), Path(), CATALOGUE))
    assert "Nothing was measured" in written
    assert "830 planned cells are missing" in written
    assert not re.search(r"(?m)^#+ .*\n+(#|\Z)", written.partition("\n\n")[2]), written
