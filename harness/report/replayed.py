"""A replay on a terminal: whether the cells came out as recorded, what did not, and what may explain that."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from harness.comparison.replays import CellReplay, Replay, Replayed
from harness.model import TIMEOUT, Effect
from harness.report.comparison import version_line
from harness.report.explain import WORDS, told
from harness.report.labels import MARK, Labels
from harness.report.page import INDENT, Page
from harness.result import CellResult, decisive
from harness.system.plain import many

SHOWN = 40
"""Cells that came out the same and are named; of more there is the number alone."""
_TURNED = (Effect.LOST, Effect.GAINED)
_HEADS = {
    Replayed.DIFFERENT: ("DIFFERENT", "bold red"),
    Replayed.FAULT: ("FAULT: the lab broke, nothing can be compared", "bold magenta"),
    Replayed.NOT_MEASURED: ("NOT MEASURED: the replay was cut off", "bold magenta"),
    Replayed.SAME: ("the same", "green"),
}


def emulated(found: Replay, one: CellReplay) -> bool:
    """Whether the server or client of a cell is not known to be the real thing, then or now."""
    runs = (found.recorded, *([found.now] if one.now else []))
    return any(Labels(run).cell(one.cell).startswith(MARK) for run in runs)


def render(found: Replay, console: Console) -> None:
    """Print it. Never wider than the console; harmless whatever is in the runs."""
    page = Page(console)
    _line(page, page.text(f"{found.recorded.run}, measured again in {found.now.run}", "bold"))
    _line(page, page.text(*_answer(found)))
    if found.seed is not None:
        _line(page, page.text(f"drawn from {many(found.of, 'cell')} by seed {found.seed}"))
    for note in found.notes:
        _line(page, page.text(note, "yellow"))
    for came, head in _HEADS.items():
        those = [one for one in found.cells if one.came is came]
        if those and (came is not Replayed.SAME or len(those) <= SHOWN):
            _line(page, page.text(*head))
            for one in those:
                _cell(page, found, one)
    if found.versions:
        why = ", which may explain it" if found.many(Replayed.DIFFERENT) else ""
        _line(page, page.text(f"MEASURED WITH OTHER VERSIONS{why}", "bold"))
        for version in found.versions:
            page.hanging(page.text(version_line(version)), deeper=INDENT)
    elif found.many(Replayed.DIFFERENT):
        _line(page, page.text("Software, data and machine are as they were recorded.", "bold"))
    if any(emulated(found, one) for one in found.cells):
        _line(page, page.text(f"{MARK} emulated, the client or the server", "dim"))


def _line(page: Page, text: Text) -> None:
    page.hanging(text, indent=0, deeper=INDENT)


def _answer(found: Replay) -> tuple[str, str]:
    total, same = len(found.cells), found.many(Replayed.SAME)
    if found.same:
        words = "It came out the same." if total == 1 else f"All {total} cells came out the same."
        return words, "bold green"
    others = [
        f"{found.many(came)} {came}"
        for came in (Replayed.DIFFERENT, Replayed.FAULT, Replayed.NOT_MEASURED)
        if found.many(came)
    ]
    return f"{same} of {many(total, 'cell')} came out the same ({', '.join(others)}).", "bold red"


def _cell(page: Page, found: Replay, one: CellReplay) -> None:
    mark = f"{MARK} " if emulated(found, one) else ""
    shown = one.now or one.recorded
    page.hanging(page.text(f"{mark}{one.cell}: {_verdict(shown)}"), deeper=INDENT)
    lines = [str(each) for each in one.differences] + [f"by chance: {each}" for each in one.by_chance]
    if one.came is Replayed.FAULT and one.now:
        lines.append(f"recorded: {_verdict(one.recorded)}; now: {one.now.cause}")
    if one.came is Replayed.DIFFERENT and _late(one):
        lines.append("somebody ran out of time: replay it again while the machine is less busy")
    for text in lines:
        page.hanging(page.text(text), indent=2 * INDENT, deeper=INDENT)


def _verdict(cell: CellResult) -> str:
    """``LOST, create-pipe STATUS_ACCESS_DENIED (server); restored by the rollback``."""
    why = decisive(cell.phases, cell.effect)
    words = f"{WORDS[cell.effect]}, {told(why)}" if why else WORDS[cell.effect]
    if cell.restored is False:
        return f"{words}; NOT restored by the rollback"
    # Of a cell that the change leaves as it is that goes without saying.
    return f"{words}; restored by the rollback" if cell.restored and cell.effect in _TURNED else words


def _late(one: CellReplay) -> bool:
    return any(TIMEOUT in (each.recorded, each.now) for each in one.differences)
