"""The first screen in Japanese: nothing of ours is left in English, and lines are broken as Japanese is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from report_example import example, ok, printed
from rich.cells import cell_len
from rich.text import Text
from test_formats_for_people import SAVED, saved
from test_report_ticket_japanese import Used, changed, english, runs, seen_so, strings

from harness.balance.weigh import OUTAGE
from harness.cli import main as cli
from harness.model import Effect, Hole, Phase
from harness.report import page
from harness.report.folding import folded
from harness.report.language import Language, language
from harness.report.sights import first_words
from harness.report.terminal import render
from harness.result import NO_CHANGE, Added, Already, NotApplicable, PartAlone, RunResult
from harness.result.gates import Entry, Gates, KnownLoss, Miss
from harness.system.plain import clean

TYPED: Final = ("rehearse report --details", "rehearse run --resume", "--details")
OURS: Final = ("screen", "gates", "whose", "effect")
LOST, KEPT = Effect.LOST, Effect.KEPT
TAKEN: Final[tuple[Mapping[str, tuple[Effect | None, Effect | None]], ...]] = (
    {"one": (LOST, None), "two": (KEPT, None)},
    {"one": (LOST, None), "two": (LOST, None)},
    {"one": (KEPT, KEPT), "two": (KEPT, KEPT)},
    {"one": (KEPT, LOST), "two": (KEPT, KEPT)},
    {"one": (KEPT, LOST), "two": (KEPT, LOST)},
    {"one": (None, None), "two": (KEPT, None)},
)
"""The effect under each part alone and without it: every way in which parts take a client away."""


def screen(
    run: RunResult, lang: str, width: int = 80, encoding: str = "utf-8", *, details: bool = False
) -> str:
    console, raw = printed(width, encoding)
    render(run, console, lang=lang, details=details)
    return raw.getvalue().decode(encoding)


def gated(run: RunResult) -> Iterator[RunResult]:
    kept, loss = Entry("gates.toml", "kept", 1, "nt-pipe*:samba*"), Entry("gates.toml", "loss", 2, "nt-pipe*")
    lost = tuple(cell.cell for cell in run.cells if cell.effect is LOST)
    known = KnownLoss(loss, "old copiers", date(2027, 1, 1), lost)
    miss = Miss(kept, str(run.cells[0].cell), "was refused", "copiers")
    nothing = replace(miss, what="")
    yield replace(run, gates=Gates(0))
    yield replace(run, gates=Gates(3, accepted=(replace(known, cells=lost[:1]),), idle=(known,)))
    yield replace(run, gates=Gates(3, (miss,) * 21, (nothing,), (known,), (known,)))


def taken(run: RunResult) -> Iterator[RunResult]:
    for alone in TAKEN:
        parts = {name: PartAlone(effect, ok(), without, "") for name, (effect, without) in alone.items()}
        cells = tuple(replace(cell, cell=replace(cell.cell, mitigation="one+two")) for cell in run.cells)
        yield replace(run, cells=(replace(cells[0], effect=LOST, parts=parts),))
        for some in (1, 2, len(cells)):
            yield replace(
                run,
                cells=tuple(
                    replace(cell, effect=LOST, parts=parts if at % some == 0 else {})
                    for at, cell in enumerate(cells)
                ),
            )


def untouched(run: RunResult) -> Iterator[RunResult]:
    """Runs in which nothing is changed, with one and with several clients of each fate, and holes."""
    cell = replace(run.cells[0].cell, mitigation=NO_CHANGE)
    for clients in (("a",), ("a", "b")):
        for fates in ((KEPT,), (Effect.NEVER,), (KEPT, Effect.NEVER), (Effect.FAULT,)):
            cells = (
                replace(run.cells[0], effect=effect, cell=replace(cell, client=name, check=check))
                for name in clients
                for effect, check in zip(fates, ("browse", "open"), strict=False)
            )
            found = seen_so(run, *[Hole.OPEN] * 3).exposures
            holes = [one for one in found if one.server == cell.server]
            yield replace(run, cells=tuple(cells), exposures=tuple(holes[: len(clients) ** 3]))


def stopped(run: RunResult) -> RunResult:
    """One whose change is that nobody is served."""
    shut = seen_so(run, Hole.OPEN, Hole.CLOSED, Hole.OPEN)
    return replace(
        shut,
        cells=tuple(
            replace(one, effect=LOST, cell=replace(one.cell, mitigation=OUTAGE)) for one in shut.cells
        ),
        exposures=tuple(replace(one, mitigation=OUTAGE) for one in shut.exposures),
    )


def first_screens() -> Iterator[RunResult]:
    """Runs in which everything is said that a first screen can say."""
    run = saved()
    yield from runs()
    yield from gated(run)
    yield from taken(run)
    yield from untouched(run)
    for effect in Effect:
        yield changed(run, effect=effect)
        yield replace(changed(run, effect=effect, expected=True), cells=changed(run, effect=effect).cells[:1])
        cell = replace(run.cells[0], effect=effect, expected=True)
        yield replace(run, cells=(cell,))
    first = run.cells[0].cell.mitigation
    cells = (replace(one, effect=LOST if one.cell.mitigation == first else KEPT) for one in run.cells)
    yield replace(run, cells=tuple(cells))
    for texts in (
        ("x",),
        ("x", "y"),
        ("x, or: y",),
        ("x", "x", "y, or: z"),
        ("a", "b", "c", "d"),
        ("x", "y", "z, or: a"),
        ("x", ""),
        ("x", "", ""),
        ("x" * 200, "y" * 200),
        ("x, or: a", "y, or: b", "z, or: c"),
    ):
        yield replace(
            run,
            cells=tuple(
                replace(cell, effect=LOST, user_sees=text, cell=replace(cell.cell, client=f"client-{at % 3}"))
                for at, (cell, text) in enumerate(zip(run.cells, (*texts, *texts), strict=False))
            ),
        )
    for restored in (False, None):
        yield changed(run, restored=restored)
    yield replace(changed(run, expected=True, claim="other"), expected_by=("the article", "smb.conf(5)"))
    yield changed(run, expected=True)
    yield replace(
        run, exposures=tuple(replace(one, expected=False, claim="still open") for one in run.exposures)
    )
    (home,) = run.servers
    yield replace(run, not_applicable=tuple(NotApplicable(f"c{at}", home, f"no {at}") for at in range(6)))
    yield replace(run, not_applicable=(NotApplicable(run.cells[0].cell.mitigation, home, "no domain"),))
    of_clients = tuple(NotApplicable(first, f"pc{at}", f"no {at}") for at in range(6))
    yield replace(run, not_applicable=of_clients)
    at_clients = {name: replace(fact, side="client", aims=()) for name, fact in run.mitigations.items()}
    yield replace(seen_so(run, *[Hole.OPEN] * 3), mitigations=at_clients)
    yield stopped(run)
    left, *others = run.exposures
    yield replace(run, exposures=(replace(left, expected=False, claim="still open"), *others))
    yield replace(run, added=(Added("server", "mine", "yours"), Added("server", "theirs", "pack 1.2")))
    for sentences in (("first",), ("first", "second")):
        servers = {
            name: replace(fact, instead=sentences, remarks=("look",), laxer="samba-4.17")
            for name, fact in run.servers.items()
        }
        never = changed(run, effect=Effect.NEVER)
        yield replace(never, servers=servers)
        outside = {name: replace(fact, role="outsider") for name, fact in servers.items()}
        yield replace(never, servers=outside)
        yield replace(changed(run, effect=Effect.GAINED), servers=outside)
    laxer = tuple(replace(one, cell=replace(one.cell, server="samba-4.17"), effect=LOST) for one in run.cells)
    yield replace(never, servers=servers, cells=(*never.cells, *laxer))
    for first_effect, effect in ((Effect.GAINED, Effect.GAINED), (KEPT, KEPT), (LOST, KEPT)):
        several = (replace(run.cells[0].cell, client=f"client-{at}") for at in range(5))
        those = (replace(run.cells[0], cell=cell, effect=effect, expected=True) for cell in several)
        one = replace(run.cells[0], effect=first_effect, expected=True, claim="other")
        sources = ("the article", "smb.conf(5)", "a capture")
        yield replace(run, cells=(one, *those), expected_by=sources)
    for state in (Hole.CLOSED, Hole.OPEN):
        yield replace(seen_so(run, Hole.OPEN, state, Hole.OPEN), mitigations={})
    same = seen_so(changed(run, effect=KEPT, phases={phase: ok() for phase in Phase}), *[Hole.OPEN] * 3)
    yield replace(same, applied=tuple(replace(one, configuration_alone=True) for one in run.applied))
    for what in ("", "another-part"):
        proofs = (replace(one, already=(Already(what or one.mitigation, "seen"),)) for one in run.applied)
        yield replace(run, applied=tuple(proofs))


def alternatives(words: Iterable[str]) -> Iterator[str]:
    """What a user sees, each of several texts for itself."""
    for text in words:
        yield from text.split(", or: ")


def test_no_english_of_ours_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    used = {name: Used(words) for name, words in language("ja").sections.items()}
    asked = {name: words.asked for name, words in used.items()}
    say = Language("ja", used, blanks=False)
    monkeypatch.setattr(page, "language", {"ja": say}.__getitem__)
    for run in first_screens():
        words = [clean(text) for text in strings(run) if not isinstance(text, Effect)]
        recorded = {
            text for text in (*words, *map(first_words, alternatives(words)), *TYPED) if len(text) > 2
        }
        for line in screen(run, "ja", 9000).splitlines():
            assert not english(line, recorded), line
    left = {f"{name}.{key}" for name in OURS for key in say.sections[name].keys() - asked[name]}
    assert left == set()


def test_that_what_was_recorded_is_in_english_is_said_once_and_in_japanese_alone() -> None:
    assert screen(saved(), "ja", 200).count("記録のまま英語") == 1
    assert "as it was recorded" not in screen(saved(), "en", 200)


def test_a_stream_that_takes_ascii_alone_gets_english() -> None:
    assert screen(saved(), "ja", encoding="ascii") == screen(saved(), "en", encoding="ascii")


@given(
    text=st.text(st.sampled_from("ab +-:、。「」ーっ変更を奪う(5)"), max_size=80),
    width=st.integers(2, 30),
)
def test_folding_loses_nothing_and_fills_no_more_than_the_width(text: str, width: int) -> None:
    lines = [line.plain for line in folded(Text(text), width)]
    assert "".join("".join(lines).split()) == "".join(text.split())
    assert all(cell_len(line) <= width for line in lines)


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("変更を奪う。", ["変更を奪", "う。"]),
        ("変更する「奪う」", ["変更する", "「奪う」"]),
        ("これは smb3-only", ["これは", "smb3-only"]),
        ("これはsmb3-only", ["これは", "smb3-only"]),
        ("smb3-only+ntlmv2-only を", ["smb3-only+", "ntlmv2-", "only を"]),
    ],
)
def test_where_a_line_is_broken(text: str, lines: list[str]) -> None:
    assert [line.plain for line in folded(Text(text), 10)] == lines


def test_the_locale_chooses_and_the_option_wins(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    words = ["report", str(SAVED), "--only", "encryption-required"]
    for locale, more, japanese in (
        ("ja_JP.UTF-8", (), True),
        ("ja_JP.UTF-8", ("--lang", "en"), False),
        ("ja_JP.UTF-8", ("--details",), True),
        ("C.UTF-8", (), False),
        ("C.UTF-8", ("--lang", "ja"), True),
    ):
        monkeypatch.setenv("LC_ALL", locale)
        file = tmp_path / "report.txt"
        assert cli.main([*words, *more]) in (0, 1)
        assert cli.main([*words, *more, "-o", str(file)]) in (0, 1)
        for text in (capsys.readouterr().out, file.read_text()):
            assert ("この変更はアクセスを奪う" in text) == japanese
            assert ("The change takes access away" in text) != japanese


def test_the_example_says_the_same_in_both() -> None:
    """Names and commands are typed: they stand in both as they are."""
    pages = [screen(example(), lang, 400) for lang in ("en", "ja")]
    for name in ("vendor-patch", "nt-pipe-support-off", "~windows-10-1703", "rehearse report --details"):
        assert len({text.count(name) for text in pages}) == 1
