"""Gates on a terminal: whether they hold, what breaks them, and which losses are accepted until when."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.grammar.words import split
from harness.model import CellId
from harness.report.explain import grouped
from harness.report.labels import Labels
from harness.report.page import INDENT, Page
from harness.result import RunResult
from harness.result.gates import Gates, KnownLoss, Miss
from harness.system.plain import many

SHOWN = 20
"""Lines of one kind; with ``--details`` all of them."""


def draw_gates(page: Page, result: RunResult, *, details: bool = False) -> None:
    """Print what came of the gates; nothing where none were given."""
    if result.gates is None:
        return
    labels = Labels(result)
    page.blank()
    page.hanging(page.text(*_answer(result.gates)), indent=0, deeper=INDENT)
    for style, lines in (
        ("bold red", [*_misses("FAILS", result.gates.broken, labels), *_expired(result.gates, labels)]),
        ("bold magenta", list(_misses("NOT SHOWN", result.gates.unproven, labels))),
        ("", [_accepted(one, labels) for one in result.gates.accepted]),
        ("yellow", [f"to take out: {one.entry} matches nothing that is lost" for one in result.gates.idle]),
    ):
        shown = lines if details else lines[:SHOWN]
        for line in shown:
            head, _, rest = line.partition(": ")
            page.hanging(page.join((f"{head}: ", style), rest), deeper=INDENT)
        if len(lines) > len(shown):
            page.hanging(page.text(f"and {len(lines) - len(shown)} more: --details", "dim"))


def _answer(gates: Gates) -> tuple[str, str]:
    cells = sum(len(one.cells) for one in gates.accepted)
    accepted = f"; {many(cells, 'lost cell')} accepted" if cells else ""
    missed = [f"{len(gates.broken)} not as required"] * bool(gates.broken)
    missed += [f"{len(gates.expired)} accepted to a date that is over"] * bool(gates.expired)
    missed += [f"{len(gates.unproven)} not shown"] * bool(gates.unproven)
    if missed:
        of = f" (of {gates.required} required)" if gates.required else ""
        return f"GATES DO NOT HOLD: {', '.join(missed)}{of}{accepted}.", "bold red"
    held = (
        f"all {gates.required} that are required are as they must be" if gates.required else "none is broken"
    )
    return f"Gates hold: {held}{accepted}.", "bold green"


def _misses(word: str, misses: Sequence[Miss], labels: Labels) -> Iterator[str]:
    for one in misses:
        what = labels.cell(CellId.parse(one.what)) if len(split(one.what, ":")) == 4 else one.what
        required = f"required by {one.entry}" + (f", {one.text}" if one.text else "")
        yield f"{word}: {what} {one.why}; {required}" if what else f"{word}: {one.entry} {one.why}"


def _expired(gates: Gates, labels: Labels) -> Iterator[str]:
    for one in gates.expired:
        yield f"EXPIRED: {_loss(one, labels)} was accepted until {one.until} only, {one.reason}; {one.entry}"


def _accepted(one: KnownLoss, labels: Labels) -> str:
    return f"accepted until {one.until}: {_loss(one, labels)}, {one.reason}; {one.entry}"


def _loss(one: KnownLoss, labels: Labels) -> str:
    """The lost cells in few words: changes and servers, clients, checks."""
    pairs = grouped(one.cells, lambda cell: (cell.mitigation, cell.server))
    told = []
    for (change, server), cells in pairs.items():
        clients = ", ".join(dict.fromkeys(labels.client(cell.client) for cell in cells))
        told.append(f"{change} on {labels.marked(server)}: {clients} ({many(len(cells), 'cell')})")
    return "; ".join(told)
