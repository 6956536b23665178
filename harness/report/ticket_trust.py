"""How far a ticket can be trusted: what was real, emulated, not measured, and where it is from."""

from __future__ import annotations

from collections.abc import Iterator

from harness.model import Effect
from harness.report import markdown as md
from harness.report.explain import FIDELITIES, grouped
from harness.report.explain import emulated as is_emulated
from harness.report.labels import Labels
from harness.report.words import in_words, missing, versions
from harness.result import CellResult, ClientFact, RunResult, ServerFact

_MEANS = {str(fidelity): words for fidelity, words in FIDELITIES.items()}
FEW = 20
"""Entries that are given one by one; of more the rest is counted."""


def emulated(result: RunResult) -> Iterator[str]:
    """Servers and clients that stood for something else; and those that were real."""
    labels = Labels(result)
    asked = {cell.cell.client for cell in result.cells}
    served = {cell.cell.server for cell in result.cells}
    homes = [fact for fact in result.servers.values() if fact.name in served]
    people = [fact for fact in result.clients.values() if fact.name in asked]
    for home in homes:
        if is_emulated(home.fidelity):
            stands = f", to stand for {md.text(home.emulates)}" if home.emulates else ""
            how = md.text(_MEANS.get(home.fidelity, home.fidelity))
            yield f"- Server {md.code(labels.marked(home.name))}: {md.text(home.software)}, {how}{stands}"
    for fidelity, those in grouped(people, lambda fact: fact.fidelity).items():
        if is_emulated(fidelity):
            names = md.names(labels.client(fact.name) for fact in those)
            yield f"- Clients {names}: {md.text(_MEANS.get(fidelity, fidelity))}"
    unknown = [labels.client(name) for name in sorted(asked - set(result.clients))]
    unknown += [labels.marked(name) for name in sorted(served - set(result.servers))]
    if unknown:
        yield f"- Not recorded what they were, so taken for emulated: {md.names(unknown)}"
    if any(is_emulated(fact.fidelity) for fact in people):
        yield (
            "- An emulated client (`~`) sends what the real one sends, and shows what the *server* does to "
            "it. What happens inside the real system was not measured."
        )
    facts: list[ServerFact | ClientFact] = [*homes, *people]
    real = [fact for fact in facts if not is_emulated(fact.fidelity)]
    if real:
        told = ", ".join(f"{md.code(fact.name)} ({md.text(fact.software)})" for fact in real)
        yield f"- Real: {told}"


def not_measured(result: RunResult) -> Iterator[str]:
    """What nobody knows after this rehearsal."""
    labels = Labels(result)
    left = missing(result)
    if not result.complete:
        many = max(result.planned - len(result.cells), len(left))
        yield f"- **{many} planned cells are missing**: the run was cut off before they were measured"
    faults = sum(cell.effect is Effect.FAULT for cell in result.cells)
    if faults:
        yield f"- **{faults} cells are faults**: the lab broke, and nothing is known of them"
    pairs = grouped(result.not_applicable, lambda pair: (pair.mitigation, pair.reason))
    for (mitigation, reason), those in list(pairs.items())[:FEW]:
        subjects = md.names(pair.subject for pair in those)
        yield f"- {md.code(mitigation)} on {subjects}: {md.text(reason)}"
    if len(pairs) > FEW:
        yield f"- {len(pairs) - FEW} more changes that cannot be made on a server or client"
    for words, of in (("Not settled", _not_settled), ("Only inferred", _inferred)):
        for text, cells in grouped(filter(of, result.cells), of).items():
            clients = dict.fromkeys(labels.client(cell.cell.client) for cell in cells)
            yield f"- {words} of {md.names(clients)}: {md.text(text)}"
    checks = dict.fromkeys(cell.cell.check for cell in result.cells)
    only = f"\n- Anything but {md.text(', '.join(map(in_words, checks)))}" if checks else ""
    yield f"- Your own servers and clients: what is named here was rehearsed in a lab{only}"


def _not_settled(cell: CellResult) -> str:
    return cell.not_settled


def _inferred(cell: CellResult) -> str:
    return cell.inferred


def origin(result: RunResult) -> Iterator[str]:
    """The run, and the versions of what it was measured with."""
    shown = {
        key: value for key, value in versions(result).items() if not key.startswith(("server ", "client "))
    }
    yield "; ".join(f"{md.text(key)} {md.code(value)}" for key, value in shown.items())
    yield ""
    yield "Settings and commands are as the version of smb-rehearsal that wrote this ticket makes them."
    yield ""
    yield f"Everything that this rests on: {md.code(f'rehearse report {result.run} --details')}"
