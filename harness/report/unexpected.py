"""What is not as expected, on top of the first screen: in few lines there, for the answer is on it, too."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeVar

from harness.model import Effect, Hole
from harness.report.clauses import FEW, LOUD
from harness.report.counted import fell, odd_cells, odd_holes
from harness.report.explain import STYLES, grouped, who, word
from harness.report.labels import Labels
from harness.report.language import Language
from harness.report.page import INDENT, Page
from harness.result import CellResult, RunResult

MOST: Final = 4
"""Entries of each kind that are given one by one on the first screen; of more the rest is counted."""
_GRAVEST: Final = (Effect.FAULT, Effect.LOST, Effect.NOT_SETTLED, Effect.NEVER, Effect.GAINED, Effect.KEPT)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Entry:
    """Cells that came out the same for the same reason, of which one line tells."""

    effect: Effect
    why: str
    clients: str
    changes: tuple[str, ...]
    servers: tuple[str, ...]
    cells: int


def draw_unexpected(page: Page, result: RunResult, labels: Labels, all_of_it: str = "") -> None:
    """Everything that is not as expected; nothing where all is.

    ``all_of_it``: the command that shows the rest, where only the first few are to be told; "" for all.
    """
    say = page.say
    odd = [cell for cell in result.cells if not cell.expected]
    if not result.cells:
        page.hanging(page.text(say("screen.nothing_measured"), LOUD), indent=0)
    if odd:
        page.hanging(page.text(f"{odd_cells(result, say)}:", LOUD), indent=0)
    entries = [*_entries(odd, labels, say, short=bool(all_of_it))]
    if all_of_it:
        # What is left out is not the gravest.
        entries.sort(key=lambda one: _GRAVEST.index(one.effect))
    first = _first(entries, all_of_it)
    for one in first:
        servers = [labels.marked(server) for server in one.servers]
        on = labels.on(
            one.changes,
            _names(servers, say, short=bool(all_of_it)),
            say,
            told=_names(one.changes, say, short=True) if all_of_it and len(one.changes) > FEW + 1 else "",
        )
        page.hanging(
            page.join((word(one.effect, say), STYLES[one.effect]), f": {one.why}" if one.why else ""),
            first=page.text(f"{on}: {one.clients}: "),
            deeper=INDENT,
        )
    _rest(page, len(odd) - sum(one.cells for one in first), all_of_it)
    left = [one for one in result.exposures if not one.expected]
    if left:
        page.hanging(page.text(f"{odd_holes(result, say)}:", LOUD), indent=0)
    for hole in _first(left, all_of_it):
        page.hanging(page.text(f"{hole.id}: {hole.claim}"), deeper=INDENT)
    _rest(page, len(left) - len(_first(left, all_of_it)), all_of_it)
    fallen = [one for one in result.exposures if one.fell]
    if fallen:
        page.hanging(page.text(f"{fell(result, say)}:", LOUD), indent=0)
    for hole in _first(fallen, all_of_it):
        on = labels.on([hole.mitigation], labels.marked(hole.server), say)
        seen = next(one.evidence for one in hole.phases.values() if one.state is Hole.OPEN)
        page.hanging(page.text(f"{on}: {seen}"), deeper=INDENT)
    _rest(page, len(fallen) - len(_first(fallen, all_of_it)), all_of_it)
    lost = [cell for cell in result.cells if cell.restored is False]
    if lost:
        page.hanging(page.text(f"{say('screen.not_restored_cells', n=len(lost))}:", LOUD), indent=0)
    for found in _first(lost, all_of_it):
        page.hanging(page.text(labels.cell(found.cell)))
    _rest(page, len(lost) - len(_first(lost, all_of_it)), all_of_it)


def _first(things: Sequence[T], all_of_it: str) -> Sequence[T]:
    """Those that are told; one alone that would be left out takes no more room than saying so."""
    return things[:MOST] if all_of_it and len(things) > MOST + 1 else things


def _rest(page: Page, n: int, all_of_it: str) -> None:
    if n:
        page.hanging(page.text(f"{page.say('screen.odd_more', n=n)}:"))
        page.command(all_of_it, indent=2 * INDENT)


def _entries(odd: Iterable[CellResult], labels: Labels, say: Language, *, short: bool) -> Iterator[_Entry]:
    """One a change and server, then those together that differ in their servers or changes alone."""

    def alike(cell: CellResult) -> tuple[str, str, Effect, str, str]:
        return cell.cell.mitigation, cell.cell.server, cell.effect, cell.claim, cell.cause

    single = []
    for (change, server, effect, claim, cause), cells in grouped(odd, alike).items():
        known = say.cause(cause)
        why = known if effect is Effect.FAULT else claim or known
        clients = _who(cells, labels, say) if short else who(cells, labels.client)
        single.append(_Entry(effect, why, clients, (change,), (server,), len(cells)))
    by_change = _merged(single, lambda one: (one.changes, one.effect, one.why, one.clients))
    yield from _merged(by_change, lambda one: (one.servers, one.effect, one.why, one.clients))


def _merged(entries: Iterable[_Entry], same: Callable[[_Entry], object]) -> list[_Entry]:
    return [
        replace(
            those[0],
            changes=tuple(dict.fromkeys(name for one in those for name in one.changes)),
            servers=tuple(dict.fromkeys(name for one in those for name in one.servers)),
            cells=sum(one.cells for one in those),
        )
        for those in grouped(entries, same).values()
    ]


def _who(cells: Sequence[CellResult], labels: Labels, say: Language) -> str:
    """The clients with their checks; of many the first few, and how many more."""
    names = [*dict.fromkeys(cell.cell.client for cell in cells)]
    if len(names) <= FEW + 1:
        return who(cells, labels.client)
    return _names([*map(labels.client, names)], say, short=True)


def _names(names: Sequence[str], say: Language, *, short: bool) -> str:
    if not short or len(names) <= FEW + 1:
        return ", ".join(names)
    return say("screen.few", names=", ".join(names[:FEW]), n=len(names) - FEW)
