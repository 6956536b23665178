"""What each change closes and whom it costs, server by server; and what combinations do to each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from harness.balance.machines import Machines, machines_of
from harness.balance.pareto_front import Cheapest, Standing, Table, tables
from harness.balance.stages import Stage, stages
from harness.balance.weigh import Balance, weight
from harness.model import CellId, Effect
from harness.report.explain import STYLES, grouped
from harness.report.labels import Labels
from harness.report.language import DEFAULT, language
from harness.report.page import GAP, INDENT, Page, widest
from harness.report.sentences import how_to_find, said_of, tasks, unpredicted
from harness.report.verdicts import aims, aims_in_words, graded, gravest_first, idle, undecided
from harness.result import NO_CHANGE, RunResult

FRONT = "* "
"""Before a change that is on the Pareto front."""
Words = list[str | tuple[str, str]]


def draw_balance(page: Page, result: RunResult) -> None:
    """A block a server: every change, the best ones first, and the cheapest way to close each hole."""
    labels = Labels(result)
    page.heading(page.text("What each change closes and whom it costs", "bold"))
    machines = machines_of(result)
    for table in tables(result):
        _server(page, table, labels, machines)
    counted = "cells, each with the machines of its client" if result.fleet else "cells"
    page.hanging(
        page.text(
            f"* no other change measured here closes as much and costs less. Costs are counted in {counted}. "
            "What was not asked may be lost, and a hole that cannot be told may be open",
            "dim",
        ),
        indent=INDENT,
    )
    page.blank()


def _server(page: Page, table: Table, labels: Labels, machines: Mapping[tuple[str, str], Machines]) -> None:
    result = labels.result
    found = table.before.still_open
    many = f"{len(found)} holes are" if len(found) > 1 else "1 hole is"
    body = f": {many} open as it is: {graded(found, result)}" if found else ": no hole is open as it is"
    page.hanging(page.text(body), first=page.text(labels.marked(table.server), "bold"), deeper=INDENT)
    on_server = [one for one in result.exposures if one.server == table.server]
    seen = {one.exposure: one for one in on_server if one.exposure in table.before.undecided}
    for names, why in undecided(seen.values(), result):
        page.hanging(
            page.text(f"{names}: {why}" if why else names),
            first=page.text("cannot be told: ", "dim"),
            indent=2 * INDENT,
            deeper=INDENT,
        )
    for standing in sorted(table.standings, key=_rank):
        one = standing.balance
        mark = FRONT if standing.on_front else " " * len(FRONT)
        if one.mitigation == NO_CHANGE:
            page.hanging(
                page.text(": what the changes are weighed against"),
                first=page.join(mark, ("no change", "bold")),
                deeper=2 * INDENT,
            )
            continue
        words = [*closes(one, result, table.before.undecided), "; ", *costs(one, labels)]
        words += [*_in_machines(machines.get((one.mitigation, one.server))), *_beaten(standing)]
        page.hanging(
            page.join(": ", *words),
            first=page.join(mark, (one.mitigation, "bold" if standing.on_front else "")),
            deeper=2 * INDENT,
        )
    for one in table.not_judged:
        page.hanging(
            page.join(f"  {one.mitigation}: ", ("nothing measured", STYLES[Effect.FAULT])), deeper=2 * INDENT
        )
    _cheapest(page, table.cheapest, labels)
    page.blank()


def _in_machines(found: Machines | None) -> Words:
    """``; 23 of 412 machines, 5 more perhaps``; nothing without a fleet."""
    if found is None:
        return []
    whole = found.whole
    unsure = whole.most - whole.lost
    more = f", {unsure} more perhaps" if unsure else ""
    return [f"; {whole.lost} of {whole.total} machines lose something{more}"]


def _rank(standing: Standing) -> tuple[bool, float, int]:
    one = standing.balance
    return (not standing.on_front, weight((*one.lost, *one.unknown)), -len(one.closed))


def closes(one: Balance, result: RunResult, before: Sequence[str] = ()) -> Words:
    """What a change does to the holes: ``closes 2 of 5: smb1-spoken, rap-listing``.

    ``before``: exposures of which it was said already that they cannot be told.
    """
    if not one.holes:
        return ["holes not probed"]
    aimed = aims(result, one.mitigation, one.server)
    meant = aims_in_words((aim for aim in aimed if not (one.closed and idle(aim))), language(DEFAULT))
    words: Words = [f"{'; '.join(meant)}; "] if meant else []
    nothing = "closes nothing else" if meant else "closes no hole"
    words += [(_closed(one, result), "green")] if one.closed else [nothing]
    if one.opened:
        words += ["; ", (f"OPENS {', '.join(gravest_first(one.opened, result))}", "bold red")]
    unsure = [name for name in one.undecided if name not in {*before, *(aim.exposure for aim in aimed)}]
    if unsure and before:
        words += [f"; cannot be told: {', '.join(gravest_first(unsure, result))}"]
    return words


def costs(one: Balance, labels: Labels) -> Words:
    """What a change does to the clients: ``loses ~windows-xp``; and whether all came back."""
    words: Words = []
    if one.lost:
        words += [(f"loses {_whom(one, one.lost, labels)}", STYLES[Effect.LOST])]
        words += [f"keeps {len(one.clients_kept)} clients"] if len(one.clients_kept) > 1 else []
    elif one.kept:
        words += [("loses nobody who was asked", STYLES[Effect.KEPT])]
    if one.gained:
        words += [(f"gains {_named(one.gained, labels)}", STYLES[Effect.GAINED])]
    unasked = [cell for cell in one.unknown if cell not in one.not_settled]
    if unasked:
        words += [(f"not asked, or a fault: {tasks(unasked, labels)}", "yellow")]
    if one.not_settled:
        words += [(f"not settled: {tasks(one.not_settled, labels)}", STYLES[Effect.NOT_SETTLED])]
    if one.rolled_back is False:
        words += [("NOT ROLLED BACK", "bold red")]
    elif one.rolled_back is None and one.mitigation != NO_CHANGE:
        words += [("rollback not shown", "yellow")]
    return [part for word in words for part in ("; ", word)][1:]


def _closed(one: Balance, result: RunResult) -> str:
    """The holes it closes, or those it leaves where these are fewer; the gravest first."""
    count, left = len(one.open_before), gravest_first(one.still_open, result)
    closed = gravest_first(one.closed, result)
    if not left:
        return f"closes all {count}" if count > 1 else f"closes {closed[0]}"
    if len(left) < len(closed) / 2:
        return f"closes {len(closed)} of {count}, all but {', '.join(left)}"
    return f"closes {len(closed)} of {count}: {', '.join(closed)}"


def _whom(one: Balance, cells: Sequence[CellId], labels: Labels) -> str:
    """Clients, with their checks only where they keep others; how many were asked where nobody is left."""
    everyone = dict.fromkeys(cell.client for cell in (*one.kept, *one.lost, *one.unknown))
    if len(cells) == len(one.kept) + len(one.lost) + len(one.unknown) and len(everyone) > 1:
        return f"all {len(everyone)} that were asked: {', '.join(map(labels.client, everyone))}"
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
    """What is better, all of it by name."""
    others = [name for name in standing.beaten_by if name != NO_CHANGE]
    better = (
        ["better left as it is, which closes as much and costs less"]
        if NO_CHANGE in standing.beaten_by
        else []
    )
    if others:
        closes_no_less = (
            "closes no less and costs no more" if len(others) == 1 else "close no less, cost no more"
        )
        better += [f"{', '.join(others)} {closes_no_less}"]
    if standing.balance.outage:
        better = ["nobody is served: a measure for hours, not a way to close holes"]
    return [(f"; {'; '.join(better)}", "dim")] if better else []


def _cheapest(page: Page, found: Sequence[Cheapest], labels: Labels) -> None:
    """One line for all holes with the same answer."""

    def ways(one: Cheapest) -> tuple[str, ...]:
        return tuple(f"{way.mitigation} ({'; '.join(_price(way, labels))})" for way in one.ways)

    for answers, those in grouped(found, ways).items():
        names = ", ".join(gravest_first((one.exposure for one in those), labels.result))
        head = f"closed at the smallest loss: {names}: by " if answers else "no change measured here closes: "
        page.hanging(
            page.text(" or ".join(answers) or names),
            first=page.text(head, "dim"),
            indent=2 * INDENT,
            deeper=INDENT,
        )


def _price(one: Balance, labels: Labels) -> list[str]:
    lost = f"loses {_whom(one, one.lost, labels)}" if one.lost else "loses nobody who was asked"
    unasked = len(set(one.unknown) - set(one.not_settled))
    texts = [f"{unasked} {'cells' if unasked > 1 else 'cell'} not asked, or a fault"] if unasked else []
    return [lost, *texts, *([f"{len(one.not_settled)} not settled"] if one.not_settled else [])]


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
        [page.text(_change(one, labels)), page.join(*closes(one, result)), page.join(*costs(one, labels))]
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
