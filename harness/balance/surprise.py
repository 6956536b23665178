"""Combinations that do something else than their parts say.

The parts of a combination predict what it does, where each of them was measured alone on the same server in
the same run:

* a cell that worked before is *lost* when any part alone loses it (the union of losses), else *kept*; one
  that did not work before *works* when any part alone makes it work, else *never*;
* a hole that was open before is *closed* when any part alone closes it (the union of closings), else it
  *stays open*; one that was not is *opened* when any part alone opens it, else it *stays closed*. Closed and
  not exposed are the same here.

What was measured of the combination differs from the prediction: a surprise. Nothing is predicted, and
nothing surprises, where a part was not measured alone (what a combination loses is tried under its parts),
where the cell is a fault or cannot be done at all under the combination or a part, or where the hole is
unknown to any of them in a phase that counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import combinations

from harness.balance.weigh import SAFE, parts_made, parts_of, seen
from harness.model import CellId, Effect, Hole, Phase
from harness.result import NO_CHANGE, CellResult, ExposureResult, RunResult


class Kind(StrEnum):
    """How a combination differs from its parts."""

    COSTS_MORE = "costs more"
    """Each part alone keeps it (or makes it work), together they do not."""
    COSTS_LESS = "costs less"
    """A part alone loses it, together it works; or it works only together."""
    CLOSES_MORE = "closes more"
    """No part alone closes it, together they do; or a part alone opens it, and together it stays closed."""
    CLOSES_LESS = "closes less"
    """A part alone closes it, together it is open; or it is opened only together."""


@dataclass(frozen=True, slots=True)
class Surprise:
    """One cell or hole of a combination that its parts do not explain."""

    kind: Kind
    mitigation: str
    server: str
    cell: CellId | None
    """The cell, or None for a hole."""
    exposure: str
    """The hole, or "" for a cell."""
    before: bool
    """Whether the cell worked, or the hole was open, before any change."""
    predicted: str
    """What the parts say: an effect, or "open" or "not open"."""
    measured: str
    decided_by: tuple[str, ...]
    """The parts that the prediction rests on: those that lose or close it; all where none does."""
    suspects: tuple[tuple[str, str], ...] = ()
    """The pairs of its parts that may be the reason: all but those that do what was predicted here in another
    combination of the run. Empty where the combination is a pair itself, or none is cleared."""


@dataclass(frozen=True, slots=True)
class Twice:
    """A cell that several parts of a combination lose, each alone: undoing one brings nobody back."""

    mitigation: str
    server: str
    cell: CellId
    parts: tuple[tuple[str, str], ...]
    """(part, the step where it stops this client alone)."""


Cells = Mapping[CellId, CellResult]


def surprises(result: RunResult) -> tuple[Surprise, ...]:
    """Every surprise of a run, in the order of its cells and then of its exposures."""
    cells = {cell.cell: cell for cell in result.cells}
    holes = {(one.mitigation, one.server, one.exposure): one for one in result.exposures}
    found = [_cell(result, cells, cell) for cell in result.cells]
    found += [_hole(holes, one, parts_made(result, one.mitigation, one.server)) for one in result.exposures]
    return tuple(replace(one, suspects=_suspects(result, one)) for one in found if one is not None)


def _suspects(result: RunResult, found: Surprise) -> tuple[tuple[str, str], ...]:
    pairs = list(combinations(parts_of(found.mitigation), 2))
    cleared = {
        pair
        for other, what in _measured(result, found)
        if what == found.predicted
        for pair in pairs
        if set(pair) <= set(parts_of(other))
    }
    left = tuple(pair for pair in pairs if pair not in cleared)
    return left if len(pairs) > 1 and len(left) < len(pairs) else ()


def _measured(result: RunResult, found: Surprise) -> Iterator[tuple[str, str]]:
    """(mitigation, what was measured) of the same cell or hole of the same server under every change."""
    for cell in result.cells:
        name = cell.cell
        if found.cell is not None and replace(name, mitigation=found.mitigation) == found.cell:
            yield name.mitigation, str(cell.effect)
    for one in result.exposures:
        if (
            found.cell is None
            and (one.server, one.exposure) == (found.server, found.exposure)
            and _decided(one)
        ):
            yield one.mitigation, _word(is_open=_open(one, Phase.APPLIED))


def lost_twice(result: RunResult) -> tuple[Twice, ...]:
    """The cells of combinations that two or more parts lose alone, at different steps."""
    cells = {cell.cell: cell for cell in result.cells}
    found = []
    for cell in result.cells:
        alone = _alone(result, cells, cell)
        if cell.effect is not Effect.LOST or alone is None:
            continue
        steps = tuple(
            (one.cell.mitigation, str(one.phases[Phase.APPLIED].step or one.phases[Phase.APPLIED].status))
            for one in alone
            if one.effect is Effect.LOST
        )
        if len({step for _, step in steps}) > 1:
            found.append(Twice(cell.cell.mitigation, cell.cell.server, cell.cell, steps))
    return tuple(found)


def _alone(result: RunResult, cells: Cells, measured: CellResult) -> list[CellResult] | None:
    """The same cell under each part alone; None where one was not measured, or is no result.

    What a combination loses was tried under its parts, also where these are no changes of the run.
    """
    cell = measured.cell
    parts = parts_made(result, cell.mitigation, cell.server, cell.client)
    if len(parts) < 2:
        return None
    under = (replace(cell, mitigation=part) for part in parts)
    found = [cells.get(one) or _tried(measured, one) for one in under]
    usable = [one for one in found if one is not None and _is_result(one)]
    return usable if len(usable) == len(parts) else None


def _tried(measured: CellResult, under: CellId) -> CellResult | None:
    """What a cell that a combination loses came to under one part; None where that was not measured."""
    part = measured.parts.get(under.mitigation)
    if part is None or part.effect is None:
        return None
    phases = {**measured.phases, Phase.APPLIED: part.attempt}
    return replace(measured, cell=under, effect=part.effect, phases=phases, parts={})


def _is_result(cell: CellResult) -> bool:
    return cell.effect not in (Effect.FAULT, Effect.NOT_SETTLED) and not cell.unsupported


def _cell(result: RunResult, cells: Cells, measured: CellResult) -> Surprise | None:
    alone = _alone(result, cells, measured)
    if alone is None or not _is_result(measured):
        return None
    worked = measured.effect in (Effect.KEPT, Effect.LOST)
    if any((one.effect in (Effect.KEPT, Effect.LOST)) is not worked for one in alone):
        return None  # Not the same before: the parts were measured on something else.
    telling = Effect.LOST if worked else Effect.GAINED
    deciding = [one.cell.mitigation for one in alone if one.effect is telling]
    other = Effect.KEPT if worked else Effect.NEVER
    predicted = telling if deciding else other
    if measured.effect is predicted:
        return None
    works = measured.effect in (Effect.KEPT, Effect.GAINED)
    return Surprise(
        Kind.COSTS_LESS if works else Kind.COSTS_MORE,
        measured.cell.mitigation,
        measured.cell.server,
        measured.cell,
        "",
        worked,
        str(predicted),
        str(measured.effect),
        tuple(deciding) or tuple(one.cell.mitigation for one in alone),
    )


def _hole(
    holes: Mapping[tuple[str, str, str], ExposureResult], measured: ExposureResult, parts: tuple[str, ...]
) -> Surprise | None:
    found = [holes.get((part, measured.server, measured.exposure)) for part in parts]
    alone = [one for one in found if one is not None]
    if measured.mitigation == NO_CHANGE or len(parts) < 2 or len(alone) < len(parts):
        return None
    if not all(_decided(one) for one in (measured, *alone)):
        return None
    before = _open(measured, Phase.BASELINE)
    if any(_open(one, Phase.BASELINE) is not before for one in alone):
        return None
    deciding = [one.mitigation for one in alone if _open(one, Phase.APPLIED) is not before]
    predicted = before if not deciding else not before
    now = _open(measured, Phase.APPLIED)
    if now is predicted:
        return None
    return Surprise(
        Kind.CLOSES_LESS if now else Kind.CLOSES_MORE,
        measured.mitigation,
        measured.server,
        None,
        measured.exposure,
        before,
        _word(is_open=predicted),
        _word(is_open=now),
        tuple(deciding) or parts,
    )


def _decided(one: ExposureResult) -> bool:
    return Hole.UNKNOWN not in (seen(one, Phase.BASELINE), seen(one, Phase.APPLIED))


def _open(one: ExposureResult, phase: Phase) -> bool:
    return seen(one, phase) not in SAFE


def _word(*, is_open: bool) -> str:
    return "open" if is_open else "not open"


def not_predictable(result: RunResult) -> tuple[tuple[str, str, tuple[str, ...]], ...]:
    """(combination, server, parts that were not measured alone there): nothing is predicted of these."""
    measured = dict.fromkeys((cell.cell.mitigation, cell.cell.server) for cell in result.cells)
    missing = (
        (change, server, tuple(_missing(parts_made(result, change, server), server, measured)))
        for change, server in measured
        if len(parts_of(change)) > 1
    )
    return tuple(one for one in missing if one[2])


def _missing(parts: Iterable[str], server: str, measured: Iterable[tuple[str, str]]) -> list[str]:
    return [part for part in parts if (part, server) not in measured]
