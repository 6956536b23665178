"""What ``rehearse plan`` says is in Japanese where a reader wants that, but for what others wrote."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from known import CATALOGUE
from localised import by_option_and_locale
from report_example import printed
from test_report_ticket_japanese import Used, english

from harness.model import Row
from harness.planning import planner
from harness.planning.plan import Plan
from harness.record.forecast import Forecast
from harness.report import page, planned
from harness.report.language import Language, language
from harness.report.page import Page
from harness.report.planned import Outlook, State
from harness.result import LeftOut, NotApplicable

CELL = "smb3-only:samba-4.22:windows-7:open"
TYPED = (
    *("rehearse plan --details", "run --reuse", "smb3-only", "samba-4.22", "samba-4.17", "consumer-nas"),
    *("windows-7", "none", "open", "pairwise"),
)
RECORDED = ("trixie", "a-part", "a reason", "a title", "min")


def plans() -> Iterator[Plan]:
    one = planner.from_selectors(CATALOGUE, [CELL])
    yield one
    yield planner.from_selectors(CATALOGUE, ["none:samba-4.22:windows-7:open"])
    yield planner.from_selectors(CATALOGUE, ["smb3-only:consumer-nas,samba-4.22:windows-7:open"])
    absent = NotApplicable("smb3-only", "samba-4.22", "a reason")
    left_out = LeftOut("smb3-only", "a-part", "samba-4.22", "a reason")
    yield replace(one, not_applicable=(absent,), left_out=(left_out,))
    many = replace(one, name="pairwise", rows=(Row("pairwise", "a title", one.cells),) * 2)
    yield replace(many, not_applicable=(absent,))
    yield planner.from_selectors(CATALOGUE, ["smb3-only:samba-4.22,samba-4.17:windows-7:open"])


def outlooks() -> Iterator[Outlook]:
    times = (Forecast(60, 60, 1), Forecast(60, 900, 2, 2), Forecast(60, 900, 0), Forecast(0, 0, 0))
    for made in plans():
        for number, time in enumerate(times):
            images = {"trixie": [*State][number - 1]} if number else {}
            yield Outlook(made, number, images, time, number or None, lambda _, name: f"~{name}")


def test_no_english_of_ours_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    words = Used(language("ja").sections["plan"])
    say = Language("ja", {**language("ja").sections, "plan": words}, blanks=False)
    monkeypatch.setattr(page, "language", {"ja": say}.__getitem__)
    said, reasons = "", set()
    for outlook in outlooks():
        reasons |= {one.reason for one in outlook.made.not_applicable}
        console, raw = printed(9000)
        there = Page(console, "ja")
        for what in ("server", "client", "both", ""):
            row = {"job": "1", "cell": CELL, "phases": "3", "emulated": what}
            planned.each([row], there.say).render(console)
        planned.draw(there, outlook)
        planned.draw_end(there, outlook.made, details=False)
        said += raw.getvalue().decode()
    assert not english(said, (*TYPED, *RECORDED, *reasons))
    assert words.keys() - words.asked == set()


def test_the_option_chooses_else_the_locale(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    said, japanese = by_option_and_locale(["plan", CELL], monkeypatch, capsys)
    assert "1 cell, 1 server to start, 3 attempts" in said
    assert "1 セル、起動するサーバーは 1 台、試行 3 回" in japanese
