"""Where the time of a run went, in words and rows: the same on a terminal, on a page and in Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from harness.report.explain import one_or_many
from harness.report.language import Language
from harness.report.page import GAP, INDENT, Page, widest
from harness.result import RunResult
from harness.result.spent import Kind

if TYPE_CHECKING:
    # Loaded where somebody asks for details: a terminal needs nothing else of the result document.
    from harness.report.documents.spent import SpentPart

_NARROW = 24
"""Columns that the name of a kind has at least; where there are fewer, each is a line without columns."""


def of_run(result: RunResult) -> SpentPart | None:
    """Where the time of a run went, as the result document has it."""
    if result.spent is None:
        return None
    from harness.report.documents.spent import SpentPart, spent_part

    return SpentPart.model_validate(spent_part(result.spent))


def sentences(part: SpentPart | None, reused: int, all_cells: int, say: Language) -> Iterator[str]:
    """How long it took and how far that is from the bound, and of how many cells that is not the time."""
    if part is None:
        return
    if part.workers:
        seconds, bound = _seconds(part.seconds), _seconds(part.bound_seconds)
        yield say(f"spent.head_{one_or_many(part.workers)}", seconds=seconds, bound=bound, n=part.workers)
    else:
        yield say("spent.nothing")
    if reused:
        yield say("spent.reused", n=reused, all=all_cells)


def head(part: SpentPart, say: Language) -> tuple[str, ...]:
    """What the columns of ``rows`` are."""
    what = say("spent.what", all=_seconds(part.worker_seconds))
    return (what, *(say(f"spent.{name}") for name in ("seconds", "share", "lasted", "times")))


def rows(part: SpentPart | None, say: Language) -> list[tuple[str, ...]]:
    """A row a kind: what it is, seconds of worker processes, share, seconds that it took, how many."""
    return [
        (
            say.known("spent_kind", one.kind),
            _seconds(one.worker_seconds),
            f"{one.share:.0%}",
            _seconds(one.lasted_seconds) if one.kind != Kind.WAIT else "",
            str(one.times) if one.times else "",
        )
        for one in (part.kinds if part else ())
        if one.worker_seconds or one.lasted_seconds
    ]


def draw_spent(page: Page, result: RunResult) -> None:
    """The section of a terminal report; nothing where it is not known where the time went."""
    part, say = of_run(result), page.say
    if part is None:
        return
    page.heading(page.text(say("spent.section"), "bold"))
    for told in sentences(part, len(result.reuse.cells), len(result.cells), say):
        page.hanging(page.text(told), deeper=INDENT)
    if found := rows(part, say):
        _draw(page, [head(part, say), *found])
    page.blank()


def _draw(page: Page, found: Sequence[Sequence[str]]) -> None:
    texts = [[page.text(word) for word in row] for row in found]
    widths = [widest(column) for column in zip(*texts, strict=True)]
    left = page.width - INDENT - sum(widths[1:]) - GAP * len(widths)
    if left >= _NARROW:
        for row in texts:
            for number, width in zip(row[1:], widths[1:], strict=True):
                number.pad_left(width - number.cell_len)
        page.grid(texts, [min(left, widths[0]), *widths[1:]])
        return
    for name, seconds, share, *_ in found[1:]:
        page.hanging(page.text(f"{name}: {seconds} s, {share}"), deeper=INDENT)


def _seconds(seconds: float) -> str:
    return f"{seconds:.1f}"
