"""Annotations of GitHub Actions: workflow commands in the output of a job, one a thing to look at.

A page shows ten errors and ten warnings of a step, so that what has one cause is one annotation.
"""

from __future__ import annotations

from collections.abc import Iterable

from harness.model import Effect
from harness.report.ci.trouble import troubles, wrong
from harness.report.clauses import FEW, Clauses, text_of
from harness.report.counted import all_odd
from harness.report.explain import WORDS, grouped, seen, who
from harness.report.formats import Source
from harness.report.labels import Labels
from harness.report.language import DEFAULT, language
from harness.report.untouched import in_lines
from harness.report.verdicts import gravest_first, verdicts
from harness.report.words import why
from harness.result import NO_CHANGE, CellResult, RunResult
from harness.system.plain import clean


def render(source: Source) -> str:
    """The lines: errors, then warnings (losses that were foreseen), then one notice with the verdict."""
    result = source.result
    lines = [*_errors(source), *_warnings(result), _notice(result)]
    return "".join(f"{line}\n" for line in lines)


def _errors(source: Source) -> Iterable[str]:
    result = source.result
    if result.damage:
        yield _command("error", "the run cannot be read as a whole", result.damage)
    if not result.complete:
        done = f"{len(result.cells)} of {result.planned} cells"
        done += f"; go on with: rehearse run --resume {source.named}"
        yield _command("error", "the rehearsal is incomplete", done)
    labels = Labels(result)
    for (change, server, effect, because), cells in grouped(_wrong(result), _alike).items():
        word = "not as before after the rollback" if cells[0].restored is False else WORDS[Effect(effect)]
        title = f"{change} on {labels.marked(server)}: {word}"
        yield _command("error", title, _told(cells, because, labels))
    for one in troubles(result, source.named):
        where = f"{one.name}: " if one.kind == "gate" else ""
        yield _command("error", one.title, f"{where}{one.why}")


def _warnings(result: RunResult) -> Iterable[str]:
    labels = Labels(result)
    foreseen = (cell for cell in result.cells if cell.effect is Effect.LOST and not wrong(result, cell))
    for (change, server, _, because), cells in grouped(foreseen, _alike).items():
        title = f"{change} on {labels.marked(server)} takes access away, as expected"
        yield _command("warning", title, _told(cells, because, labels))
    for one in verdicts(result):
        if one.balance.opened:
            holes = ", ".join(gravest_first(one.balance.opened, result))
            title = f"{one.balance.mitigation} on {labels.marked(one.balance.server)} opens holes"
            yield _command("warning", title, holes)


def _notice(result: RunResult) -> str:
    counts = {effect: count for effect, count in result.summary().items() if count}
    counts.pop("unexpected", None)
    odd = "; ".join(all_odd(result, language(DEFAULT)))
    told = ", ".join(f"{count} {effect}" for effect, count in counts.items()) or "nothing was measured"
    changes = dict.fromkeys(
        cell.cell.mitigation for cell in result.cells if cell.cell.mitigation != NO_CHANGE
    )
    what = (
        f"rehearsed: {', '.join(changes)}" if 0 < len(changes) <= 3 else f"{len(changes)} changes rehearsed"
    )
    if result.cells and not changes:
        what = "nothing was changed: who gets in, and what is open"
        told += "".join(f"; {line}" for line in in_lines(result, language(DEFAULT)))
    verdict = odd or ("all as expected" if result.cells else "no verdict")
    return _command("notice", what, "; ".join([told, verdict, *_closes(result)]))


def _closes(result: RunResult) -> Iterable[str]:
    """What became of the holes: by change and server, or of more than a few how many are closed."""
    found, labels, say = verdicts(result), Labels(result), language(DEFAULT)
    for one in found if len(found) <= FEW else ():
        clauses = map(text_of, Clauses(one, result, labels, say).closes())
        yield f"{one.balance.mitigation} on {labels.marked(one.balance.server)}: {', '.join(clauses)}"
    if len(found) > FEW:
        closing = sum(bool(one.balance.closed) for one in found)
        yield f"holes were closed by {closing} of the {len(found)} changes on one server each"


def _wrong(result: RunResult) -> list[CellResult]:
    return [cell for cell in result.cells if wrong(result, cell)]


def _alike(cell: CellResult) -> tuple[str, str, str, str]:
    return cell.cell.mitigation, cell.cell.server, str(cell.effect), why(cell)


def _told(cells: list[CellResult], because: str, labels: Labels) -> str:
    sees = seen(cells, labels.client, language(DEFAULT))
    return f"{who(cells, labels.client)}: {because}{f'; {sees}' if sees else ''}"


def _command(kind: str, title: str, message: str) -> str:
    """One workflow command: the one place where text goes into it. No line of a text begins a line here."""
    shown = _escaped(title).replace(":", "%3A").replace(",", "%2C")
    return f"::{kind} title={shown}::{_escaped(message)}"


def _escaped(text: str) -> str:
    return clean(text).replace("%", "%25")
