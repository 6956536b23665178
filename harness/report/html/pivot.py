"""The cells as a table: what a reader without scripts sees, grouped by change and server."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.report.explain import grouped
from harness.report.html.view import Shown


@dataclass(frozen=True, slots=True)
class Row:
    """A server under a change: a place for each column."""

    server: str
    cells: tuple[Shown | None, ...]


@dataclass(frozen=True, slots=True)
class Pivot:
    """The whole table."""

    clients: tuple[tuple[str, tuple[str, ...]], ...]
    """Clients, each with the checks that it was asked for: the columns."""
    groups: tuple[tuple[str, tuple[Row, ...]], ...]
    """Changes, each with its rows."""


def pivot(cells: Sequence[Shown]) -> Pivot:
    """All cells of a run by change and server, client and check; in the order of the plan."""
    by_client = grouped(cells, lambda cell: cell.client)
    checks = {check: at for at, check in enumerate(dict.fromkeys(cell.check for cell in cells))}
    clients = tuple(
        (client, tuple(sorted({cell.check for cell in its}, key=checks.__getitem__)))
        for client, its in by_client.items()
    )
    columns = [(client, check) for client, its in clients for check in its]
    groups = []
    for change, of_change in grouped(cells, lambda cell: cell.mitigation).items():
        rows = []
        for server, own in grouped(of_change, lambda cell: cell.server).items():
            there = {(cell.client, cell.check): cell for cell in own}
            rows.append(Row(server, tuple(there.get(column) for column in columns)))
        groups.append((change, tuple(rows)))
    return Pivot(clients, tuple(groups))
