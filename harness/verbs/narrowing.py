"""A part of a run for a report: a ticket is about one change, and a run may have made many."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from harness.catalogue import Catalogue
from harness.errors import UsageError
from harness.model import CellId, Tier
from harness.planning import interpret, selecting
from harness.result import RunResult


def narrowed(catalogue: Catalogue, result: RunResult, only: Sequence[str]) -> RunResult:
    """The cells that one of the selectors names, and the holes and proofs of their changes and servers.

    Raises UsageError for a selector that is wrong, and where nothing of the run is left.
    """
    lab = Tier(result.lab) if result.lab in set(Tier) else Tier.LOCAL
    patterns = [interpret.selector_of(catalogue, text, lab) for text in only]

    def wanted(cell: CellId) -> bool:
        return any(selecting.matches(pattern, cell) for pattern in patterns)

    rows = [replace(row, cells=tuple(filter(wanted, row.cells))) for row in result.rows]
    cells = tuple(cell for cell in result.cells if wanted(cell.cell))
    planned = {*(cell.cell for cell in cells), *(cell for row in rows for cell in row.cells)}
    if not planned:
        raise UsageError(
            f"--only {' '.join(patterns)} leaves no cell of {result.run}", "See: rehearse report"
        )
    changes = {cell.mitigation for cell in planned}
    pairs = {(cell.mitigation, cell.server) for cell in planned}
    there = {name for cell in planned for name in (cell.server, cell.client)}
    return replace(
        result,
        cells=cells,
        planned=len(planned),
        complete=len(cells) == len(planned),
        rows=tuple(row for row in rows if row.cells),
        exposures=tuple(one for one in result.exposures if (one.mitigation, one.server) in pairs),
        applied=tuple(one for one in result.applied if one.mitigation in changes and one.server in there),
        not_applicable=tuple(one for one in result.not_applicable if one.mitigation in changes),
        left_out=tuple(one for one in result.left_out if one.mitigation in changes and one.subject in there),
    )
