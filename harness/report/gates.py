"""Gates on a terminal: whether they hold, what breaks them, and which losses are accepted until when."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.grammar.words import split
from harness.model import CellId
from harness.report.explain import grouped
from harness.report.labels import Labels
from harness.report.language import Language
from harness.report.page import INDENT, Page
from harness.report.reuse import age
from harness.result import RunResult
from harness.result.gates import Entry, Gates, KnownLoss, Miss

SHOWN = 20
"""Lines of one kind; with ``--details`` all of them."""


def draw_gates(page: Page, result: RunResult, *, details: bool = False) -> None:
    """Print what came of the gates; nothing where none were given."""
    if result.gates is None:
        return
    labels, say = Labels(result), page.say
    page.blank()
    page.hanging(page.text(*answer(result.gates, say)), indent=0, deeper=INDENT)
    reused = [cell.reused for cell in result.cells if cell.reused]
    if reused and result.began:
        old = age(max(one.age(result.began) for one in reused), say)
        page.hanging(page.text(say("reuse.gate", n=len(reused), age=old)), deeper=INDENT)
    fails, not_shown = say("gates.fails"), say("gates.not_shown")
    for style, lines in (
        (
            "bold red",
            [*_misses(fails, result.gates.broken, labels, say), *_expired(result.gates, labels, say)],
        ),
        ("bold magenta", list(_misses(not_shown, result.gates.unproven, labels, say))),
        ("", [_accepted(one, labels, say) for one in result.gates.accepted]),
        ("yellow", [say("gates.idle", entry=_entry(one.entry, say)) for one in result.gates.idle]),
    ):
        shown = lines if details else lines[:SHOWN]
        for line in shown:
            head, _, rest = line.partition(": ")
            page.hanging(page.join((f"{head}: ", style), rest), deeper=INDENT)
        if len(lines) > len(shown):
            page.hanging(page.text(say("gates.more", n=len(lines) - len(shown)), "dim"))


def answer(gates: Gates, say: Language) -> tuple[str, str]:
    """(whether they hold and how many do not, its style)."""
    cells = sum(len(one.cells) for one in gates.accepted)
    key = "gates.lost_cell_accepted" if cells == 1 else "gates.lost_cells_accepted"
    accepted = say(key, n=cells) if cells else ""
    missed = [
        say(f"gates.{key}", n=len(those))
        for key, those in (
            ("count_broken", gates.broken),
            ("count_expired", gates.expired),
            ("count_unproven", gates.unproven),
        )
        if those
    ]
    if missed:
        of = say("gates.of_required", n=gates.required) if gates.required else ""
        return say("gates.do_not_hold", missed=", ".join(missed), of=of, accepted=accepted), "bold red"
    held = say("gates.all_required", n=gates.required) if gates.required else say("gates.none_broken")
    return say("gates.hold", held=held, accepted=accepted), "bold green"


def _misses(word: str, misses: Sequence[Miss], labels: Labels, say: Language) -> Iterator[str]:
    for one in misses:
        what = labels.cell(CellId.parse(one.what)) if len(split(one.what, ":")) == 4 else one.what
        entry = _entry(one.entry, say)
        if what:
            text = f", {one.text}" if one.text else ""
            yield f"{word}: {say('gates.miss', what=what, why=one.why, entry=entry, text=text)}"
        else:
            yield f"{word}: {entry} {one.why}"


def _expired(gates: Gates, labels: Labels, say: Language) -> Iterator[str]:
    for one in gates.expired:
        yield _of_loss("gates.expired", one, labels, say)


def _accepted(one: KnownLoss, labels: Labels, say: Language) -> str:
    return _of_loss("gates.accepted", one, labels, say)


def _of_loss(key: str, one: KnownLoss, labels: Labels, say: Language) -> str:
    entry, loss = _entry(one.entry, say), _loss(one, labels, say)
    return say(key, loss=loss, until=one.until, reason=one.reason, entry=entry)


def _entry(one: Entry, say: Language) -> str:
    return say("gates.entry", table=one.table, number=one.number, file=one.file, selector=one.selector)


def _loss(one: KnownLoss, labels: Labels, say: Language) -> str:
    """The lost cells in few words: changes and servers, clients, checks."""
    pairs = grouped(one.cells, lambda cell: (cell.mitigation, cell.server))
    told = []
    for (change, server), cells in pairs.items():
        clients = ", ".join(dict.fromkeys(labels.client(cell.client) for cell in cells))
        on = labels.on([change], labels.marked(server), say)
        count = say("gates.cell" if len(cells) == 1 else "gates.cells", n=len(cells))
        told.append(f"{on}: {clients} ({count})")
    return "; ".join(told)
