"""How far a ticket can be trusted: what was real, emulated, not measured, and where it is from."""

from __future__ import annotations

from collections.abc import Iterator

from harness.catalogue.sources import Origin
from harness.model import Effect
from harness.report import markdown as md
from harness.report import reuse as reused
from harness.report.explain import emulated as is_emulated
from harness.report.explain import grouped
from harness.report.labels import Labels, ran
from harness.report.language import Language
from harness.report.words import missing, versions
from harness.result import CellResult, ClientFact, RunResult, ServerFact

FEW = 20
"""Entries that are given one by one; of more the rest is counted."""


def emulated(result: RunResult, say: Language) -> Iterator[str]:
    """Servers and clients that stood for something else; and those that were real."""
    labels = Labels(result)
    asked = {cell.cell.client for cell in result.cells}
    served = {cell.cell.server for cell in result.cells}
    homes = [fact for fact in result.servers.values() if fact.name in served]
    people = [fact for fact in result.clients.values() if fact.name in asked]
    for home in homes:
        if is_emulated(home.fidelity):
            stands = say("ticket_emulated.stands", what=md.text(home.emulates)) if home.emulates else ""
            server = say(
                "ticket_emulated.server",
                server=md.code(labels.marked(home.name)),
                software=md.text(ran(home, say)),
                how=md.text(say.known("fidelity", home.fidelity)),
                stands=stands,
            )
            yield f"- {server}"
    for fidelity, those in grouped(people, lambda fact: fact.fidelity).items():
        if is_emulated(fidelity):
            names = md.names(labels.client(fact.name) for fact in those)
            how = md.text(say.known("fidelity", fidelity))
            yield f"- {say('ticket_emulated.clients', clients=names, how=how)}"
    unknown = [labels.client(name) for name in sorted(asked - set(result.clients))]
    unknown += [labels.marked(name) for name in sorted(served - set(result.servers))]
    if unknown:
        yield f"- {say('ticket_emulated.not_recorded', names=md.names(unknown))}"
    if any(is_emulated(fact.fidelity) for fact in people):
        yield f"- {say('ticket_emulated.meaning')}"
    for key, of in (("instead", _instead), ("remark", _remarks)):
        for sentences, brought in grouped(homes, of).items():
            names = md.names(labels.marked(fact.name) for fact in brought)
            for sentence in sentences:
                yield f"- {say(f'ticket_emulated.{key}', names=names, what=md.text(sentence))}"
    facts: list[ServerFact | ClientFact] = [*homes, *people]
    real = [fact for fact in facts if not is_emulated(fact.fidelity)]
    if real:
        told = ", ".join(f"{md.code(labels.called(fact.name))} ({md.text(ran(fact, say))})" for fact in real)
        yield f"- {say('ticket_emulated.real', names=told)}"


def _instead(fact: ServerFact) -> tuple[str, ...]:
    return fact.instead


def _remarks(fact: ServerFact) -> tuple[str, ...]:
    return fact.remarks


def not_measured(result: RunResult, say: Language) -> Iterator[str]:
    """What nobody knows after this rehearsal."""
    labels = Labels(result)
    left = missing(result)
    if not result.complete:
        many = max(result.planned - len(result.cells), len(left))
        yield f"- {say('ticket_not_measured.missing', n=many)}"
    faults = sum(cell.effect is Effect.FAULT for cell in result.cells)
    if faults:
        yield f"- {say('ticket_not_measured.faults', n=faults)}"
    pairs = grouped(result.not_applicable, lambda pair: (pair.mitigation, pair.reason))
    for (mitigation, reason), those in list(pairs.items())[:FEW]:
        subjects = md.names(labels.subject(pair.subject) for pair in those)
        pair = say(
            "ticket_not_measured.pair", change=md.code(mitigation), subjects=subjects, reason=md.text(reason)
        )
        yield f"- {pair}"
    if len(pairs) > FEW:
        yield f"- {say('ticket_not_measured.pairs_more', n=len(pairs) - FEW)}"
    for key, of in (("not_settled", _not_settled), ("inferred", _inferred)):
        for text, cells in grouped(filter(of, result.cells), of).items():
            clients = dict.fromkeys(labels.client(cell.cell.client) for cell in cells)
            yield f"- {say(f'ticket_not_measured.{key}', clients=md.names(clients), text=md.text(text))}"
    checks = dict.fromkeys(cell.cell.check for cell in result.cells)
    yield f"- {say('ticket_not_measured.yours')}"
    if checks:
        yield f"- {say('ticket_not_measured.but', checks=md.text(say.checks(checks)))}"


def _not_settled(cell: CellResult) -> str:
    return cell.not_settled


def _inferred(cell: CellResult) -> str:
    return cell.inferred


def origin(result: RunResult, named: str, say: Language) -> Iterator[str]:
    """The run, which commands call ``named``, and the versions of what it was measured with."""
    shown = {
        key: value for key, value in versions(result).items() if not key.startswith(("server ", "client "))
    }
    yield say("list.groups").join(
        f"{md.text(say.known('made_with', key))} {md.code(value)}" for key, value in shown.items()
    )
    yield ""
    part = reused.of_run(result)
    for told in (*reused.disagreements(part, say), *reused.sentences(part, len(result.cells), say)):
        yield from (md.text(told), "")
    labels = Labels(result)
    for whose, parts in grouped(result.added, lambda one: one.whose).items():
        key = "yours" if whose == Origin.YOURS else "of_package"
        names = md.names(dict.fromkeys(labels.added(one.name) for one in parts))
        yield from (say(f"ticket_origin.{key}", whose=md.text(whose), names=names), "")
    yield say("ticket_origin.settings")
    yield ""
    if english := say("ticket_origin.recorded_in_english"):
        yield from (english, "")
    yield say("ticket_origin.everything", command=md.code(f"rehearse report {named} --details"))
