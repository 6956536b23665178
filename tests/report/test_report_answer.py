"""The first screen: the unexpected on top, who is shut out, what they see, what it closes, what came back."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from balance_example import run
from known import CATALOGUE
from report_example import example, ok, printed, refused, too_wide

from harness.exposures.severity import Severity, grades
from harness.exposures.survey import facts
from harness.model import Attempt, Effect, Outcome, Phase, StepName
from harness.report.cell import show_cell
from harness.report.documents.result import render_json
from harness.report.formats import Source
from harness.report.language import language
from harness.report.page import Page
from harness.report.terminal import render
from harness.report.ticket import page as ticket
from harness.result import (
    SURVIVES,
    Already,
    Applied,
    ClientFact,
    MitigationFact,
    PartAlone,
    RunResult,
    ServerFact,
)

UNSEEN = language("en")("screen.sees_nothing_known")
KEPT, LOST, NEVER, FAULT = Effect.KEPT, Effect.LOST, Effect.NEVER, Effect.FAULT
FACTS = {fact.name: fact for fact in facts(CATALOGUE.exposures)}


def screen(result: RunResult, width: int = 80) -> str:
    console, raw = printed(width)
    render(result, console)
    return raw.getvalue().decode()


def flat(result: RunResult) -> str:
    return re.sub(r"\s+", " ", screen(result))


def change(effects: dict[str, Effect], holes: dict[str, str], **also: object) -> RunResult:
    result = run(effects, holes)
    return replace(result, exposure_facts=FACTS, **also)  # type: ignore[arg-type]


def test_it_is_short_and_the_rest_is_behind_details() -> None:
    console, raw = printed()
    render(example(), console, details=True)
    whole = raw.getvalue().decode()
    assert len(screen(example()).splitlines()) < len(whole.splitlines()) / 2
    assert "browse  open    write" not in screen(example())
    assert "more: rehearse report --details" in screen(example())
    assert "--details" not in whole


def test_everybody_shut_out_is_no_good_news_though_it_is_expected() -> None:
    text = flat(change({"a:s:xp:open": LOST, "a:s:ten:open": LOST}, {"a:s:x": "oco"}))
    assert "The change takes access away; after the rollback all is as before the change." in text
    assert "All 2 cells (2 lost) are as expected (nobody made a claim: nothing is to be lost)." in text
    assert (
        "SHUTS OUT ALL WHO WERE ASKED: make it only when they can get at their files in another way" in text
    )
    assert (
        "a on ~s: ~xp, ~ten are shut out; what is seen is not known; closes every hole that was open" in text
    )
    assert "everybody" not in text


def test_a_fault_is_no_good_news() -> None:
    """Where nothing was measured, nothing is said to stay."""
    assert "It is not known whether the change takes access away" in flat(change({"a:s:xp:open": FAULT}, {}))
    some = {"a:s:xp:open": FAULT, "b:s:xp:open": KEPT, "c:s:xp:open": LOST}
    assert "1 of 3 changes takes access away, of 1 it is not known" in flat(change(some, {}))
    several = {"a:s:xp:open": FAULT, "b:s:xp:open": KEPT}
    assert "None of 2 changes takes access away, of 1 it is not known" in flat(change(several, {}))
    assert "The change takes no access away" in flat(change({"b:s:xp:open": KEPT}, {}))


def test_whose_expectation_it_is() -> None:
    result = replace(run({"a:s:xp:open": KEPT}, {}), expected_by=("the article, row 1", "smb.conf(5)"))
    assert "The cell is as expected (by the article, row 1, and by 1 other source)." in flat(result)
    corrected = replace(
        result, cells=tuple(replace(one, claim="LOST, says the article") for one in result.cells)
    )
    assert (
        "as expected (by the article, row 1, and by 1 other source; in 1 of them by a correction of what was"
        in flat(corrected)
    )


def test_commands_are_never_broken() -> None:
    for width in (40, 60, 80, 200):
        text = screen(example(), width)
        assert "rehearse report --details" in text
        assert f"rehearse run --resume {example().run}" in text


def test_who_loses_what_and_who_stays() -> None:
    cells = {
        **{f"a:s:xp:{check}": LOST for check in ("browse", "open")},
        "a:s:seven:browse": LOST,
        "a:s:seven:open": KEPT,
        "a:s:ten:open": KEPT,
        "a:s:old:open": NEVER,
    }
    text = flat(change(cells, {"a:s:smb2-spoken": "oco", "a:s:ntlmv1-accepted": "oco", "a:s:x": "ooo"}))
    assert (
        "TAKES SOMETHING AWAY: the clients that are named need another way for it, or a replacement, first"
        in text
    )
    assert f"~xp is shut out; ~seven loses browse (keeps open); {UNSEEN}; ~ten keeps all; " in text
    assert "refused before the change already: ~old; closes 2 of 3" in text
    assert "closes 2 of 3 holes: ntlmv1-accepted, smb2-spoken" in text


def test_one_change_on_several_servers_with_the_same_to_be_said_is_one_entry() -> None:
    cells = {f"{change}:{server}:xp:open": LOST for change in ("a", "b") for server in ("s", "t")}
    text = screen(change(cells, {}))
    assert "  a or b on ~s, ~t: ~xp is shut out" in text
    assert text.count("shut out") == 1


def test_the_unexpected_stands_before_every_change_with_its_reason() -> None:
    text = flat(example())
    assert text.index("2 of 22 cells NOT as expected:") < text.index("SHUTS OUT ALL")
    assert text.index("1 NOT RESTORED by the rollback: ~ vendor-patch") < text.index("SHUTS OUT ALL")
    assert text.index("incomplete: 22 of 23 cells; continue with: rehearse run --resume") < text.index(
        "SHUTS"
    )
    assert r"FAULT: smbd died: Dateisystem voll" in text
    assert "as expected (by" not in text


@pytest.mark.parametrize(
    ("states", "said"),
    [
        ("ccc", "made for cve-2017-7494, which was closed here before the change; closes no other hole"),
        (
            "nnn",
            "made for cve-2017-7494, which was out of reach here before the change; closes no other hole",
        ),
        (
            "???",
            "made for cve-2017-7494: whether it closes that cannot be told here (seen ?); closes no other "
            "hole",
        ),
        (
            "?n?",
            "puts cve-2017-7494 out of reach and does not mend it (whether the server has it cannot be told "
            "here); closes no other hole",
        ),
        ("ooo", "does NOT close cve-2017-7494; closes no other hole"),
        ("oco", "closes 1 of 2 holes: cve-2017-7494"),
    ],
)
def test_what_a_change_is_made_for_is_said_whatever_became_of_it(states: str, said: str) -> None:
    """The vendor's patch closes nothing that was open where the release came with it already."""
    patch = MitigationFact("p", "a patch", "server", "access stays", "s", ("cve-2017-7494",))
    holes = {"p:s:cve-2017-7494": states, "p:s:smb1-spoken": "ooo"}
    text = flat(change({"p:s:xp:open": KEPT}, holes, mitigations={"p": patch}))
    assert said in text
    assert "COSTS NOBODY WHO WAS ASKED: can be made, as far as these clients go" in text


def test_a_stopped_server_is_never_the_better_way() -> None:
    cells = {f"{name}:s:{who}:open": LOST for name in ("server-stopped", "b") for who in ("xp", "ten")}
    holes = {"server-stopped:s:x": "oco", "server-stopped:s:y": "oco", "b:s:x": "oco", "b:s:y": "ooo"}
    console, raw = printed()
    render(change(cells | {"b:s:ten:open": LOST}, holes), console, details=True)
    text = re.sub(r"\s+", " ", raw.getvalue().decode())
    assert "closed at the smallest loss: x: by b (loses" in text
    assert "no change measured here closes: y" in text
    assert "nobody is served: a measure for hours" in text
    assert not re.search(r"server-stopped closes no less|by server-stopped", text)


def test_the_same_before_with_and_after_is_no_proof_of_a_change() -> None:
    applied = Applied("a", "s", "a logon with NTLMv1: refused", "a logon with NTLMv1: refused")
    console, raw = printed()
    render(replace(run({"a:s:xp:open": KEPT}, {}), applied=(applied,)), console, details=True)
    text = re.sub(r"\s+", " ", raw.getvalue().decode())
    assert "changes nothing here, seen the same with it and after it: a logon with NTLMv1: refused" in text
    assert "took effect" not in text


@pytest.mark.parametrize(
    ("effect", "told"),
    [
        (KEPT, "already so: changes nothing here"),
        # Whoever was refused before shows nothing of what was in force.
        (NEVER, "not proven that it was made: verify sees the same without it"),
        (LOST, "not proven that it was made: verify sees the same without it"),
    ],
)
def test_what_was_so_before_is_told_as_far_as_it_is_known(effect: Effect, told: str) -> None:
    applied = Applied("a", "s", "", already=(Already("a", "refused"),))
    console, raw = printed()
    render(replace(run({"a:s:xp:open": effect}, {}), applied=(applied,)), console)
    text = re.sub(r"\s+", " ", raw.getvalue().decode())
    assert told in text
    assert text.count("already so") == ("already so" in told)


def test_the_mark_is_explained_where_somebody_carries_it() -> None:
    real = {
        "servers": {"s": ServerFact("s", "", "Samba", "real")},
        "clients": {"xp": ClientFact("xp", "", "real", "")},
    }
    result = run({"a:s:xp:open": KEPT}, {})
    assert "~ emulated: rebuilt, not the product itself;" in screen(result)
    assert "~" not in screen(replace(result, **real))  # type: ignore[arg-type]


@pytest.mark.parametrize("width", [40, 80, 132])
def test_no_line_is_wider_than_the_console(width: int) -> None:
    assert not too_wide(screen(example(), width), width)


def test_a_long_name_is_broken_behind_a_separator() -> None:
    name = "encryption-required+signing-required+ntlmv2-only+aes256-only+smb311-only on ~consumer-nas"
    console, raw = printed(40)
    page = Page(console)
    page.hanging(page.text(f"the change {name}: loses nobody"))
    lines = [line.strip() for line in raw.getvalue().decode().splitlines()]
    assert lines[1] == "encryption-required+signing-required+"
    assert lines[2] == "ntlmv2-only+aes256-only+smb311-only on"


def test_every_exposure_has_a_severity_with_a_source() -> None:
    assert set(grades()) == {*CATALOGUE.exposures, SURVIVES}
    assert all(grade.source for grade in grades().values())
    order = [Severity(fact.severity) for fact in facts(CATALOGUE.exposures)]
    assert order == sorted(order, key=list(Severity).index)


def test_what_a_mitigation_is_made_for_is_an_exposure() -> None:
    aims = {aim for one in CATALOGUE.mitigations.values() for aim in one.aims}
    assert aims
    assert aims <= set(CATALOGUE.exposures)


def test_what_the_server_refused_before_is_shown_where_a_laxer_one_lets_it_in() -> None:
    strict = {"s": ServerFact("s", "", "Samba", "real", laxer="s-smb1")}
    cells = {"a:s:copier:write": NEVER, "a:s:ten:write": KEPT}
    only = replace(run(cells, {}), servers=strict)
    assert "refused before the change already: ~copier (not measured: what they would lose on" in flat(only)
    both = replace(run({**cells, "a:s-smb1:copier:write": LOST}, {}), servers=strict)
    assert "refused before the change already: ~copier (LOST on s-smb1, which lets them in)" in flat(both)
    by_cell = {one["cell"]: one for one in json.loads(render_json(both))["cells"]}
    assert by_cell["a:s:copier:write"]["effect_on_laxer"] == "lost"
    assert by_cell["a:s:ten:write"]["effect_on_laxer"] is None


def test_every_packaged_release_comes_with_smb1_and_ntlmv1_allowed() -> None:
    packaged = [one for name, one in CATALOGUE.servers.items() if re.fullmatch(r"samba-\d+\.\d+", name)]
    assert len(packaged) >= 4
    for one in packaged:
        laxer = CATALOGUE.servers[one.laxer]
        assert laxer.name == f"{one.name}-smb1"
        assert laxer.conf.globals == {"server min protocol": "NT1", "ntlm auth": "ntlmv1-permitted"}
        assert (laxer.image, laxer.upgrades) == (one.image, one.upgrades)


def test_what_is_not_settled_is_neither_kept_nor_lost() -> None:
    open_one = replace(run({"a:s:mac:open": KEPT}, {}).cells[0], effect=Effect.NOT_SETTLED)
    lost = run({"a:s:xp:open": LOST}, {})
    both = flat(replace(lost, cells=(*lost.cells, open_one)))
    assert "TAKES SOMETHING AWAY" in both
    assert f"~xp is shut out; {UNSEEN}; not settled: ~mac" in both
    alone = flat(replace(lost, cells=(open_one,)))
    assert "NOTHING CAN BE SAID" in alone
    assert "COSTS NOBODY" not in alone


def test_whom_the_lists_leave_out_is_refused_as_intended() -> None:
    """Not that nothing can be said: that is said of faults, and of what nobody could do before."""
    refused_too = run({"a:s:ten:open": NEVER, "a:s:copier:open": NEVER}, {})
    outside = {"s": ServerFact("s", "", "Samba", "real", role="outsider")}
    shown = flat(replace(refused_too, servers=outside))
    assert "REFUSED BEFORE, AND STILL REFUSED: as intended" in shown
    assert "NOTHING CAN BE SAID" not in shown
    assert "not known whether the change" not in shown
    made = Source(replace(refused_too, servers=outside), Path(), CATALOGUE, "en")
    asked = " ".join(ticket.render(made).split())
    assert "These users were refused before and still are, as intended" in asked
    assert "It is not known whom this costs" not in asked
    # Of anybody else nothing can be said.
    assert "NOTHING CAN BE SAID" in flat(refused_too)
    gained = run({"a:s:ten:open": Effect.GAINED, "a:s:copier:open": NEVER}, {})
    let_in = flat(replace(gained, servers=outside))
    assert "LETS IN WHOM THE SHARE'S LISTS LEAVE OUT" in let_in
    assert "NOTHING CAN BE SAID" not in let_in


def _alone(**effects: Effect | None) -> dict[str, PartAlone]:
    stopped = refused(StepName.SESSION_SETUP, "STATUS_LOGON_FAILURE")
    nothing = Attempt(Outcome.UNSUPPORTED, note="it is far away")
    return {
        name: PartAlone(
            effect, stopped if effect else nothing, None if effect is LOST else effect, "its hash"
        )
        for name, effect in effects.items()
    }


def test_which_part_of_a_combination_takes_whom() -> None:
    result = run(
        {f"a+b:s:{who}:{check}": LOST for who in ("copier", "ten") for check in ("open", "write")}, {}
    )
    parts = [
        _alone(a=LOST, b=KEPT),
        _alone(a=LOST, b=KEPT),
        _alone(a=LOST, b=LOST),
        _alone(a=KEPT, b=None),
    ]
    cells = tuple(replace(cell, parts=one) for cell, one in zip(result.cells, parts, strict=True))
    text = flat(replace(result, cells=cells))
    assert (
        f"~copier, ~ten are shut out; {UNSEEN}; a takes ~copier; a and b, each alone, take ~ten open; "
        in text
    )
    assert "which part takes ~ten write: not measured" in text
    assert "; a takes it;" in flat(replace(result, cells=cells[:2]))
    alone = replace(cells[0], cell=replace(cells[0].cell, mitigation="a"), parts={})
    assert "takes" not in flat(replace(result, cells=(alone,))).partition("access away")[2]


def test_the_parts_of_a_combination_in_the_document_and_on_the_page_of_a_cell() -> None:
    result = run({"a+b:s:copier:open": LOST}, {})
    found = replace(result.cells[0], parts=_alone(a=LOST, b=None))
    (shown,) = json.loads(render_json(replace(result, cells=(found,))))["cells"]
    assert shown["parts"] == {
        "a": {
            "effect": "lost",
            "without": None,
            "step": "session-setup",
            "status": "STATUS_LOGON_FAILURE",
            "cause": "its hash",
            "note": "",
        },
        "b": {
            "effect": None,
            "without": None,
            "step": None,
            "status": None,
            "cause": "its hash",
            "note": "it is far away",
        },
    }
    console, raw = printed()
    show_cell(replace(result, cells=(found,)), found.cell, console)
    text = raw.getvalue().decode()
    assert "with a alone: session-setup STATUS_LOGON_FAILURE (server), 4.5 ms" in text
    assert "with b alone: not measured\n" in text
    assert "it is far away" in text


def test_what_is_gained_where_nothing_worked_before_costs_nobody() -> None:
    """A share that is new with the change; a fault beside it leaves that open."""
    gained = {"new:server:mac:write": Effect.GAINED, "new:server:old:write": NEVER}
    for more, heading in (({}, "COSTS NOBODY"), ({"new:server:pc:write": FAULT}, "NOTHING CAN BE SAID")):
        shown = screen(run({**gained, **more}, {}))
        assert heading in shown
        assert "~mac gains write, refused before;" in " ".join(shown.split())


def test_who_keeps_access_and_logs_on_otherwise_is_told() -> None:
    """The next change, of what it falls back to, would take it away."""
    result = run({"a:s:xp:open": KEPT, "a:s:ten:open": KEPT, "a:s:seven:open": LOST}, {})
    ways = {"xp": ("Kerberos (AES-256)", "NTLMv2"), "ten": ("Kerberos (AES-256)",) * 2}
    cells = tuple(
        replace(
            cell,
            phases={
                phase: replace(ok(), auth=auth)
                for phase, auth in zip(
                    Phase, ways.get(cell.cell.client, ("Kerberos", "NTLMv2")), strict=False
                )
            },
        )
        for cell in result.cells
    )
    text = flat(replace(result, cells=cells))
    assert "~xp logs on with NTLMv2, not with Kerberos (AES-256) any more" in text
    assert text.count("log on with") + text.count("logs on with") == 1
