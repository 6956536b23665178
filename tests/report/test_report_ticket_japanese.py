"""The ticket in Japanese: nothing of ours is left in English, and nothing that was recorded is translated."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from datetime import UTC, datetime
from itertools import chain, cycle
from typing import Any, Final

import pytest
from known import CATALOGUE
from report_example import example, ok
from test_formats_for_people import READER, SAVED, saved, source

from harness.cli import main as cli
from harness.model import (
    DATA_LOST,
    Attempt,
    Check,
    Effect,
    Fate,
    Hole,
    Outcome,
    Phase,
    Sighting,
    Stayed,
    StepName,
)
from harness.planning.settings import Doing, on_clients, on_server
from harness.report.language import Language, language
from harness.report.ticket import page as ticket
from harness.result import Added, Already, Circumstances, LeftOut, NotApplicable, Recovery, RunResult
from harness.servers.base import Conf
from harness.servers.platforms._conf_lines import conf_lines
from harness.system.plain import clean

PRODUCTS: Final = {
    *(
        "smb-rehearsal",
        "ksmbd.conf",
        "smb.conf",
        "[global]",
        "ksmbd",
        "smbd",
        "smb",
        "SMB",
        "Samba",
        "python",
    ),
    *("mDNS", "Mac", "Finder", "Avahi", "QUIC", "TLS"),
    *("WS-Discovery", "wsdd", "UDP", "TCP", "SPN", "IP"),
    *("Debian", "Ubuntu", "Red Hat", "SUSE", "PowerShell", "Windows", "Server", "OS"),
}
"""Latin words that a Japanese administrator writes as they are."""
PARTS: Final = {"list", "check", "connected", "fidelity", "aim", "made_with", "settings"}
"""Sections of the language files that the ticket has words of, besides its own."""
UNUSED: Final = {"fidelity.real", "aim.unknown_because", "settings.builds_any"}
"""The first two are the terminal's alone. Each change that is made on clients today names builds: the other
is for those that come."""
SERVERS: Final = ("samba-4.13", "samba-4.22-smb1", "ksmbd", "windows-server-2022", "windows-server-2016")
CHANGES: Final = (
    *("server-stopped", "release-upgrade", "vendor-patch", "nt-pipe-support-off-reload", "smb3-only"),
    *("ntlmv2-only+signing-required", "share-encryption-required", "smb1-server-off", "smb1-client-off"),
    *("guest-client-off", "signing-client-required", "ws-discovery-on", "mdns-on", "quic-relay-only"),
    "smb3-only@close-share",
)
AROUND: Final = Circumstances("host-a", "x86_64", "6.12", "Debian 13", 2, "3.13", "0.9", "0123abc")
REVERTED: Final = Recovery("snapshot", 9.0, "the fingerprint is that of before")


class Used(dict[str, str]):
    """The words of a section, and which of them were asked for."""

    def __init__(self, words: Mapping[str, str]) -> None:
        super().__init__(words)
        self.asked: set[str] = set()

    def __getitem__(self, key: str) -> str:
        self.asked.add(key)
        return super().__getitem__(key)

    def get(self, key: str, default: Any = None) -> Any:
        self.asked.add(key)
        return super().get(key, default)


def only(run: RunResult, change: str) -> RunResult:
    return replace(
        run,
        cells=tuple(cell for cell in run.cells if cell.cell.mitigation == change),
        exposures=tuple(hole for hole in run.exposures if hole.mitigation == change),
    )


def seen_so(run: RunResult, *states: Hole) -> RunResult:
    """Every hole before, with and after the change."""
    phases = dict(zip(Phase, (Sighting(state, "the probe saw it") for state in states), strict=True))
    return replace(run, exposures=tuple(replace(one, phases=phases) for one in run.exposures))


def effects(run: RunResult, effect: Effect) -> RunResult:
    return replace(run, cells=tuple(replace(cell, effect=effect) for cell in run.cells))


def changed(run: RunResult, **values: Any) -> RunResult:
    """The run with other values in each of its cells."""
    return replace(run, cells=tuple(replace(cell, **values) for cell in run.cells))


def fallen_back(run: RunResult) -> Iterator[RunResult]:
    """One client, and several, that keep access and log on otherwise."""
    phases = {
        phase: replace(ok(), auth="NTLMv2" if phase is Phase.APPLIED else "Kerberos (AES-256)")
        for phase in Phase
    }
    whole = changed(run, effect=Effect.KEPT, phases=phases)
    for count in (1, 2):
        cells = (replace(run.cells[0].cell, client=f"client-{at}") for at in range(count))
        yield replace(whole, cells=tuple(replace(whole.cells[0], cell=cell) for cell in cells))


def at_work() -> Iterator[Attempt]:
    """What may become of somebody who is connected."""
    on = Stayed(Fate.CARRIED_ON, True, acknowledged=9, kept=9, session="SMB1", anew="SMB1")
    over = (replace(on, fate=Fate.RECONNECTED), replace(on, fate=Fate.RECONNECTED, by_itself=False))
    for stayed in (on, replace(on, pipe="STATUS_ACCESS_DENIED"), replace(on, fate=Fate.SHARE_CLOSED), *over):
        yield replace(ok(), stayed=stayed)
    for fate in (Fate.CARRIED_ON, Fate.SHARE_CLOSED):
        yield replace(ok(), stayed=replace(on, fate=fate, anew="SMB 3.1.1"))
    refused = replace(ok(), outcome=Outcome.REFUSED, step=StepName.WRITE, status="STATUS_ACCESS_DENIED")
    yield from (replace(refused, stayed=one) for one in (on, replace(on, fate=Fate.SHUT_OUT)))


def runs() -> Iterator[RunResult]:
    """Runs in which everything is said that a ticket can say."""
    run, pipes, encryption = saved(), "nt-pipe-support-off", "encryption-required"
    mine = only(run, pipes)
    yield from (run, example(), only(run, encryption), replace(run, damage="a line cannot be read"))
    yield replace(run, cells=(), exposures=(), complete=False)
    for odd in (1, len(run.exposures)):
        holes = (replace(one, expected=at >= odd, claim="open") for at, one in enumerate(run.exposures))
        yield replace(run, exposures=tuple(holes))
    many = (replace(run.cells[0], cell=replace(run.cells[0].cell, mitigation=f"c{at}")) for at in range(7))
    yield replace(run, cells=tuple(many), began=datetime(2026, 11, 29, tzinfo=UTC), circumstances=AROUND)
    shut, is_open, unknown, away = Hole.CLOSED, Hole.OPEN, Hole.UNKNOWN, Hole.NOT_EXPOSED
    for states in (
        (shut, is_open, is_open),
        (is_open, is_open, is_open),
        (is_open, unknown, is_open),
        (unknown, shut, shut),
        (away, away, away),
    ):
        yield seen_so(mine, *states)
    yield seen_so(run, is_open, unknown, unknown)
    doubted = {Phase.APPLIED: replace(ok(), not_settled="two sources disagree", inferred="by its release")}
    for effect in (Effect.KEPT, Effect.GAINED, Effect.NOT_SETTLED, Effect.LOST):
        yield changed(mine, effect=effect, phases=doubted)
    outside = {name: replace(one, role="outsider") for name, one in run.servers.items()}
    for effect in (Effect.NEVER, Effect.GAINED):
        # The table of all changes, too, where there are several.
        yield replace(changed(run, effect=effect), servers=outside)
    yield changed(run, effect=Effect.KEPT)
    yield replace(run, cells=tuple(replace(c, cell=replace(c.cell, mitigation="none")) for c in run.cells))
    yield from fallen_back(mine)
    yield replace(changed(mine, effect=Effect.LOST, user_sees="", restored=None), applied=())
    on_clients = {pipes: replace(run.mitigations[pipes], side="client")}
    yield replace(run, mitigations=on_clients)
    (proof,) = (one for one in run.applied if one.mitigation == pipes)
    already = (Already(pipes, "no pipe opens"),)
    same = {phase: ok() for phase in Phase}
    unnoticed = replace(
        changed(mine, effect=Effect.KEPT, phases=same), applied=(replace(proof, configuration_alone=True),)
    )
    yield seen_so(unnoticed, shut, shut, shut)
    yield replace(
        unnoticed,
        exposures=(),
        added=(Added("server", "office@docs", "yours"), Added("mitigation", "more", "smb-more 1.2")),
        servers={
            name: replace(one, instead=("[docs] preexec",), remarks=("a remark",))
            for name, one in mine.servers.items()
        },
    )
    yield replace(
        changed(mine, effect=Effect.KEPT),
        applied=(replace(proof, took_effect="", already=already, brought_back=REVERTED),),
        exposures=(),
        left_out=(LeftOut(pipes, "ntlm-off", "windows-7", "it has no such setting"),),
        not_applicable=tuple(NotApplicable(f"c{at}", "consumer-nas", f"reason {at}") for at in range(25)),
    )
    for number, applied in enumerate(at_work(), 1):
        there = {Phase.BASELINE: ok(), Phase.APPLIED: applied}
        last = (ok(), replace(applied, outcome=Outcome.OK), replace(applied, status=DATA_LOST))[number % 3]
        (one, *_) = mine.cells
        named = replace(one, cell=replace(one.cell, check=Check.CONNECTED))
        yield replace(mine, cells=(replace(named, phases={**there, Phase.ROLLED_BACK: last}),))
    yield replace(
        mine,
        cells=tuple(
            replace(
                cell,
                cell=replace(cell.cell, client="nobody-knows", server="windows-server-2022", check=check),
            )
            for cell, check in zip(cycle(mine.cells), Check, strict=False)
        ),
    )


def doings(say: Language) -> tuple[Doing, ...]:
    """Everything that a ticket says to do, and to undo."""
    return tuple(
        chain(
            *(on_server(CATALOGUE, change, server, say) for change in CHANGES for server in SERVERS),
            *(on_clients(CATALOGUE, change, say) for change in CHANGES),
            *(
                on_server(CATALOGUE, change, "samba-ad-member", say)
                for change in ("ntlm-off-domain", "protected-users", "aes-machine-account", "account-lockout")
            ),
            conf_lines(
                Conf(sections={"文書": {}}), Conf(sections={"文書": {"guest ok": "no"}}), "smb.conf", say
            ),
        )
    )


def strings(of: object) -> Iterator[str]:
    """Every string in it."""
    if isinstance(of, str):
        yield of
    elif isinstance(of, Mapping):
        yield from chain(*map(strings, of), *map(strings, of.values()))
    elif isinstance(of, Collection):
        yield from chain(*map(strings, of))
    elif is_dataclass(of):
        yield from chain(*(strings(getattr(of, one.name)) for one in fields(of)))


def english(words: str, recorded: Iterable[str] = ()) -> set[str]:
    """What is Latin in it and was not recorded."""
    for one in sorted({*recorded, *PRODUCTS}, key=len, reverse=True):
        words = words.replace(one, " ")
    return set(re.findall(r"[A-Za-z]{2,}", words))


def pieces(markdown: str, kind: str) -> list[str]:
    """The texts of one kind in the lines of a page, or its blocks."""
    tokens = READER.parse(markdown)
    return [
        piece.content for token in tokens for piece in (token, *(token.children or ())) if piece.type == kind
    ]


def recorded_in(run: RunResult) -> set[str]:
    """The words of a run as a page shows them; those that are shorter stand in code alone."""
    return {shown for one in strings(run) if len(shown := " ".join(clean(one).split())) > 2}


def sides(settings: Iterable[str]) -> set[str]:
    """Names and values of ``name = value``."""
    return {side for line in settings for side in line.split(" = ")}


def lines(markdown: str) -> list[str]:
    """What stands in the lines of a page that is no code."""
    return [
        "".join(piece.content for piece in token.children or () if piece.type.startswith("text"))
        for token in READER.parse(markdown)
        if token.type == "inline"
    ]


def test_no_english_of_ours_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    used = {name: Used(words) for name, words in language("ja").sections.items()}
    asked = {name: words.asked for name, words in used.items()}
    say = Language("ja", used)
    monkeypatch.setattr(ticket, "language", {"ja": say}.__getitem__)
    for run in runs():
        page = ticket.render(source(run, "ja"))
        recorded = recorded_in(run) | sides("\n".join(pieces(page, "fence")).splitlines())
        for line in lines(page):
            assert not english(line, recorded), line
    values = {"samba-ad-dc"} | {
        text for server in SERVERS for text in strings(CATALOGUE.servers[server].state)
    }
    for doing in doings(say):
        assert not english(f"{doing.where} {doing.undo_where}", sides(doing.do) | values)
    # All of it was looked at: no word of these sections was left out above.
    wanted = [name for name in say.sections if name in PARTS or name.startswith("ticket")]
    left = {f"{name}.{key}" for name in wanted for key in say.sections[name].keys() - asked[name]}
    assert left <= UNUSED


def test_what_was_recorded_and_what_is_to_be_typed_is_the_same_in_both() -> None:
    for run in runs():
        pages = [ticket.render(source(run, lang)) for lang in ("en", "ja")]
        for kind in ("code_inline", "fence"):
            here, there = (Counter(pieces(page, kind)) for page in pages)
            assert here == there
        assert len({page.count("\n#") for page in pages}) == 1


def test_emphasis_is_shown_as_emphasis() -> None:
    # In Japanese no blank stands around words, and CommonMark (6.2) may then take a star for a star.
    for run in runs():
        assert not [line for line in lines(ticket.render(source(run, "ja"))) if "*" in line]


def test_the_locale_chooses_and_the_option_wins(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LC_ALL", "ja_JP.UTF-8")
    words = ["report", str(SAVED), "--format", "ticket", "--only", "encryption-required"]
    for more, begin in ((), "# 変更申請: "), (("--lang", "en"), "# Change request: "):
        assert cli.main([*words, *more]) in (0, 1)
        assert capsys.readouterr().out.startswith(begin)


def test_a_name_at_the_beginning_of_a_sentence_stays_as_it_is() -> None:
    page = ticket.render(source(saved(), "ja"))
    assert "1. smb.conf のコピーを取る:" in page
    assert "1. Keep a copy of smb.conf:" in ticket.render(source(saved()))


def test_how_somebody_logs_on_is_text_whatever_a_run_holds() -> None:
    (first, _) = fallen_back(only(saved(), "nt-pipe-support-off"))
    phases = {phase: replace(ok(), auth="NTLMv2") for phase in Phase}
    odd = changed(first, phases={**phases, Phase.BASELINE: replace(ok(), auth="<b>`*x*")})
    page = ticket.render(source(odd, "en"))
    assert any("and not with <b>`*x* any more" in line for line in lines(page)), page
