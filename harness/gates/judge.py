"""A run held against gates: what is required and not shown, and which losses somebody has accepted.

required cell     kept or gained, and brought back by the rollback        else broken
required hole     closed or not exposed under the change, and not open after the rollback
not measured, a fault, not settled, unknown                               unproven: never read as good
accepted loss     a lost cell that the rollback brought back              counts as expected to its date
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date

from harness.gates.reading import Acceptance, Requirement
from harness.model import CellId, Effect, Hole, Phase
from harness.planning import selecting
from harness.result import CellResult, ExposureResult, RunResult
from harness.result.gates import Gates, KnownLoss, Miss

_GOOD = (Effect.KEPT, Effect.GAINED)
_UNKNOWN = (Effect.FAULT, Effect.NOT_SETTLED)


def judge(
    result: RunResult, required: Sequence[Requirement], known: Sequence[Acceptance], today: date
) -> Gates:
    """Hold a run against what is required and what is accepted on that day."""
    losses = [_known(result, one) for one in known]
    accepted = tuple(one for one in losses if one.cells and today <= one.until)
    excused = {cell for one in accepted for cell in one.cells}
    many, broken, unproven = 0, list[Miss](), list[Miss]()
    for one in required:
        held, wrong, unsure = _required(result, one, excused)
        many += held
        broken += wrong
        unproven += unsure
    return Gates(
        many,
        tuple(broken),
        tuple(unproven),
        accepted,
        tuple(one for one in losses if one.cells and today > one.until),
        tuple(one for one in losses if not one.cells),
    )


def held_against(
    result: RunResult, required: Sequence[Requirement], known: Sequence[Acceptance], today: date
) -> RunResult:
    """The run with what came of the gates, which say what is expected from then on: every report follows.

    An accepted loss is as expected. What is required and not shown to be so is not, and neither is what was
    accepted to a date that is over.
    """
    gates = judge(result, required, known, today)
    wrong = {
        one.what: f"{one.entry.file} requires it: it {one.why}" for one in (*gates.broken, *gates.unproven)
    }
    wrong |= {
        str(cell): f"it was accepted until {one.until} only ({one.reason})"
        for one in gates.expired
        for cell in one.cells
        if cell not in gates.accepts
    }
    return replace(
        result,
        gates=gates,
        expected_by=tuple(dict.fromkeys([*result.expected_by, *_names(required, known)])),
        cells=tuple(_cell(one, gates, wrong.get(str(one.cell), "")) for one in result.cells),
        exposures=tuple(
            replace(one, expected=False, claim=one.claim or why) if (why := wrong.get(one.id, "")) else one
            for one in result.exposures
        ),
    )


def _names(required: Sequence[Requirement], known: Sequence[Acceptance]) -> Iterator[str]:
    yield from (one.entry.file for one in required)
    yield from (one.entry.file for one in known)


def _cell(found: CellResult, gates: Gates, wrong: str) -> CellResult:
    if wrong:
        # Where a report gives the claim it gives no cause besides.
        why = f"{wrong}: {found.cause}" if found.cause and found.cause not in wrong else wrong
        return replace(found, expected=False, claim=why)
    return replace(found, expected=True) if found.cell in gates.accepts else found


def _known(result: RunResult, one: Acceptance) -> KnownLoss:
    """That the rollback did not bring a cell back is no part of what was accepted."""
    lost = (
        found.cell
        for found in result.cells
        if found.effect is Effect.LOST
        and found.restored is not False
        and selecting.matches(one.entry.selector, found.cell)
    )
    return KnownLoss(one.entry, one.reason, one.until, tuple(lost))


def _required(
    result: RunResult, one: Requirement, excused: set[CellId]
) -> tuple[int, list[Miss], list[Miss]]:
    """How many things are required, which of them are seen to be otherwise, and which nobody knows."""
    broken, unproven = list[Miss](), list[Miss]()
    many = 0
    for what, why, seen in _cells(result, one, excused) if one.entry.table == "kept" else _holes(result, one):
        many += 1
        if why:
            (broken if seen else unproven).append(Miss(one.entry, what, why, one.why))
    if not many:
        unproven.append(Miss(one.entry, "", "selects nothing that this run measured", one.why))
    return many, broken, unproven


Found = Iterator[tuple[str, str, bool]]
"""What is required, why it is not as required ("" where it is), and whether that was seen."""


def _cells(result: RunResult, one: Requirement, excused: set[CellId]) -> Found:
    measured = {found.cell: found for found in result.cells}
    planned = dict.fromkeys([*(cell for row in result.rows for cell in row.cells), *measured])
    for cell in planned:
        if not selecting.matches(one.entry.selector, cell):
            continue
        found = measured.get(cell)
        if found is None:
            yield str(cell), "was not measured: the run was cut off", False
        # What a client cannot do at all it cannot lose.
        elif not found.unsupported:
            yield str(cell), "" if cell in excused else _not_kept(found), found.effect not in _UNKNOWN


def _not_kept(found: CellResult) -> str:
    """Why a cell is not kept; "" when it is."""
    if found.effect in _GOOD:
        return "is not brought back by the rollback" if found.restored is False else ""
    words = {
        Effect.LOST: "is lost",
        Effect.NEVER: "does not work, and did not before the change either",
        Effect.NOT_SETTLED: "is not settled",
        Effect.FAULT: "is a fault",
    }[found.effect]
    return f"{words}: {found.cause}" if found.cause else words


def _holes(result: RunResult, one: Requirement) -> Found:
    for found in result.exposures:
        hole = (found.mitigation, found.server, found.exposure)
        if selecting.selects_hole(one.entry.selector, hole):
            why, seen = _not_closed(found)
            yield ":".join(hole), why, seen


def _not_closed(found: ExposureResult) -> tuple[str, bool]:
    """Why a hole is not closed, and whether that was seen; "" when it is closed."""
    if found.stayed_open:
        return f"is open after the rollback: {found.phases[Phase.ROLLED_BACK].evidence}", True
    seen = found.phases.get(found.decisive)
    if seen is None:
        return "was not probed", False
    if seen.state in (Hole.CLOSED, Hole.NOT_EXPOSED):
        return "", True
    return f"is {seen.state}: {seen.evidence}", seen.state is Hole.OPEN
