"""Passages of the first screen that readers who were not there took for something else."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from balance_example import run
from known import CATALOGUE
from report_example import printed

from harness.model import Effect
from harness.report.ci import summary
from harness.report.documents.result import to_document
from harness.report.formats import Source
from harness.report.html.page import render_html
from harness.report.language import language
from harness.report.terminal import render
from harness.report.ticket import page as ticket
from harness.result import ClientFact, LeftOut, MitigationFact, NotApplicable, RunResult, ServerFact

KEPT, LOST, NEVER, GAINED = Effect.KEPT, Effect.LOST, Effect.NEVER, Effect.GAINED
SAY = language("en")
REAL = ClientFact("curl", "", "real", "curl 8")
NAS = ServerFact("nas", "", "", "configured", "a NAS")


def screen(result: RunResult, *, details: bool = False) -> str:
    console, raw = printed(80)
    render(result, console, details=details)
    return re.sub(r"\s+", " ", raw.getvalue().decode())


def sided(result: RunResult, side: str, aims: tuple[str, ...] = ()) -> RunResult:
    names = dict.fromkeys(one.cell.mitigation for one in result.cells)
    return replace(
        result, mitigations={name: MitigationFact(name, name, side, "", "", aims) for name in names}
    )


def test_a_change_on_clients_is_not_made_on_the_server_and_its_worth_is_not_the_servers() -> None:
    """Read as: switched off at the server, and good for nothing."""
    result = run({"a:s:xp:open": LOST, "b:s:xp:open": LOST}, {"a:s:x": "ooo", "b:s:x": "ooo"})
    there = screen(sided(result, "client"), details=True)
    assert "a or b at the clients of ~s: ~xp is shut out" in there
    assert f"{SAY('screen.closes_none_there')} " in there
    assert SAY("balance.better_not_there") in there
    assert SAY("balance.better_not") not in there
    here = screen(sided(result, "server"), details=True)
    assert "a or b on ~s: ~xp is shut out" in here
    assert "closes no hole of the server " in here
    assert SAY("balance.better_not") in here
    # One of each with the same to be said are not one entry.
    plain = run({"a:s:xp:open": LOST, "b:s:xp:open": LOST}, {})
    of_server = {"b": sided(plain, "server").mitigations["b"]}
    both = screen(replace(plain, mitigations={**sided(plain, "client").mitigations, **of_server}))
    assert "a at the clients of ~s: ~xp is shut out" in both
    assert "b on ~s: ~xp is shut out" in both


def test_what_is_kept_is_no_verb() -> None:
    """ "Loses browse and keeps open" was read as keeping something open."""
    text = screen(run({"a:s:xp:browse": LOST, "a:s:xp:open": KEPT}, {}))
    assert "~xp loses browse (keeps open);" in text
    assert "asked: browse (seeing the server's list of shares), open (opening a share by its path) " in text


def test_who_gains_one_thing_is_not_said_to_have_all() -> None:
    cells = {"a:s:ten:discover": GAINED, "a:s:ten:open": NEVER, "a:s:xp:open": KEPT, "a:s:xp:write": NEVER}
    text = screen(run(cells, {}))
    assert "~ten gains discover, refused before; refused before the change already: ~ten (open);" in text
    assert "~xp keeps all;" in text
    assert "refused before the change already: ~xp (write);" in text


def test_a_server_on_which_nothing_can_be_made_is_not_passed_over() -> None:
    """Read as: the patch costs nobody anywhere; the device without a patch was in no line."""
    no = (NotApplicable("a", "nas", "none is sold"), NotApplicable("b", "nas", "none is sold"))
    result = replace(run({"a:s:xp:open": KEPT}, {}), not_applicable=no, bystanders={"nas": NAS})
    assert f"{SAY('screen.cannot')}: {SAY('screen.cannot_advice')} a or b on ~nas: none is sold" in screen(
        result
    )


def test_whom_a_change_cannot_be_made_on_is_told_and_marked() -> None:
    no = (NotApplicable("a", "xp", "no SMB2"), NotApplicable("a", "curl", "no SMB2 either"))
    others: dict[str, ServerFact | ClientFact] = {"xp": replace(REAL, fidelity="recorded"), "curl": REAL}
    result = replace(run({"a:s:ten:open": LOST}, {}), not_applicable=no, bystanders=others)
    assert "cannot be made on ~xp (no SMB2), curl (no SMB2 either) " in screen(result)
    whole = screen(result, details=True)
    assert "a on ~xp: no SMB2 a on curl: no SMB2 either" in whole
    asked = ticket.render(Source(result, Path(), CATALOGUE, "en"))
    assert "`a` on `~xp`: no SMB2" in asked
    assert "`a` on `curl`: no SMB2 either" in asked
    many = tuple(NotApplicable("a", f"c{at}", f"no {at}") for at in range(6))
    assert "cannot be made on ~c0, ~c1, ~c2 and 3 more: why is in the details" in screen(
        replace(result, not_applicable=many)
    )
    # What nobody called a server or a client is the name of neither.
    files = (NotApplicable("x.py", "every server", "it cannot be read"),)
    assert "x.py on every server: it cannot be read" in screen(
        replace(result, not_applicable=files), details=True
    )


def test_of_a_change_that_was_made_it_is_not_said_that_it_cannot_be_made() -> None:
    """A check that is not for a server stood beside patches that nobody sells."""
    no = (NotApplicable("a", "s", "it is in no domain"), NotApplicable("a", "nas", "it is in no domain"))
    made = replace(run({"a:s:ten:open": KEPT}, {}), servers={"s": NAS})
    result = replace(made, not_applicable=no, bystanders={"nas": NAS})
    shown = screen(result)
    assert f"{SAY('screen.not_asked')}: {SAY('screen.not_asked_advice')} a on ~s: it is in no domain" in shown
    assert f"{SAY('screen.cannot')}: {SAY('screen.cannot_advice')} a on ~nas: it is in no domain" in shown
    page = render_html(to_document(result))
    assert f"<li>{SAY('screen.not_asked')}: a on ~s: it is in no domain</li>" in page
    assert f"<li>{SAY('screen.cannot')}: a on ~nas: it is in no domain</li>" in page


def test_who_loses_what_stands_before_the_part_that_a_client_cannot_have() -> None:
    parts = (LeftOut("a+b", "b", "s", "too old"), LeftOut("a+b", "a", "xp", "nothing else"))
    result = replace(run({"a+b:s:ten:open": LOST, "a+b:s:xp:open": KEPT}, {}), left_out=parts)
    text = screen(result)
    of_server, lost = text.index("without b (too old)"), text.index("~ten is shut out")
    assert of_server < lost < text.index("without a on ~xp (nothing else)")


@pytest.mark.parametrize(("effect", "told"), [(KEPT, "balance.no_matter"), (LOST, "balance.better_not")])
def test_a_cure_that_costs_nobody_is_not_better_left(effect: Effect, told: str) -> None:
    """The vendor's patch: what it is made for cannot be told here, and it takes nothing away."""
    result = sided(run({"patch:s:xp:open": effect}, {"patch:s:cve": "???"}), "server", ("cve",))
    text = screen(result, details=True)
    assert SAY(told) in text
    assert ("better left" in text) is (effect is LOST)
    gained = screen(run({"a:s:xp:open": KEPT, "a:s:ten:open": GAINED}, {"a:s:x": "ooo"}), details=True)
    assert "better left" not in gained
    assert SAY("balance.no_matter") not in gained


def test_what_came_out_otherwise_than_was_said_is_told_with_its_reason() -> None:
    """ "The source is wrong" was read as: something is wrong with the result."""
    result = replace(run({f"a:s:c{at}:open": KEPT for at in range(6)}, {}), expected_by=("the article",))
    claims = ["the article says lost, measured kept: no pipe is used"] * 2 + [""] * 4
    told = tuple(replace(one, claim=text) for one, text in zip(result.cells, claims, strict=True))
    heading = f"{SAY('screen.otherwise')}: {SAY('screen.otherwise_advice')}"
    text = screen(replace(result, cells=told))
    assert "(by the article; in 2 of them by a correction of what was said: see below)" in text
    assert f"{heading} ~c0, ~c1 open: {claims[0]} " in text
    many = tuple(replace(one, claim=f"said {at}") for at, one in enumerate(result.cells))
    assert "said 2 and 3 more, in the details" in screen(replace(result, cells=many))
    odd = tuple(replace(one, expected=False) for one in told)
    assert heading not in screen(replace(result, cells=odd))
    assert heading not in screen(result)


def test_a_stopped_server_closes_nothing_for_long() -> None:
    result = run({"server-stopped:s:xp:open": LOST}, {"server-stopped:s:x": "oco"})
    assert f"{SAY('screen.closes_every')}, for nobody is served: a measure for hours " in screen(result)


def test_the_page_of_a_job_answers_as_the_first_screen_does() -> None:
    """Its title was "all as expected" where everybody was shut out; what people see was on no line."""
    result = run({"a:s:xp:open": LOST, "b:s:xp:open": KEPT}, {"a:s:x": "oco", "b:s:x": "ooo"})
    cells = (replace(result.cells[0], user_sees="Access is denied"), result.cells[1])
    no = (NotApplicable("c", "nas", "none is sold"),)
    whole = replace(result, cells=cells, not_applicable=no, bystanders={"nas": NAS})
    text = summary.render(Source(whole, Path(), CATALOGUE, "en"))
    assert text.startswith("## SMB rehearsal: all as expected; 1 of 2 changes takes access away\n")
    answered = text.replace("\\", "")
    for part in (
        'a on ~s: ~xp is shut out; sees "Access is denied"; closes every hole that was open',
        f"**{SAY('screen.cost_all')}**: {SAY('screen.advice_all')}",
        "b on ~s: ~xp keeps all; closes no hole of the server",
        "c on ~nas: none is sold",
    ):
        assert part in answered


def test_the_html_page_names_what_cannot_be_made_and_does_not_call_a_cure_beaten() -> None:
    result = sided(run({"patch:s:xp:open": KEPT}, {"patch:s:cve": "???", "patch:s:x": "ooo"}), "server")
    no = (NotApplicable("patch", "nas", "none is sold"), NotApplicable("patch", "curl", "no"))
    whole = replace(result, not_applicable=no, bystanders={"nas": NAS, "curl": REAL})
    text = render_html(to_document(whole))
    assert f"<li>{SAY('screen.cannot')}: patch on ~nas: none is sold</li>" in text
    assert f"{SAY('screen.cannot')}: patch on curl" not in text
    assert SAY("balance.no_matter") in text
    assert SAY("sides.beaten_by", names=SAY("sides.none")) not in text
    costly = sided(run({"a:s:xp:open": LOST, "a:s:ten:open": KEPT}, {"a:s:x": "ooo"}), "client")
    there = render_html(to_document(costly))
    assert SAY("screen.closes_none_there") in there
    assert SAY("sides.beaten_by", names=SAY("sides.none")) in there
    documents = {one.subject: (one.side, one.emulated) for one in to_document(whole).not_applicable}
    assert documents == {"nas": ("server", True), "curl": ("client", False)}
    # So where parts of a combination alone cannot be made there.
    parts = tuple(LeftOut("patch+b", "b", name, "none is sold") for name in ("nas", "curl"))
    without = to_document(replace(whole, left_out=parts))
    assert {one.subject: (one.side, one.emulated) for one in without.left_out} == documents
    page = render_html(without)
    assert "<td>b</td><td>~nas</td>" in page
    assert "<td>b</td><td>curl</td>" in page
