"""A change request: what will be done, whom it costs and what they see, what it closes, and how to go back.

One page of Markdown for somebody who was not there, in the reader's language (``languages/``, the sections
``ticket*``). Servers on which the same is to be said share a section.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

from harness.balance.machines import machines_of
from harness.balance.pareto_front import tables
from harness.report import markdown as md
from harness.report.explain import grouped, one_or_many
from harness.report.formats import Source
from harness.report.labels import Labels
from harness.report.language import Language, language, of_reader
from harness.report.machines import losses, rest
from harness.report.ticket.change import Change, sections
from harness.report.ticket.trust import emulated, not_measured, origin
from harness.report.untouched import in_lines
from harness.report.verdicts import Cost, Verdict, verdicts
from harness.result import RunResult

MOST: Final = 6
"""Changes that are told one by one; of more there is one table."""
_BACK = {True: "yes", False: "no", None: "unknown"}
"""Whether the rollback brought everything back, as the keys of the language files have it."""


def render(source: Source) -> str:
    """The whole ticket, with a section for each change."""
    result, say = source.result, language(of_reader(source.lang))
    found = _changes(source, say)
    lines: list[str] = [
        f"# {say('ticket.heading', title=_title(found, say))}",
        "",
        *_first(result, found, say),
        "",
    ]
    if len(found) > 1:
        lines += [*_overview(found, say), ""]
    if len(found) > MOST:
        command = f"rehearse report {source.named} --format ticket --only CHANGE:SERVER"
        lines += [say("ticket.too_many", command=md.code(command)), ""]
    for one in found if len(found) <= MOST else ():
        if len(found) > 1:
            lines += [f"## {_heading(one)}", "", md.text(_in_short(one)), ""]
        lines += sections(one, level=3 if len(found) > 1 else 2)
    for key, body in (
        ("emulated", [*emulated(result, say)]),
        ("not_measured", [*not_measured(result, say)]),
        ("origin", [*origin(result, source.named, say)]),
    ):
        lines += [f"## {say(f'ticket_{key}.section')}", "", *body, ""] if body else []
    # One blank line is enough; none of them is inside a block.
    kept = [line for at, line in enumerate(lines) if line or (at and lines[at - 1])]
    return "\n".join(kept).rstrip("\n") + "\n"


def _changes(source: Source, say: Language) -> list[Change]:
    """Those that cost most first; servers of which the same is to be said together."""
    result = source.result
    standing = {
        (one.balance.mitigation, one.balance.server): one
        for table in tables(result)
        for one in table.standings
    }
    costs = machines_of(result)
    found = [
        Change(
            source.catalogue,
            result,
            one,
            (one.balance.server,),
            standing.get(one.name),
            say,
            costs.get(one.name),
            source.named,
        )
        for one in verdicts(result)
    ]
    alike = grouped(
        sorted(found, key=lambda one: one.verdict.cost),
        lambda one: (one.verdict.balance.mitigation, tuple(sections(one, level=2))),
    )
    return [
        replace(those[0], servers=tuple(one.verdict.balance.server for one in those))
        for those in alike.values()
    ]


def _title(found: Sequence[Change], say: Language) -> str:
    titles = dict.fromkeys(one.title for one in found)
    if not titles:
        return say("ticket.nothing_changed")
    if len(titles) > 1:
        return say("ticket.changes", n=len(titles))
    return md.text(next(iter(titles)))


def _first(result: RunResult, found: Sequence[Change], say: Language) -> Iterable[str]:
    """The answer, before anything else; and what stands against believing it."""
    if not result.cells:
        yield say("ticket.nothing_measured")
        return
    if len(found) == 1:
        yield say("ticket.answer", servers=_servers(found[0]), answer=md.text(_in_short(found[0])))
    if not found:
        yield say("ticket.untouched")
        yield from ("", *(f"- {md.text(line)}" for line in in_lines(result, say)))
    odd = sum(not cell.expected for cell in result.cells)
    back = sum(cell.restored is False for cell in result.cells)
    there = len(result.cells)
    doubts = [say("ticket.doubt_odd", n=odd, all=there)] if odd else []
    left = sum(not one.expected for one in result.exposures)
    doubts += [say(f"ticket.doubt_holes_{one_or_many(left)}", n=left)] if left else []
    fallen = sum(one.fell for one in result.exposures)
    doubts += [say(f"ticket.doubt_fell_{one_or_many(fallen)}", n=fallen)] if fallen else []
    doubts += [say("ticket.doubt_back", n=back)] if back else []
    if not result.complete:
        doubts.append(say("ticket.doubt_incomplete", n=there, all=result.planned))
    if result.damage:
        doubts.append(say("ticket.doubt_damage", damage=result.damage))
    if doubts:
        yield from ("", say("ticket.doubts", doubts=md.text(say("list.clauses").join(doubts))))


def _in_short(one: Change) -> str:
    """Whom it costs, what it closes, whether it can be undone: in this order, in one line."""
    verdict, balance, say = one.verdict, one.verdict.balance, one.say
    said = [say(f"ticket.cost_{verdict.cost.name.lower()}")]
    losers = len(balance.clients_lost)
    if losers:
        key = "ticket.lose_one" if losers == 1 else "ticket.lose_many"
        said.append(say(key, n=losers, all=losers + len(verdict.keep)))
    if one.machines:
        label = Labels(one.result).client
        told = losses(one.machines, say, label) or rest(one.machines.whole, say, label)[:1]
        said += [say.sentence(text) + say("machines.stop") for text in told]
    if balance.looked:
        before = len(balance.open_before)
        opens = say("ticket.opens", n=len(balance.opened)) if balance.opened else ""
        key = "ticket.closes" if before else "ticket.none_open"
        said.append(say(key, n=len(balance.closed), all=before, opens=opens))
    said.append(say(f"ticket.back_{_BACK[balance.rolled_back]}"))
    return say("list.sentences").join(said)


def _overview(found: Sequence[Change], say: Language) -> list[str]:
    def row(one: Change) -> list[str]:
        balance = one.verdict.balance
        labels = Labels(one.result)
        loses = md.names(map(labels.client, balance.clients_lost)) or _nobody(one.verdict, say)
        back = say(f"ticket.table_back_{_BACK[balance.rolled_back]}")
        closes = say("ticket.closed_of", n=len(balance.closed), all=len(balance.open_before))
        if not balance.looked:
            closes = say("ticket.closes_not_known" if balance.holes else "ticket.not_looked_at")
        return [md.code(balance.mitigation), _servers(one), loses, closes, back]

    head = [say(f"ticket.table_{key}") for key in ("change", "server", "loses", "closes", "back")]
    return md.table(head, map(row, found))


def _nobody(verdict: Verdict, say: Language) -> str:
    key = {Cost.UNKNOWN: "unknown", Cost.OUTSIDE: "outside"}.get(verdict.cost, "nobody")
    return say(f"ticket.loses_{key}")


def _heading(one: Change) -> str:
    change = md.code(one.verdict.balance.mitigation)
    return one.say("ticket.of_change", change=change, servers=_servers(one))


def _servers(one: Change) -> str:
    return md.names(map(Labels(one.result).marked, one.servers))
