"""One change in a ticket: the sections from what will be done to how to go back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from harness.balance.machines import Machines
from harness.balance.pareto_front import Standing
from harness.balance.weigh import SAFE
from harness.catalogue import Catalogue
from harness.model import Effect, Hole, Phase
from harness.planning.settings import Doing, on_clients, on_server
from harness.report import connected, doings, logons
from harness.report import markdown as md
from harness.report.explain import grouped
from harness.report.labels import Labels
from harness.report.language import Language
from harness.report.machines import fleet_line, losses, rest
from harness.report.verdicts import Cost, Verdict, aims_in_words, gravest_first, undecided
from harness.result import NO_CHANGE, Applied, CellResult, RunResult


@dataclass(frozen=True)
class Change:
    """One mitigation on servers of which the same is to be said; ``verdict`` is that of the first."""

    catalogue: Catalogue
    result: RunResult
    verdict: Verdict
    servers: tuple[str, ...]
    standing: Standing | None
    say: Language
    machines: Machines | None = None
    """What it costs the fleet that the run was planned for; None where there is none."""
    named: str = ""
    """What commands call the run."""

    @property
    def title(self) -> str:
        """What it is, in words."""
        fact = self.result.mitigations.get(self.verdict.balance.mitigation)
        return fact.title if fact else self.verdict.balance.mitigation

    @property
    def on_server(self) -> bool:
        """Whether it acts on the server."""
        return self.result.on_server(self.verdict.balance.mitigation)

    @cached_property
    def own(self) -> list[CellResult]:
        """Its cells on the first server, without what a client cannot do at all."""
        change, server = self.verdict.name
        cells = self.result.cells
        own = (one for one in cells if one.cell.mitigation == change and one.cell.server == server)
        return [one for one in own if not one.unsupported]

    @property
    def proofs(self) -> list[Applied]:
        """What was seen of it on the first server, and on clients that it was made on."""
        change, server = self.verdict.name
        there = {server, *(cell.cell.client for cell in self.own)}
        return [one for one in self.result.applied if one.mitigation == change and one.server in there]


def sections(one: Change, level: int) -> list[str]:
    """The sections; ``level`` is that of their headings. No name of a server is in them."""
    lines: list[str] = []
    for key, body in (
        ("done", _done(one)),
        ("lost", _lost(one)),
        ("closed", _closed(one)),
        ("first", _first(one)),
        ("back", _back(one)),
    ):
        lines += [f"{'#' * level} {one.say(f'ticket_{key}.section')}", "", *body, ""]
    return lines


def _doings(one: Change) -> tuple[Doing, ...]:
    change, server = one.verdict.name
    known = one.catalogue
    return (*on_server(known, change, server, one.say), *on_clients(known, change, one.say))


def _done(one: Change) -> Iterator[str]:
    say, (change, server) = one.say, one.verdict.name
    fact = one.result.mitigations.get(change)
    yield f"{md.text(one.title)} ({md.code(change)}):"
    yield ""
    yield from doings.made(_doings(one), say)
    for (part, reason), those in grouped(
        one.result.left_out_of(change, server), lambda out: (out.part, out.reason)
    ).items():
        where = [out.subject for out in those if out.subject != server]
        clients = md.names(map(Labels(one.result).client, where))
        on = say("ticket_done.without_on", clients=clients) if where else ""
        yield from ("", say("ticket_done.without", part=md.code(part), on=on, reason=md.text(reason)))
    if one.result.changes_nothing(change, server):
        yield from ("", say("ticket_done.in_force"))
    if one.result.unnoticed(change, server):
        key = "unnoticed" if one.verdict.balance.holes else "unnoticed_by_clients"
        yield from ("", say(f"ticket_done.{key}"))
    if fact and fact.expectation:
        yield ""
        yield say("ticket_done.expected", expectation=md.text(fact.expectation), source=md.text(fact.source))
    for proof in one.proofs:
        if proof.took_effect:
            yield from ("", say("ticket_done.seen", evidence=md.text(proof.took_effect)))


def _lost(one: Change) -> Iterator[str]:
    labels, verdict, say = Labels(one.result), one.verdict, one.say
    if one.machines and one.result.fleet:
        yield md.text(say.sentence(fleet_line(one.result.fleet, say)) + say("machines.stop"))
        yield ""
        for text in (
            *losses(one.machines, say, labels.client),
            *rest(one.machines.whole, say, labels.client),
        ):
            yield f"- {md.text(say.sentence(text) + say('machines.stop'))}"
        yield ""
    if verdict.lost:
        head = [say(f"ticket_lost.{key}") for key in ("who", "loses", "keeps", "sees", "why")]
        yield from md.table(head, _losses(one, labels))
        yield ""
    elif verdict.cost is Cost.NOBODY:
        yield say("ticket_lost.nobody")
        yield ""
    told = (
        ("keep", verdict.keep),
        ("unsettled", verdict.unsettled),
        ("gain", verdict.gain),
        ("never", verdict.never),
    )
    for key, clients in told:
        if clients:
            yield f"- {say(f'ticket_lost.{key}', clients=md.names(map(labels.client, clients)))}"
    clauses = list(connected.told(one.own, lambda names: md.names(map(labels.client, names)), say))
    if clauses:
        yield f"- {say('ticket_lost.connected', clauses=say('list.clauses').join(clauses))}"
    faults = [cell for cell in one.own if cell.effect is Effect.FAULT]
    for cause, cells in grouped(faults, lambda cell: cell.cause).items():
        why = md.text(say.cause(cause))
        yield f"- {say('ticket_lost.fault', tasks=_tasks(cells, labels, say), cause=why)}"


def _losses(one: Change, labels: Labels) -> Iterator[list[str]]:
    def alike(cell: CellResult) -> tuple[str, str]:
        return cell.user_sees, cell.cause

    for (sees, cause), cells in grouped(one.verdict.lost, alike).items():
        for checks, clients in _by_checks(cells).items():
            kept = dict.fromkeys(
                cell.cell.check
                for cell in one.own
                if cell.cell.client in clients and cell.effect is Effect.KEPT
            )
            yield [
                md.names(map(labels.client, clients)),
                md.text(one.say.checks(checks)),
                md.text(one.say.checks(kept)) or one.say("ticket_lost.keeps_nothing"),
                md.code(sees) if sees else one.say("ticket_lost.sees_unknown"),
                md.text(one.say.cause(cause)),
            ]


def _by_checks(cells: Iterable[CellResult]) -> dict[tuple[str, ...], list[str]]:
    by_client = grouped(cells, lambda cell: cell.cell.client)
    return dict(grouped(by_client, lambda client: tuple(cell.cell.check for cell in by_client[client])))


def _tasks(cells: Iterable[CellResult], labels: Labels, say: Language) -> str:
    return say("list.groups").join(
        say(
            "ticket_lost.task",
            clients=md.names(map(labels.client, clients)),
            checks=md.text(say.checks(checks)),
        )
        for checks, clients in _by_checks(cells).items()
    )


def _closed(one: Change) -> Iterator[str]:
    balance, result, say = one.verdict.balance, one.result, one.say
    if not balance.holes:
        yield say("ticket_closed.not_probed")
        return
    for key, names in (("opens", balance.opened), ("closes", balance.closed)):
        for name in gravest_first(names, result):
            fact = result.exposure_facts.get(name)
            hole = f"{_hole(name, result)}{f': {md.text(fact.title)}' if fact else ''}"
            yield f"- {say(f'ticket_closed.{key}', hole=hole)}"
    if balance.still_open:
        left = (_hole(name, result) for name in gravest_first(balance.still_open, result))
        yield f"- {say('ticket_closed.stays_open', holes=', '.join(left))}"
    for words in aims_in_words(one.verdict.aims, say):
        yield f"- {md.text(say.sentence(words))}"
    own = [each for each in result.exposures if (each.mitigation, each.server) == one.verdict.name]
    # What was unknown before and is shut with the change is no hole that may be open then.
    unsafe = [each for each in own if each.state(Phase.APPLIED) not in SAFE]
    for unsure, why in undecided(unsafe, result):
        holes = md.names(unsure.split(", ")) + (f": {md.text(why)}" if why else "")
        yield f"- {say('ticket_closed.unknown', holes=holes)}"
    if not one.on_server:
        yield f"- {say('ticket_closed.of_server')}"
    if balance.looked and not (balance.opened or balance.closed or balance.still_open):
        yield f"- {say('ticket_closed.none')}"


def _hole(name: str, result: RunResult) -> str:
    """A name with its severity."""
    fact = result.exposure_facts.get(name)
    return f"{md.code(name)}{f' ({md.text(fact.severity)})' if fact and fact.severity else ''}"


def _first(one: Change) -> Iterator[str]:
    verdict, labels, say = one.verdict, Labels(one.result), one.say
    if verdict.balance.rolled_back is False:
        yield f"- {say('ticket_first.not_yet')}"
    if verdict.cost is Cost.UNKNOWN:
        again = f"rehearse run --resume {one.named} --failed-only"
        yield f"- {say('ticket_first.again', command=md.code(again))}"
    if verdict.shut_out:
        names = md.names(map(labels.client, verdict.shut_out))
        yield f"- {say('ticket_first.shut_out', clients=names)}"
    for checks, clients in verdict.lose_some.items():
        names = md.names(map(labels.client, clients))
        yield f"- {say('ticket_first.tell', clients=names, checks=md.text(say.checks(checks)))}"
    told = logons.otherwise(
        verdict.cells, say, lambda names: md.names(map(labels.client, names)), "ticket_first", md.text
    )
    yield from (f"- {sentence}" for sentence in told)
    yield from _better(one)
    for client in verdict.unsettled:
        yield f"- {say('ticket_first.try_it', client=md.code(labels.client(client)))}"
    yield from _who_is_there(one)
    if verdict.cost is Cost.NOBODY and not verdict.unsettled:
        yield f"- {say('ticket_first.compare')}"


def _better(one: Change) -> Iterator[str]:
    """Changes of the same rehearsal that close no less and cost no more."""
    # Where no hole was looked for, nobody knows what it closes.
    if one.standing is None or not one.verdict.balance.holes:
        return
    # What it is made for may be closed unseen: then nobody can say that another one does as much.
    if not one.on_server or any(aim.state(Phase.APPLIED) is Hole.UNKNOWN for aim in one.verdict.aims):
        return
    better = [name for name in one.standing.beaten_by if name != NO_CHANGE]
    if better:
        yield f"- {one.say('ticket_first.instead', changes=md.names(better))}"
    if NO_CHANGE in one.standing.beaten_by and one.verdict.lost:
        yield f"- {one.say('ticket_first.leave')}"


def _who_is_there(one: Change) -> Iterator[str]:
    """How to see who connects today: smbstatus(1) shows protocol version, encryption and signing."""
    known = one.catalogue.servers.get(one.verdict.balance.server)
    if not one.verdict.lost or known is None:
        return
    if known.told_as.who_connects:
        yield f"- {one.say(known.told_as.who_connects)}"


def _back(one: Change) -> Iterator[str]:
    say = one.say
    yield from doings.undone(_doings(one), say)
    yield say("ticket_back.verified")
    yield ""
    tried = [cell for cell in one.own if cell.restored is not None]
    back = sum(cell.restored is True for cell in tried)
    if tried:
        yield f"- {say('ticket_back.worked', n=back, all=len(tried))}"
    for cell in tried:
        if not cell.restored:
            name, check = Labels(one.result).client(cell.cell.client), md.text(cell.cell.check)
            yield f"- {say('ticket_back.not_as_before', client=md.code(name), check=check)}"
    yield from _holes_back(one)
    for proof in one.proofs:
        if proof.undone:
            yield f"- {say('ticket_back.gone', evidence=md.text(proof.undone))}"
        if (how := proof.brought_back) is not None:
            yield f"- {say('ticket_back.guest', rung=md.text(how.rung), evidence=md.text(how.evidence))}"
    if not tried and not any(proof.undone for proof in one.proofs):
        yield f"- {say('ticket_back.not_verified')}"


def _holes_back(one: Change) -> Iterator[str]:
    own = [each for each in one.result.exposures if (each.mitigation, each.server) == one.verdict.name]
    both = [each for each in own if each.state(Phase.BASELINE) and each.state(Phase.ROLLED_BACK)]
    stayed = [each.exposure for each in own if each.stayed_open]
    if stayed:
        yield f"- {one.say('ticket_back.not_shut', holes=md.names(gravest_first(stayed, one.result)))}"
    same = sum(each.state(Phase.BASELINE) is each.state(Phase.ROLLED_BACK) for each in both)
    if both:
        yield f"- {one.say('ticket_back.holes', n=same, all=len(both))}"
