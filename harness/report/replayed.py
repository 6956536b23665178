"""A replay on a terminal: whether the cells came out as recorded, what did not, and what may explain that."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from harness.comparison.replays import CellReplay, Chance, Difference, Replay, Replayed
from harness.model import TIMEOUT, Effect
from harness.report.answer import draw_language_note
from harness.report.comparison import compared, counted, version_line
from harness.report.explain import told, word
from harness.report.labels import MARK, Labels
from harness.report.language import DEFAULT, Language
from harness.report.page import INDENT, Page
from harness.result import CellResult, FileSince, decisive

SHOWN = 40
"""Cells that came out the same and are named; of more there is the number alone."""
_TURNED = (Effect.LOST, Effect.GAINED)
_STYLES = {
    Replayed.DIFFERENT: "bold red",
    Replayed.FAULT: "bold magenta",
    Replayed.NOT_MEASURED: "bold magenta",
    Replayed.SAME: "green",
}


def emulated(found: Replay, one: CellReplay) -> bool:
    """Whether the server or client of a cell is not known to be the real thing, then or now."""
    runs = (found.recorded, *([found.now] if one.now else []))
    return any(Labels(run).cell(one.cell).startswith(MARK) for run in runs)


def render(found: Replay, console: Console, lang: str = DEFAULT) -> None:
    """Print it in a language. Never wider than the console; harmless whatever is in the runs."""
    page = Page(console, lang)
    say = page.say
    _line(page, page.text(say("replay.title", run=found.recorded.run, now=found.now.run), "bold"))
    _line(page, page.text(*_answer(found, say)))
    if found.seed is not None:
        _line(page, page.text(say("replay.drawn", cells=counted(found.of, "cell", say), seed=found.seed)))
    for note in found.notes:
        _line(page, page.text(told_of(note, say), "yellow"))
    for came, style in _STYLES.items():
        those = [one for one in found.cells if one.came is came]
        if those and (came is not Replayed.SAME or len(those) <= SHOWN):
            _line(page, page.text(say(f"replay.{came.name.lower()}"), style))
            for one in those:
                _cell(page, found, one)
    if found.versions:
        head = "replay.versions_why" if found.many(Replayed.DIFFERENT) else "replay.versions"
        _line(page, page.text(say(head), "bold"))
        for version in found.versions:
            page.hanging(page.text(version_line(version, say)), deeper=INDENT)
    elif found.many(Replayed.DIFFERENT):
        _line(page, page.text(say("replay.as_recorded"), "bold"))
    if any(emulated(found, one) for one in found.cells):
        _line(page, page.text(f"{MARK} {say('diff.emulated')}", "dim"))
    draw_language_note(page)


def told_of(one: FileSince, say: Language) -> str:
    """A sentence about a file that is not any more what the run was made with."""
    became = say(f"file_since.{one.became}", why=one.why)
    kind = say.known("file_kind", one.kind)
    means = one.kind if one.kind in ("scenario", "exposures") else "copy"
    return say(f"file_since.{means}", kind=kind, path=one.path, became=became)


def _line(page: Page, text: Text) -> None:
    page.hanging(text, indent=0, deeper=INDENT)


def _answer(found: Replay, say: Language) -> tuple[str, str]:
    total, same = len(found.cells), found.many(Replayed.SAME)
    if found.same:
        return say("replay.all_one" if total == 1 else "replay.all_many", n=total), "bold green"
    others = [
        say(f"replay.count_{came.name.lower()}", n=found.many(came))
        for came in (Replayed.DIFFERENT, Replayed.FAULT, Replayed.NOT_MEASURED)
        if found.many(came)
    ]
    cells = counted(total, "cell", say)
    return say("replay.some", n=same, cells=cells, others=", ".join(others)), "bold red"


def _cell(page: Page, found: Replay, one: CellReplay) -> None:
    say = page.say
    mark = f"{MARK} " if emulated(found, one) else ""
    shown = one.now or one.recorded
    page.hanging(page.text(f"{mark}{one.cell}: {_verdict(shown, say)}"), deeper=INDENT)
    lines = [_difference(each, say) for each in one.differences]
    lines += [say("replay.by_chance", text=_chance(each, say)) for each in one.by_chance]
    if one.came is Replayed.FAULT and one.now:
        was = _verdict(one.recorded, say)
        lines.append(say("replay.was_and_is", was=was, now=one.now.cause))
    if one.came is Replayed.DIFFERENT and _late(one):
        lines.append(say("replay.out_of_time"))
    for text in lines:
        page.hanging(page.text(text), indent=2 * INDENT, deeper=INDENT)


def _difference(one: Difference, say: Language) -> str:
    recorded, now = (compared(one.what, value, say) for value in (one.recorded, one.now))
    what = say("replay.difference", what=say.known("compared", one.what), recorded=recorded, now=now)
    if one.phase:
        return f"{say(f'when.{one.phase}')}: {what}"
    return f"{say('one_cell.alone', part=one.part)}: {what}" if one.part else what


def _chance(one: Chance, say: Language) -> str:
    then, now = (
        say("replay.tries", n=works[0], all=works[1]) if works else say("replay.only_try")
        for works in (one.recorded, one.now)
    )
    return say("replay.chance", when=say(f"when.{one.phase}"), then=then, now=now)


def _verdict(cell: CellResult, say: Language) -> str:
    """``LOST, create-pipe STATUS_ACCESS_DENIED (server); restored by the rollback``."""
    why, words = decisive(cell.phases, cell.effect), word(cell.effect, say)
    words += f", {told(why, say)}" if why else ""
    if cell.restored is False:
        return f"{words}; {say('replay.not_restored')}"
    # Of a cell that the change leaves as it is that goes without saying.
    back = cell.restored and cell.effect in _TURNED
    return f"{words}; {say('replay.restored')}" if back else words


def _late(one: CellReplay) -> bool:
    return any(TIMEOUT in (each.recorded, each.now) for each in one.differences)
