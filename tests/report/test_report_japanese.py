"""All that a terminal says of a run is in Japanese where a reader wants that, and in aligned columns."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Callable, Iterator
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Final

import pytest
from any_run import runs as any_runs
from hypothesis import given, settings
from known import CATALOGUE
from localised import by_option_and_locale
from report_example import example, printed, too_wide
from rich.cells import cell_len
from rich.console import Console
from rich_runs import KEPT, attempts, pairs, rich, saved
from test_formats_for_people import SAVED
from test_report_terminal_japanese import TYPED
from test_report_ticket_japanese import Used, changed, english, strings

from harness.balance.interactions import SMB3
from harness.comparison import replays
from harness.comparison.runs import compare
from harness.model import Attempt, Effect, Fate, Hole, Identity, Outcome, Phase, Side, Step, StepName
from harness.record import reasons
from harness.report import cell as one_cell
from harness.report import comparison, connected, page, replayed, terminal
from harness.report.holes import show_holes, show_sightings
from harness.report.labels import Labels
from harness.report.language import Language, language
from harness.report.page import Page
from harness.result import LeftOut, PartAlone, RunResult
from harness.system.plain import clean

HARNESS: Final = Path(reasons.__file__).parents[1]
OURS: Final = (
    *("outcome", "side", "when", "hole", "severity", "truth", "rung", "counted", "details", "label"),
    *("exposed", "overview", "balance", "said", "one_cell", "compared", "value", "version", "diff"),
    *("replay", "stayed"),
)
"""The sections of the language files that a terminal has words of, besides those of the first screen."""
NAMES: Final = (
    "ms",
    "RAP",
    "SMB3",
    "Python",
    "NTLMv2",
    "AES-128-CCM",
    "rehearse replay",
    "rehearse diff",
    "--run",
    SMB3,
)
"""Words of the protocol and of commands: they are written so in every language."""
COMMAND: Final = "rehearse run --pairwise --parts 2"
WORDS: Final = frozenset(
    str(word) for word in itertools.chain(Effect, Hole, Outcome, Phase, Side, Identity)
) | {*("real", "recorded", "documented", "configured", "critical", "high", "medium", "low"), "yes", "no"}
"""Words of the model, which have their Japanese."""


def everything() -> Iterator[tuple[Callable[[Console], None], tuple[RunResult, ...]]]:
    """Each thing that is drawn, and the runs that it is drawn of."""
    for found in rich():
        yield lambda console, it=found: terminal.render(it, console, details=True, lang="ja"), (found,)  # type: ignore[misc]
        yield lambda console, it=found: holes(it, console), (found,)  # type: ignore[misc]
    base = saved().cells[0]
    for made in attempts():
        for more in (
            {"parts": {"one": PartAlone(KEPT, made, None, ""), "two": PartAlone(None, made, None, "")}},
            {"restored": False, "expected": False, "owner": Side.SERVER, "user_sees": "words", "claim": "so"},
            {"restored": True, "owner": Side.CLIENT, "evidence": "evidence/x"},
        ):
            whole = changed(replace(saved(), cells=(base,)), phases=dict.fromkeys(Phase, made), **more)
            left = (LeftOut(base.cell.mitigation, "part", base.cell.server, "it has no such setting"),)
            for it in (replace(whole, left_out=left), replace(whole, servers={}, clients={})):
                yield lambda console, it=it: one_cell.show_cell(it, base.cell, console, lang="ja"), (it,)  # type: ignore[misc]
    for first, second in pairs():
        turned = compare(first, second)
        for details in (True,) if len(first.cells) < comparison.SHOWN else (True, False):
            yield (
                lambda console, it=turned, details=details: comparison.render(  # type: ignore[misc]
                    it, console, details=details, lang="ja"
                ),
                (first, second),
            )
        again = replays.compare(first, second, seed=7 if first.cells[1:] else None, of=12)
        yield lambda console, it=again: replayed.render(it, console, "ja"), (first, second)  # type: ignore[misc]


def holes(result: RunResult, console: Console) -> None:
    """What ``show MITIGATION:SERVER`` and ``expose`` draw."""
    drawn = Page(console, "ja")
    show_sightings(drawn, drawn.say("exposed.of", name="127.0.0.1"), result.exposures)
    for name in dict.fromkeys((one.mitigation, one.server) for one in result.exposures):
        terminal.render_pair(result, *name, drawn)
        found = [one for one in result.exposures if (one.mitigation, one.server) == name]
        show_holes(drawn, ":".join(name), Labels(result).server(name[1], drawn.say), found)


def recorded_in(*runs: RunResult) -> set[str]:
    """Words of the runs, but for those of the model."""
    words = {clean(one) for one in strings(runs) if not isinstance(one, StrEnum) or isinstance(one, StepName)}
    words |= {part for word in words for part in word.split("+")}
    words |= {remark for one in runs for cell in one.cells for remark in cell.remarks}
    return {word for word in words if len(word) > 1 and word not in WORDS}


def test_no_english_of_ours_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    used = {name: Used(words) for name, words in language("ja").sections.items()}
    asked = {name: words.asked for name, words in used.items()}
    say = Language("ja", used, blanks=False)
    monkeypatch.setattr(page, "language", {"ja": say}.__getitem__)
    for draw, runs in everything():
        console, raw = printed(9000)
        draw(console)
        recorded = {*recorded_in(*runs), *TYPED, *NAMES, COMMAND}
        text = raw.getvalue().decode()
        assert not english(text, recorded), text
    left = {f"{name}.{key}" for name in OURS for key in say.sections[name].keys() - asked[name]}
    assert left == set()


def test_columns_begin_below_each_other_and_nothing_is_wider_than_the_terminal() -> None:
    for width in (60, 80, 120):
        console, raw = printed(width)
        terminal.render(example(), console, details=True, lang="ja")
        lines = raw.getvalue().decode().splitlines()
        assert max(map(cell_len, lines)) <= width
    head = next(line for line in lines if "browse" in line and "open" in line and "~" not in line)
    at = [cell_len(head[: head.index(check)]) for check in ("browse", "open", "write")]
    rows = [line for line in lines if line.startswith("    ~windows-") and "喪失" in line][:3]
    assert rows
    for line in rows:
        words = ("喪失", "維持", "維持") if "維持" in line else ("喪失",) * 3
        places, start = [], 0
        for word in words:
            start = line.index(word, start)
            places.append(cell_len(line[:start]))
            start += len(word)
        assert places == at, line


@settings(max_examples=25, deadline=None)
@given(first=any_runs(), second=any_runs())
def test_whatever_a_run_holds_it_is_harmless_and_inside_the_width(
    first: RunResult, second: RunResult
) -> None:
    console, raw = printed(60)
    terminal.render(first, console, details=True, lang="ja")
    holes(first, console)
    for found in first.cells:
        one_cell.show_cell(first, found.cell, console, lang="ja")
    second = replace(second, cells=(*second.cells, *first.cells[:1]))
    comparison.render(compare(first, second), console, lang="ja")
    replayed.render(replays.compare(first, second), console, "ja")
    for line in raw.getvalue().decode().split("\n"):
        assert line.isprintable(), line
    assert not too_wide(raw.getvalue().decode(), 60)


def test_what_somebody_saw_who_stayed_connected_reads_as_in_the_document() -> None:
    seen = [made.stayed for made in attempts() if made.stayed]
    assert {one.fate for one in seen} == set(Fate)
    for stayed in (*seen, *(replace(one, by_itself=not one.by_itself, session="", anew="") for one in seen)):
        assert connected.line(stayed, language("en")) == stayed.in_words


def test_a_stream_that_takes_ascii_alone_gets_english() -> None:
    first, one = example(), example().cells[0].cell
    pages = []
    for lang in ("en", "ja"):
        console, raw = printed(80, "ascii")
        terminal.render(first, console, details=True, lang=lang)
        one_cell.show_cell(first, one, console, lang=lang)
        comparison.render(compare(saved(), saved()), console, lang=lang)
        replayed.render(replays.compare(saved(), saved()), console, lang)
        pages.append(raw.getvalue())
    assert pages[0] == pages[1]


@pytest.mark.parametrize(
    ("words", "japanese", "in_english"),
    [
        (("show", "encryption-required:samba-4.22:windows-7:open", "--run"), "画面の表示: ", "user sees: "),
        (("show", "encryption-required:samba-4.22", "--run"), "サーバー: ", "server: "),
        (("report", "--details"), "測定に使ったもの", "Measured with"),
        # The result document is the machine's: its sentences, too, are in English for every reader.
        (("report", "--json"), "", '"balances"'),
    ],
)
def test_the_option_chooses_else_the_locale(
    words: tuple[str, ...],
    japanese: str,
    in_english: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    there, here = by_option_and_locale([*words, str(SAVED)], monkeypatch, capsys)
    assert in_english in there
    assert japanese in here
    assert (not japanese) == (here == there)


def sentences(folder: Path) -> set[str]:
    """Every text that stands in the code of a folder, put together as Python does."""
    trees = (ast.parse(file.read_text("utf-8")) for file in folder.rglob("*.py"))
    nodes = (node for tree in trees for node in ast.walk(tree))
    return {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}


def test_causes_of_kerberos_are_told_in_the_readers_language() -> None:
    """Each is a sentence that the code says; any other cause, and one that has changed, stays as it is."""
    causes, say = language("en").sections["causes"], language("ja")
    ours = sentences(HARNESS / "record") | sentences(HARNESS / "mitigations")
    built = {key for key, text in causes.items() if text not in ours}
    assert built == {"blocked_no_ticket", "blocked_unknown"}
    change, seen = CATALOGUE.mitigation("ntlm-blocked-by-client"), Attempt(Outcome.OK, auth="NTLMv2")
    unknown = Step(StepName.KERBEROS_TGS, "KDC_ERR_S_PRINCIPAL_UNKNOWN", 1.0)
    assert change.stops(seen) == causes["blocked_no_ticket"]
    assert change.stops(replace(seen, steps=(unknown,))) == causes["blocked_unknown"]
    for status in reasons._NO_TICKET:
        refused = Attempt(Outcome.REFUSED, step=StepName.KERBEROS_TGS, status=status, side=Side.SERVER)
        told = say.cause(reasons.reason(refused))
        assert told != reasons.reason(refused)
        assert language("en").cause(reasons.reason(refused)) == reasons.reason(refused)
    assert say.cause("nobody wrote this") == "nobody wrote this"
