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
from harness.report.language import Language
from harness.report.page import GAP, INDENT, Page, widest
from harness.report.sentences import how_to_find, said_of, tasks, unpredicted
from harness.report.verdicts import aims, aims_in_words, graded, gravest_first, idle, undecided
from harness.result import NO_CHANGE, RunResult

FRONT = "* "
"""Before a change that is on the Pareto front."""
Words = list[str | tuple[str, str]]
_KINDS = {"surprise": "said.surprise", "lost twice": "said.twice", "known": "said.known"}


def draw_balance(page: Page, result: RunResult) -> None:
    """A block a server: every change, the best ones first, and the cheapest way to close each hole."""
    labels = Labels(result)
    page.heading(page.text(page.say("balance.heading"), "bold"))
    machines = machines_of(result)
    for table in tables(result):
        _server(page, table, labels, machines)
    front = page.say("balance.front_machines" if result.fleet else "balance.front")
    page.hanging(page.text(front, "dim"), indent=INDENT)
    page.blank()


def _server(page: Page, table: Table, labels: Labels, machines: Mapping[tuple[str, str], Machines]) -> None:
    result, say = labels.result, page.say
    found = table.before.still_open
    many = "balance.open_many" if len(found) > 1 else "balance.open_one"
    holes = say(many, n=len(found), holes=graded(found, result, say)) if found else say("balance.open_none")
    page.hanging(page.text(f": {holes}"), first=page.text(labels.marked(table.server), "bold"), deeper=INDENT)
    on_server = [one for one in result.exposures if one.server == table.server]
    seen = {one.exposure: one for one in on_server if one.exposure in table.before.undecided}
    for names, why in undecided(seen.values(), result):
        page.hanging(
            page.text(f"{names}: {why}" if why else names),
            first=page.text(f"{say('exposed.cannot_be_told')}: ", "dim"),
            indent=2 * INDENT,
            deeper=INDENT,
        )
    for standing in sorted(table.standings, key=_rank):
        one = standing.balance
        mark = FRONT if standing.on_front else " " * len(FRONT)
        if one.mitigation == NO_CHANGE:
            page.hanging(
                page.text(f": {say('balance.against')}"),
                first=page.join(mark, (say("balance.no_change"), "bold")),
                deeper=2 * INDENT,
            )
            continue
        words = [
            *closes(one, result, say, table.before.undecided),
            "; ",
            *costs(one, labels, say),
            *_in_machines(machines.get((one.mitigation, one.server)), say),
            *_beaten(standing, result, say),
        ]
        page.hanging(
            page.join(": ", *words),
            first=page.join(mark, (one.mitigation, "bold" if standing.on_front else "")),
            deeper=2 * INDENT,
        )
    for one in table.not_judged:
        nothing = (say("balance.nothing_measured"), STYLES[Effect.FAULT])
        page.hanging(page.join(f"  {one.mitigation}: ", nothing), deeper=2 * INDENT)
    _cheapest(page, table.cheapest, labels)
    page.blank()


def _in_machines(found: Machines | None, say: Language) -> Words:
    """``; 23 of 412 machines, 5 more perhaps``; nothing without a fleet."""
    if found is None:
        return []
    whole = found.whole
    unsure = whole.most - whole.lost
    more = say("balance.machines_more", n=unsure) if unsure else ""
    return [f"; {say('balance.machines', n=whole.lost, all=whole.total, more=more)}"]


def _rank(standing: Standing) -> tuple[bool, float, int]:
    one = standing.balance
    return (not standing.on_front, weight((*one.lost, *one.unknown)), -len(one.closed))


def closes(one: Balance, result: RunResult, say: Language, before: Sequence[str] = ()) -> Words:
    """What a change does to the holes: ``closes 2 of 5: smb1-spoken, rap-listing``.

    ``before``: exposures of which it was said already that they cannot be told.
    """
    if not one.holes:
        return [say("screen.not_probed")]
    aimed = aims(result, one.mitigation, one.server)
    meant = aims_in_words((aim for aim in aimed if not (one.closed and idle(aim))), say)
    words: Words = [f"{'; '.join(meant)}; "] if meant else []
    nothing = say("screen.closes_nothing_else") if meant else say("balance.closes_none")
    words += [(_closed(one, result, say), "green")] if one.closed else [nothing]
    if one.opened:
        opens = say("screen.opens", names=", ".join(gravest_first(one.opened, result)))
        words += ["; ", (opens, "bold red")]
    unsure = [name for name in one.undecided if name not in {*before, *(aim.exposure for aim in aimed)}]
    if unsure and before:
        told = say("balance.cannot_be_told", holes=", ".join(gravest_first(unsure, result)))
        words += [f"; {told}"]
    return words


def costs(one: Balance, labels: Labels, say: Language) -> Words:
    """What a change does to the clients: ``loses ~windows-xp``; and whether all came back."""
    words: Words = []
    if one.lost:
        words += [(_loses(one, labels, say), STYLES[Effect.LOST])]
        words += [say("balance.keeps", n=len(one.clients_kept))] if len(one.clients_kept) > 1 else []
    elif one.kept:
        words += [(say("overview.loses_nobody"), STYLES[Effect.KEPT])]
    if one.gained:
        gains = say("overview.gains", clients=_named(one.gained, labels, say))
        words += [(gains, STYLES[Effect.GAINED])]
    unasked = [cell for cell in one.unknown if cell not in one.not_settled]
    if unasked:
        words += [(say("balance.not_asked", clients=tasks(unasked, labels)), "yellow")]
    if one.not_settled:
        unsettled = say("screen.not_settled", clients=tasks(one.not_settled, labels))
        words += [(unsettled, STYLES[Effect.NOT_SETTLED])]
    if one.rolled_back is False:
        words += [(say("balance.not_rolled_back"), "bold red")]
    elif one.rolled_back is None and one.mitigation != NO_CHANGE:
        words += [(say("balance.rollback_not_shown"), "yellow")]
    return [part for word in words for part in ("; ", word)][1:]


def _closed(one: Balance, result: RunResult, say: Language) -> str:
    """The holes it closes, or those it leaves where these are fewer; the gravest first."""
    count, left = len(one.open_before), gravest_first(one.still_open, result)
    closed = gravest_first(one.closed, result)
    if not left:
        return say("balance.closes_all", n=count) if count > 1 else say("balance.closes_one", hole=closed[0])
    if len(left) < len(closed) / 2:
        return say("balance.closes_all_but", n=len(closed), all=count, holes=", ".join(left))
    return say("balance.closes_some", n=len(closed), all=count, holes=", ".join(closed))


def _loses(one: Balance, labels: Labels, say: Language) -> str:
    """Clients, with their checks only where they keep others; how many were asked where nobody is left."""
    cells = one.lost
    everyone = dict.fromkeys(cell.client for cell in (*one.kept, *one.lost, *one.unknown))
    if len(cells) == len(one.kept) + len(one.lost) + len(one.unknown) and len(everyone) > 1:
        whom = say("overview.all", n=len(everyone), clients=", ".join(map(labels.client, everyone)))
    else:
        others = [cell for cell in (*one.kept, *one.lost, *one.unknown) if cell not in cells]
        whom = _named(cells, labels, say, others)
    return say("overview.loses", clients=whom)


def _named(cells: Sequence[CellId], labels: Labels, say: Language, others: Sequence[CellId] = ()) -> str:
    partly = {cell.client for cell in others}
    by_client = grouped(cells, lambda cell: cell.client)
    whole = [labels.client(client) for client in by_client if client not in partly]
    part = [cell for cell in cells if cell.client in partly]
    texts = [", ".join(whole)] if whole else []
    texts += [tasks(part, labels)] if part else []
    return say("screen.and", first=texts[0], last=texts[1]) if len(texts) > 1 else "".join(texts)


def _beaten(standing: Standing, result: RunResult, say: Language) -> Words:
    """What is better, all of it by name."""
    others = [name for name in standing.beaten_by if name != NO_CHANGE]
    better = [_than_no_change(standing.balance, result, say)] if NO_CHANGE in standing.beaten_by else []
    better = [*filter(None, better)]
    if others:
        by = "balance.beaten_by_one" if len(others) == 1 else "balance.beaten_by_many"
        better += [say(by, changes=", ".join(others))]
    if standing.balance.outage:
        better = [say("balance.outage")]
    return [(f"; {'; '.join(better)}", "dim")] if better else []


def _than_no_change(one: Balance, result: RunResult, say: Language) -> str:
    """What is to be said where leaving a server as it is does no worse; "" where the change lets somebody in.

    A change that costs nobody, such as a patch for a hole that cannot be seen here, does no worse either.
    """
    if one.lost or one.unknown or one.opened:
        there = result.on_clients(one.mitigation)
        return say("balance.better_not_there" if there else "balance.better_not")
    return "" if one.gained else say("balance.no_matter")


def _cheapest(page: Page, found: Sequence[Cheapest], labels: Labels) -> None:
    """One line for all holes with the same answer."""
    say = page.say

    def ways(one: Cheapest) -> tuple[str, ...]:
        return tuple(
            say("balance.way", change=way.mitigation, price="; ".join(_price(way, labels, say)))
            for way in one.ways
        )

    for answers, those in grouped(found, ways).items():
        names = ", ".join(gravest_first((one.exposure for one in those), labels.result))
        head = say("balance.cheapest", holes=names) if answers else say("balance.no_way")
        page.hanging(
            page.text(say("balance.or").join(answers) or names),
            first=page.text(head, "dim"),
            indent=2 * INDENT,
            deeper=INDENT,
        )


def _price(one: Balance, labels: Labels, say: Language) -> list[str]:
    texts = [_loses(one, labels, say) if one.lost else say("overview.loses_nobody")]
    if unasked := len(set(one.unknown) - set(one.not_settled)):
        texts.append(say("balance.cells_not_asked" if unasked > 1 else "balance.cell_not_asked", n=unasked))
    if one.not_settled:
        texts.append(say("balance.cells_not_settled", n=len(one.not_settled)))
    return texts


def draw_combinations(page: Page, result: RunResult) -> None:
    """What combinations do that their parts do not say, and interactions that are known: a sentence each."""
    say = page.say
    found = said_of(result, say)
    missing = unpredicted(result, say)
    if not found and not missing:
        return
    page.heading(page.text(say("balance.together"), "bold"))
    for one in found:
        style = "bold yellow" if one.kind == "surprise" else "bold"
        page.hanging(page.text(one.text), first=page.text(f"{say(_KINDS[one.kind])}: ", style), deeper=INDENT)
    command = how_to_find(result)
    if command:
        page.hanging(page.text(say("balance.to_find"), "dim"))
        page.command(command, indent=2 * INDENT)
    if missing:
        page.hanging(page.text(missing, "dim"), deeper=INDENT)
    page.blank()


def draw_stages(page: Page, result: RunResult) -> None:
    """The stages of a plan side by side: what each closes, and whom it costs."""
    found = stages(result)
    if not found:
        return
    labels, say = Labels(result), page.say
    page.heading(page.text(say("balance.stages"), "bold"))
    rows = [
        [
            page.text(labels.on([one.mitigation], labels.marked(one.server), say)),
            page.join(*closes(one, result, say)),
            page.join(*costs(one, labels, say)),
        ]
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


def _left_out(page: Page, stage: Stage, labels: Labels) -> None:
    for reason, those in grouped(stage.left_out, lambda one: one.reason).items():
        ons = (labels.on([one.mitigation], labels.subject(one.subject), page.say) for one in those)
        told = page.say("balance.not_possible", changes=", ".join(ons), reason=reason)
        page.hanging(page.text(told), indent=2 * INDENT, deeper=INDENT)
