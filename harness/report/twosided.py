"""What each change closes and whom it costs, server by server; and what combinations do to each other."""

from __future__ import annotations

from collections.abc import Sequence

from harness.balance.front import Cheapest, Standing, Table, tables
from harness.balance.stages import Stage, stages
from harness.balance.weigh import NO_CHANGE, Balance, weight
from harness.mitigations.base import SEPARATOR
from harness.model import CellId, Effect
from harness.report.explain import STYLES, grouped
from harness.report.labels import Labels
from harness.report.page import GAP, INDENT, Page, widest
from harness.report.sentences import how_to_find, said_of, tasks, unpredicted
from harness.result import RunResult

FRONT = "* "
"""Before a change that is on the Pareto front."""
Words = list[str | tuple[str, str]]


def draw_balance(page: Page, result: RunResult) -> None:
    """A block a server: every change, the best ones first, and the cheapest way to close each hole."""
    labels = Labels(result)
    page.heading(page.text("What each change closes and whom it costs", "bold"))
    for table in tables(result):
        _server(page, table, labels)
    page.hanging(
        page.text(
            "* nothing measured here closes as much and costs less; the others: what beats them closes no "
            "less and loses no more. A hole that no probe could decide counts as worse than a closed one",
            "dim",
        ),
        indent=INDENT,
    )
    page.blank()


def _server(page: Page, table: Table, labels: Labels) -> None:
    found = table.before.still_open
    body = f": {len(found)} holes open before: {', '.join(found)}" if found else ": no hole open before"
    page.hanging(page.text(body), first=page.text(labels.marked(table.server), "bold"), deeper=INDENT)
    if table.before.undecided:
        names = ", ".join(table.before.undecided)
        page.hanging(
            page.text(names, "dim"), first=page.text("not decided before: ", "dim"), indent=2 * INDENT
        )
    for standing in sorted(table.standings, key=_rank):
        one = standing.balance
        mark = FRONT if standing.on_front else " " * len(FRONT)
        name = "no change" if one.mitigation == NO_CHANGE else _fit(page, one.mitigation)
        page.hanging(
            page.join(": ", *closes(one), "; ", *costs(one, labels), *_beaten(standing)),
            first=page.join(mark, (name, "bold" if standing.on_front else "")),
            deeper=2 * INDENT,
        )
    for one in table.not_judged:
        page.hanging(
            page.join(f"  {one.mitigation}: ", ("nothing measured", STYLES[Effect.FAULT])), deeper=2 * INDENT
        )
    _cheapest(page, table.cheapest, labels)
    page.blank()


def _fit(page: Page, change: str) -> str:
    """The name of a combination; where it is too long for one line it is broken after a ``+``."""
    if len(change) < page.width - INDENT - len(FRONT):
        return change
    *most, last = change.rpartition(SEPARATOR)
    return f"{''.join(most)} {last}"


def _rank(standing: Standing) -> tuple[bool, float, int]:
    one = standing.balance
    return (not standing.on_front, weight((*one.lost, *one.unknown)), -len(one.closed))


def closes(one: Balance) -> Words:
    """What a change does to the holes: ``closes 2 of 5: smb1-spoken, rap-listing``."""
    if not one.holes:
        return ["holes not probed"]
    unsure = f" ({len(one.undecided)} not decided)" if one.undecided else ""
    words: Words = [(_closed(one), "green"), unsure] if one.closed else [f"closes nothing{unsure}"]
    if one.opened:
        words += ["; ", (f"OPENS {', '.join(one.opened)}", "bold red")]
    return words


def costs(one: Balance, labels: Labels) -> Words:
    """What a change does to the clients: ``loses ~windows-xp``; and whether all came back."""
    words: Words = []
    if one.lost:
        words += [(f"loses {_whom(one, one.lost, labels)}", STYLES[Effect.LOST])]
        words += [f"keeps {len(one.clients_kept)} clients"] if len(one.clients_kept) > 1 else []
    elif one.kept:
        words += [("loses nobody", STYLES[Effect.KEPT])]
    if one.gained:
        words += [(f"gains {_named(one.gained, labels)}", STYLES[Effect.GAINED])]
    if one.unknown:
        words += [(f"{len(one.unknown)} not measured", "yellow")]
    if one.rolled_back is False:
        words += [("NOT ROLLED BACK", "bold red")]
    elif one.rolled_back is None and one.mitigation != NO_CHANGE:
        words += [("rollback not shown", "yellow")]
    return [part for word in words for part in ("; ", word)][1:]


def _closed(one: Balance) -> str:
    """The holes it closes, or those it leaves where these are fewer."""
    count, left = len(one.open_before), one.still_open
    if not left:
        return f"closes all {count}" if count > 1 else f"closes {one.closed[0]}"
    if len(left) < len(one.closed) / 2:
        return f"closes {len(one.closed)} of {count}, all but {', '.join(left)}"
    return f"closes {len(one.closed)} of {count}: {', '.join(one.closed)}"


def _whom(one: Balance, cells: Sequence[CellId], labels: Labels) -> str:
    """Clients, with their checks only where they keep others; "everybody" where nobody is left."""
    everyone = {cell.client for cell in (*one.kept, *one.lost, *one.unknown)}
    if len(cells) == len(one.kept) + len(one.lost) + len(one.unknown) and len(everyone) > 1:
        return "everybody"
    return _named(cells, labels, [cell for cell in (*one.kept, *one.lost, *one.unknown) if cell not in cells])


def _named(cells: Sequence[CellId], labels: Labels, others: Sequence[CellId] = ()) -> str:
    partly = {cell.client for cell in others}
    by_client = grouped(cells, lambda cell: cell.client)
    whole = [labels.client(client) for client in by_client if client not in partly]
    part = [cell for cell in cells if cell.client in partly]
    texts = [", ".join(whole)] if whole else []
    texts += [tasks(part, labels)] if part else []
    return " and ".join(texts)


def _beaten(standing: Standing) -> Words:
    if standing.on_front:
        return []
    by = ["leaving it as it is" if name == NO_CHANGE else name for name in standing.beaten_by]
    others = f" and {len(by) - 1} more" if len(by) > 1 else ""
    return [("; beaten by ", "dim"), (f"{by[0]}{others}", "dim")]


def _cheapest(page: Page, found: Sequence[Cheapest], labels: Labels) -> None:
    """One line for all holes with the same answer."""

    def ways(one: Cheapest) -> tuple[str, ...]:
        return tuple(f"{way.mitigation} ({', '.join(_price(way, labels))})" for way in one.ways)

    for answers, those in grouped(found, ways).items():
        names = ", ".join(one.exposure for one in those)
        head = f"closes {names} at the least price: " if answers else "closed by nothing measured here: "
        page.hanging(
            page.text(" or ".join(answers) or names),
            first=page.text(head, "dim"),
            indent=2 * INDENT,
            deeper=INDENT,
        )


def _price(one: Balance, labels: Labels) -> list[str]:
    lost = f"loses {_whom(one, one.lost, labels)}" if one.lost else "loses nobody"
    return [lost, *([f"{len(one.unknown)} not measured"] if one.unknown else [])]


def draw_combinations(page: Page, result: RunResult) -> None:
    """What combinations do that their parts do not say, and interactions that are known: a sentence each."""
    found = said_of(result)
    missing = unpredicted(result)
    if not found and not missing:
        return
    page.heading(page.text("What changes do to each other", "bold"))
    for one in found:
        style = "bold yellow" if one.kind == "surprise" else "bold"
        page.hanging(page.text(one.text), first=page.text(f"{one.kind}: ", style), deeper=INDENT)
    command = how_to_find(result)
    if command:
        page.hanging(page.text("to find the pair behind a surprise:", "dim"))
        page.hanging(page.text(command), indent=2 * INDENT)
    if missing:
        page.hanging(page.text(missing, "dim"), deeper=INDENT)
    page.blank()


def draw_stages(page: Page, result: RunResult) -> None:
    """The stages of a plan side by side: what each closes, and whom it costs."""
    found = stages(result)
    if not found:
        return
    labels = Labels(result)
    page.heading(page.text("The stages: what each closes and whom it costs", "bold"))
    rows = [
        [page.text(_change(one, labels)), page.join(*closes(one)), page.join(*costs(one, labels))]
        for stage in found
        for one in stage.balances
    ]
    name = min(widest([row[0] for row in rows]), (page.width - INDENT) // 3)
    left = page.width - 2 * INDENT - name - 2 * GAP
    widths = [name, left * 3 // 5, left - left * 3 // 5]
    for stage in found:
        page.hanging(page.text(stage.name, "bold"))
        page.grid(rows[: len(stage.balances)], widths, indent=2 * INDENT)
        rows = rows[len(stage.balances) :]
        _left_out(page, stage, labels)
    page.blank()


def _change(one: Balance, labels: Labels) -> str:
    return f"{one.mitigation} on {labels.marked(one.server)}"


def _left_out(page: Page, stage: Stage, labels: Labels) -> None:
    for reason, those in grouped(stage.left_out, lambda one: one.reason).items():
        what = ", ".join(f"{one.mitigation} on {labels.marked(one.subject)}" for one in those)
        page.hanging(page.text(f"{what}: not possible: {reason}"), indent=2 * INDENT, deeper=INDENT)
