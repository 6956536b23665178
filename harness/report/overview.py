"""The whole run on one screen: each mitigation on each server, and whom it costs."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich.text import Text

from harness.model import Effect
from harness.report.explain import STYLES, grouped, who
from harness.report.page import GAP, INDENT, Page, widest
from harness.result import CellResult, RunResult


def draw_overview(
    page: Page, result: RunResult, client: Callable[[str], str], server: Callable[[str], str]
) -> None:
    """One line a mitigation and server. ``client`` and ``server`` label emulated ones."""
    rows: list[tuple[Text, Text, Text]] = []
    for (change, home), found in grouped(result.cells, lambda c: (c.cell.mitigation, c.cell.server)).items():
        if change != "none":
            # A change on clients costs at most those it was made on, which is not everybody.
            costs = _costs(page, found, client, everybody=result.on_server(change))
            rows.append((page.text(change), page.text(server(home)), costs))
    if not rows:
        return
    page.heading(page.text(page.say("overview.heading"), "bold"))
    names = [widest([row[column] for row in rows]) for column in (0, 1)]
    left = page.width - INDENT - sum(names) - 2 * GAP
    if left >= page.width // 3:
        page.grid(rows, [*names, left])
    else:
        for change_name, home_name, costs in rows:
            on = page.say("screen.on", changes=change_name.plain, servers=home_name.plain)
            page.hanging(costs, first=page.text(f"{on}: "), deeper=INDENT)
    page.blank()


def _costs(page: Page, found: Sequence[CellResult], client: Callable[[str], str], *, everybody: bool) -> Text:
    lost = [cell for cell in found if cell.effect is Effect.LOST]
    faults = [cell for cell in found if cell.effect is Effect.FAULT]
    gained = [cell for cell in found if cell.effect is Effect.GAINED]
    open_ones = [cell for cell in found if cell.effect is Effect.NOT_SETTLED]
    say = page.say
    parts: list[str | tuple[str, str]] = []
    if faults:
        parts.append((say("screen.faults", n=len(faults)), STYLES[Effect.FAULT]))
    if lost:
        worked = [cell for cell in found if cell.effect in (Effect.LOST, Effect.KEPT)]
        asked = dict.fromkeys(cell.cell.client for cell in worked)
        whole = everybody and len(worked) == len(lost) and len(asked) > 1
        text = _named(found, lost, client)
        text = say("overview.all", n=len(asked), clients=text) if whole else text
        parts.append((say("overview.loses", clients=text), STYLES[Effect.LOST]))
    elif not faults and not open_ones:
        parts.append((say("overview.loses_nobody"), STYLES[Effect.KEPT]))
    if open_ones:
        unsettled = say("screen.not_settled", clients=_named(found, open_ones, client))
        parts.append((unsettled, STYLES[Effect.NOT_SETTLED]))
    if gained:
        parts.append((say("overview.gains", clients=_named(found, gained, client)), STYLES[Effect.GAINED]))
    joined: list[str | tuple[str, str]] = []
    for part in parts:
        joined += ["; ", part] if joined else [part]
    return page.join(*joined)


def _named(found: Sequence[CellResult], some: Sequence[CellResult], client: Callable[[str], str]) -> str:
    """The clients in ``some``; with their checks only where a client keeps others."""
    whole: list[tuple[str, list[CellResult]]] = []
    partly: list[tuple[str, list[CellResult]]] = []
    for name, theirs in grouped(some, lambda cell: cell.cell.client).items():
        able = [cell for cell in found if cell.cell.client == name and not cell.unsupported]
        (whole if len(theirs) == len(able) else partly).append((name, theirs))
    texts = [", ".join(client(name) for name, _ in whole)] if whole else []
    if partly:
        texts.append(who([cell for _, theirs in partly for cell in theirs], client))
    return "; ".join(texts)
