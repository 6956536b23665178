"""Clients against checks, one short word a cell."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from rich.text import Text

from harness.model import CellId
from harness.report.explain import STYLES, word
from harness.report.page import GAP, INDENT, Page, widest
from harness.result import CellResult

SHORTEST = 6
"""Columns of the usual words, "gained" or "kept!"."""
LONGEST = 16
"""Columns after which the name of a check is folded: those of "browse-connected"."""


def draw(
    page: Page,
    ids: Sequence[CellId],
    cells: Mapping[CellId, CellResult],
    label: Callable[[str], str],
) -> None:
    """The matrix of ``ids``. Checks that do not fit side by side get a matrix of their own below."""
    place = ids[0]
    clients = list(dict.fromkeys(cell.client for cell in ids))
    checks = list(dict.fromkeys(cell.check for cell in ids))
    names = [page.text(_aligned(label(client))) for client in clients]
    room = page.width - 2 * INDENT
    name_width = min(widest(names), room // 2)
    words = {cell: _word(page, cells.get(cell)) for cell in ids}
    shortest = max(SHORTEST, widest([*words.values()]))
    for part in _parts(page, checks, room - name_width, shortest):
        widths = [name_width, *(_column(page.text(check), shortest) for check in part)]
        rows: list[list[Text]] = [[Text(), *(page.text(check, "dim") for check in part)]]
        for client, name in zip(clients, names, strict=True):
            line = (CellId(place.mitigation, place.server, client, check) for check in part)
            rows.append([name, *(words[cell] if cell in words else page.text("-", "dim") for cell in line)])
        page.grid(rows, widths, indent=2 * INDENT)


def _word(page: Page, found: CellResult | None) -> Text:
    if found is None:
        return page.text("?", "yellow")
    if found.unsupported:
        return page.text(page.say("details.cannot"), "dim")
    mark = "" if found.expected else "!"
    return page.join((f"{word(found.effect, page.say)}{mark}", STYLES[found.effect]))


def _aligned(label: str) -> str:
    """Room for the mark of an emulated client, so that all names begin in the same column."""
    return label if label.startswith("~") else f" {label}"


def _column(check: Text, shortest: int) -> int:
    return max(shortest, min(LONGEST, check.cell_len))


def _parts(page: Page, checks: Sequence[str], room: int, shortest: int) -> list[list[str]]:
    """The checks in parts that fit into ``room`` columns side by side; at least one in each."""
    parts: list[list[str]] = [[]]
    used = 0
    for check in checks:
        wide = GAP + _column(page.text(check), shortest)
        if parts[-1] and used + wide > room:
            parts.append([])
            used = 0
        parts[-1].append(check)
        used += wide
    return parts
