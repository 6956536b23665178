"""A run folder read back into the finished run that every report is rendered from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from harness.catalogue import Catalogue, Origin
from harness.grammar.words import split
from harness.mitigations import NONE, ways
from harness.mitigations.base import Mitigation
from harness.model import Side
from harness.planning.applicable import meant
from harness.planning.plan import phases_of
from harness.record.duration import seconds_of, spent_of
from harness.record.evidence import reading as evidence
from harness.record.journal import Recorded
from harness.record.judging import judged, judged_exposures
from harness.record.rechecked import reuse_of
from harness.result import Added, ClientFact, MitigationFact, RunResult, ServerFact


def result_of(catalogue: Catalogue, recorded: Recorded) -> RunResult:
    """The run as far as it is measured. Cells are in the order of the plan, whatever order they ended in."""
    plan = recorded.plan
    made: dict[tuple[str, str, str], Mitigation] = {}
    cells = [
        # A verdict looks at no times.
        replace(
            judged(
                catalogue, recorded, cell, recorded.attempts[cell].untimed, recorded.tried.get(cell), made
            ),
            phases=recorded.attempts[cell],
        )
        for cell in plan.cells
        if len(recorded.attempts.get(cell, {})) == len(phases_of(cell.mitigation))
    ]
    kept = evidence.places(recorded.folder, (cell.cell for cell in cells))
    reuse = reuse_of(catalogue, recorded, {cell.cell: cell for cell in cells})
    if kept or reuse.cells:
        cells = [
            replace(cell, evidence=kept.get(cell.cell, ""), reused=reuse.cells.get(cell.cell))
            for cell in cells
        ]
    names = dict.fromkeys(cell.mitigation for cell in plan.cells)
    pairs = dict.fromkeys((cell.mitigation, cell.server) for cell in plan.cells)
    return RunResult(
        run=recorded.folder.name,
        lab=recorded.begun.lab if recorded.begun else "",
        complete=len(cells) == len(plan.cells),
        scenarios=tuple(row.name for row in plan.rows),
        servers={
            n: fact
            for n in dict.fromkeys(c.server for c in plan.cells)
            if (fact := _server(catalogue, recorded, n)) is not None
        },
        clients={
            n: who
            for n in dict.fromkeys(c.client for c in plan.cells)
            if (who := _client(catalogue, recorded, n)) is not None
        },
        mitigations={name: fact_of(catalogue, name) for name in names},
        cells=tuple(cells),
        applied=tuple(recorded.applied[pair] for pair in pairs if pair in recorded.applied),
        not_applicable=plan.not_applicable,
        left_out=plan.left_out,
        bystanders=_bystanders(catalogue, recorded),
        planned=len(plan.cells),
        exposures=tuple(judged_exposures(recorded, pairs)),
        exposure_facts=dict(recorded.exposures),
        rows=plan.rows,
        expected_by=tuple(
            dict.fromkeys(plan.expected[key].source for key in map(str, plan.cells) if key in plan.expected)
        ),
        began=recorded.stretches[0][0].at if recorded.stretches else None,
        seconds=seconds_of(recorded),
        spent=spent_of(recorded),
        circumstances=recorded.begun.circumstances if recorded.begun else None,
        damage=recorded.damage,
        added=tuple(_added(catalogue, recorded)),
        fleet=plan.fleet,
        reuse=reuse,
    )


def _bystanders(catalogue: Catalogue, recorded: Recorded) -> dict[str, ServerFact | ClientFact]:
    """Whom the plan names only to say that a change cannot be made there."""
    plan = recorded.plan
    asked = {name for cell in plan.cells for name in (cell.server, cell.client)}
    found: dict[str, ServerFact | ClientFact] = {}
    for change, subject in (
        *((one.mitigation, one.subject) for one in plan.not_applicable),
        *((one.part, one.subject) for one in plan.left_out),
    ):
        server, client = _server(catalogue, recorded, subject), _client(catalogue, recorded, subject)
        fact = meant(catalogue, change, server, client)
        if fact is not None and subject not in asked:
            found[subject] = fact
    return found


def _server(catalogue: Catalogue, recorded: Recorded, name: str) -> ServerFact | None:
    """What a server was; of one that never started what it would have been: real, if it is no emulation."""
    there = catalogue.servers.get(name)
    if name in recorded.servers:
        return replace(recorded.servers[name], laxer=there.laxer if there else "")
    if there is None:
        return None
    return ServerFact(
        name,
        there.title,
        "",
        str(there.fidelity),
        there.emulates,
        laxer=there.laxer,
        instead=there.instead,
        remarks=there.remarks,
        role=there.role,
        called=there.called,
    )


def _client(catalogue: Catalogue, recorded: Recorded, name: str) -> ClientFact | None:
    """The same of a client, which is not written down before a server that it is asked about has started."""
    if name in recorded.clients:
        return recorded.clients[name]
    there = catalogue.clients.get(name)
    if there is None:
        return None
    return ClientFact(name, there.title, str(there.fidelity), "", there.evidence)


def _added(catalogue: Catalogue, recorded: Recorded) -> Iterator[Added]:
    """What of a run is not built in, each once."""
    cells = recorded.plan.cells
    things = (
        *(
            ("mitigation", ways.apart(part)[0])
            for name in dict.fromkeys(c.mitigation for c in cells)
            for part in split(name, "+")
        ),
        *(("server", cell.server) for cell in cells),
        *(("client", cell.client) for cell in cells),
        *(("exposure", name) for name in recorded.exposures),
    )
    for kind, name in dict.fromkeys(things):
        origin = catalogue.origin(kind, name)
        if origin is not Origin.BUILT_IN:
            whose = catalogue.whose(kind, name) if origin is Origin.PACKAGE else Origin.YOURS
            yield Added(kind, name, whose)


def fact_of(catalogue: Catalogue, name: str) -> MitigationFact:
    """What a mitigation is, for reports."""
    change = catalogue.mitigation(name)
    sides = "nobody" if name == NONE else " and ".join(side for side in Side if side in change.sides)
    return MitigationFact(
        name, change.title, sides, change.expectation.text, change.expectation.source, change.aims
    )
