"""Who is real and who is emulated is told rightly of what never ran, too: in every form of a report."""

from __future__ import annotations

import html
import json
import re
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote

import pytest
from known import CATALOGUE
from report_example import printed

from harness.model import Attempt, Effect, Fidelity, Phase
from harness.record import journal, readback
from harness.report.cell import show_cell
from harness.report.formats import FORMATS, Source
from harness.report.terminal import render
from harness.result import Added, RunResult

SAVED = Path(__file__).parent.parent / "data" / "run"


@pytest.fixture(scope="module")
def nothing_ran() -> RunResult:
    """A run of which no server started: only faults are written down, and nobody's version."""
    recorded = journal.load(SAVED)
    recorded.servers.clear()
    recorded.clients.clear()
    read = readback.result_of(CATALOGUE, recorded)
    fault = dict.fromkeys(Phase, Attempt.fault("samba-4.22 does not start: no space left"))
    cells = (
        replace(one, effect=Effect.FAULT, expected=False, cause="no space left", phases=fault)
        for one in read.cells
    )
    return replace(read, cells=tuple(cells), exposures=())


def names(of: Fidelity, result: RunResult) -> set[str]:
    there = {cell.cell.client for cell in result.cells} | {cell.cell.server for cell in result.cells}
    truth = {name: one.fidelity for name, one in CATALOGUE.servers.items()}
    truth |= {name: one.fidelity for name, one in CATALOGUE.clients.items()}
    return {name for name in there if (truth[name] is Fidelity.REAL) is (of is Fidelity.REAL)}


@pytest.mark.parametrize("form", ["screen", "details", "cell", *FORMATS])
def test_what_is_real_carries_no_mark_though_it_never_ran(form: str, nothing_ran: RunResult) -> None:
    console, raw = printed(10_000)
    if form in FORMATS:
        source = Source(nothing_ran, SAVED, CATALOGUE, "en")
        text = "".join(FORMATS[form].write(source))
    else:
        if form == "cell":
            for found in nothing_ran.cells:
                show_cell(nothing_ran, found.cell, console)
        else:
            render(nothing_ran, console, details=form == "details")
        text = raw.getvalue().decode()
    real, emulated = (names(of, nothing_ran) for of in (Fidelity.REAL, Fidelity.RECORDED))
    assert real
    assert emulated
    marked = set(re.findall(r"~\\?`?([\w.\\-]+)", text))
    plain = {name.replace("\\", "") for name in marked}
    assert not plain & real
    assert form in {"json", "sarif", "cell"} or plain & emulated or form == "html"
    assert "not recorded" not in text.lower() or form == "html"


def test_what_nobody_knows_any_more_is_taken_for_emulated() -> None:
    recorded = journal.load(SAVED)
    recorded.clients.clear()
    gone = replace(CATALOGUE, clients={})
    assert not readback.result_of(gone, recorded).clients


OWN = "office@[経理部 100% ملفات 🎉]"
"""What a user calls the share whose id is that of the saved run's server."""


@pytest.mark.parametrize("form", ["screen", "details", "cell", *FORMATS])
def test_a_share_is_shown_by_the_name_that_its_owner_gave_it(form: str) -> None:
    """Its id, which holds less, stands only where it is to be typed, and beside that name once."""
    read = readback.result_of(CATALOGUE, journal.load(SAVED))
    (safe,) = read.servers
    servers = {safe: replace(read.servers[safe], called=OWN)}
    run = replace(read, servers=servers, added=(Added("server", safe, "yours"),))
    console, raw = printed(10_000)
    if form in FORMATS:
        text = "".join(FORMATS[form].write(Source(run, SAVED, CATALOGUE, "en")))
    elif form == "cell":
        show_cell(run, run.cells[0].cell, console)
        text = raw.getvalue().decode()
    else:
        render(run, console, details=form == "details")
        text = raw.getvalue().decode()
    if form in ("json", "sarif"):
        text = json.dumps(json.loads(text), ensure_ascii=False)
    shown = html.unescape(text)
    assert OWN in shown.replace("\\", "") or OWN in unquote(shown)
    assert not re.findall(rf"\bon [`~]*{re.escape(safe)}", shown)
    if form in ("screen", "details"):
        assert f"{OWN} ({safe})" in shown
