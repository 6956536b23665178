"""What was reused, in sentences: the same on a terminal, on a page and in a ticket."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from harness.report.language import DEFAULT, Language, language
from harness.result import CellResult, RunResult

if TYPE_CHECKING:
    # Loaded for a run that was reused of: a terminal needs nothing else of the result document.
    from harness.report.documents.reuse import ReusedPart, ReusePart

_UNITS = (("days", 86400.0), ("hours", 3600.0), ("minutes", 60.0))
_AT_LEAST = 2
"""So many of a unit, or the next smaller one is taken: 90 minutes are not one hour."""


def sentences(reuse: ReusePart | None, all_cells: int, say: Language) -> Iterator[str]:
    """How much was reused and how old it is, and what came of what was measured again."""
    if reuse is None:
        return
    if reuse.oldest:
        old = age(reuse.oldest.age_seconds, say)
        run = say("reuse.runs", n=len(reuse.runs) - 1, run=reuse.oldest.run)
        run = run if len(reuse.runs) > 1 else reuse.oldest.run
        yield say("reuse.some", n=reuse.cells, all=all_cells, run=run, age=old)
    same = sum(one.came == "same" for one in reuse.rechecks if _is_cell(one.what))
    if same:
        yield say("reuse.same_one" if same == 1 else "reuse.same", n=same)
    unknown = sum(one.came in ("fault", "not measured") for one in reuse.rechecks if _is_cell(one.what))
    if unknown:
        yield say("reuse.unknown", n=unknown)


def disagreements(reuse: ReusePart | None, say: Language) -> Iterator[str]:
    """What came out otherwise than before, a sentence each."""
    for one in reuse.rechecks if reuse else ():
        if one.differences:
            differences = "; ".join(one.differences)
            yield say("reuse.disagrees", what=one.what, run=one.before.run, differences=differences)


def of_run(result: RunResult) -> ReusePart | None:
    """What was reused of a run, as the result document has it."""
    if not result.reuse.known:
        return None
    from harness.report.documents.reuse import ReusePart, reuse_part

    part = reuse_part(result)
    return None if part is None else ReusePart.model_validate(part)


def of_cell(cell: CellResult, result: RunResult, code: str = DEFAULT) -> str:
    """When a cell was measured; "" for one of the run itself."""
    if cell.reused is None:
        return ""
    from harness.report.documents.reuse import ReusedPart, reused_part

    part = reused_part(cell.reused, result)
    return "" if part is None else when(ReusedPart.model_validate(part), language(code))


def when(part: ReusedPart, say: Language) -> str:
    """When something was measured that was not measured in the run."""
    return say("reuse.cell", run=part.run, at=moment(part.at), age=age(part.age_seconds, say))


def moment(at: datetime) -> str:
    """A time in UTC, as reports have it."""
    return at.strftime("%Y-%m-%d %H:%M UTC")


def age(seconds: float, say: Language) -> str:
    """``3 hours``: the largest unit of which there are two."""
    for unit, size in _UNITS:
        if seconds >= _AT_LEAST * size:
            return say(f"reuse.{unit}", n=int(seconds // size))
    return say("reuse.just_now")


def _is_cell(what: str) -> bool:
    """And not what the probes saw of a change on a server."""
    from harness.grammar.words import split

    return len(split(what, ":")) == 4
