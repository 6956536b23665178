"""The result document: what ``--json`` prints. Its JSON Schema is checked in beside this file.

To write the schema anew: ``python -m harness.report.document > harness/report/result.schema.json``
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Literal

from pydantic import Field, computed_field

from harness.model import Fidelity, Hole, Phase
from harness.report.document_cells import CellPart, cell_part
from harness.report.document_changes import AppliedPart, LeftOutPart, NotApplicablePart
from harness.report.document_gates import GatesPart, gates_part
from harness.report.document_machines import FleetPart, fleet_part
from harness.report.document_reuse import ReusedPart, ReusePart, reuse_part, reused_part
from harness.report.document_spent import SpentPart, spent_part
from harness.report.explain import emulated
from harness.report.formats import Source
from harness.report.json_text import dump, dump_model, in_pieces, schema_of
from harness.report.part import Part, Words
from harness.report.weighed import CheapestPart, SaidPart, StagePart, StandingPart, weighed
from harness.result import Applied, ExposureResult, RunResult
from harness.system.garbage import not_searched

SCHEMA = 1
"""Grows when a field changes its meaning or goes; additions do not count."""


class EvidencePart(Part):
    """Where a fact about a client comes from."""

    what: Words
    source: Words


class Actor(Part):
    """What servers and clients have in common."""

    title: Words
    software: Words
    """What runs and speaks on the wire, with its version."""
    fidelity: Fidelity

    @computed_field  # type: ignore[prop-decorator]
    @property
    def emulated(self) -> bool:
        """True for everything that is not the very software itself."""
        return emulated(self.fidelity)


class ServerPart(Actor):
    """What a server was in this run."""

    emulates: Words
    """What it stands for; empty when it is real."""
    packages: tuple[Words, ...]
    laxer: Words = ""
    """The server that differs in nothing but that it still lets in what this one refuses; empty for none."""
    reached: Words = ""
    """How clients that are not in guests of the lab reached it; empty for directly."""
    instead: tuple[Words, ...] = ()
    """Of a configuration that was brought along: what cannot be had in the lab, and what was done instead."""
    remarks: tuple[Words, ...] = ()
    """What else is to be known of such a configuration."""
    role: Words = ""
    """As whom clients came to it: user, outsider, guest, admin; empty where nothing tells them apart."""


class ClientPart(Actor):
    """What a client was in this run."""

    evidence: tuple[EvidencePart, ...]


class MitigationPart(Part):
    """What a mitigation is, and what was expected of it."""

    title: Words
    side: Words
    expectation: Words
    source: Words
    aims: tuple[Words, ...] = ()
    """The exposures that it is made for, by name."""


class RowPart(Part):
    """One scenario and its cells."""

    name: Words
    title: Words
    cells: tuple[Words, ...]


class SightingPart(Part):
    """What one probe saw once."""

    state: Hole
    evidence: Words


class SightingsPart(Part):
    """What a probe saw in each phase; null where it was not made."""

    baseline: SightingPart | None = None
    applied: SightingPart | None = None
    rolled_back: SightingPart | None = None


class ExposurePart(Part):
    """A hole that was probed without harm: before the change, under it, and after its rollback."""

    server: Words
    mitigation: Words
    exposure: Words
    baseline: Hole | None
    applied: Hole | None
    """null for the mitigation none, which changes nothing."""
    rolled_back: Hole | None
    evidence: Words
    """The observation with the change; at the baseline where there was no change."""
    expected: bool
    """False when a scenario says that it must be closed and it is not shown to be, or when it was not open
    before and is after the rollback."""
    claim: Words
    """Why it is not as expected; else empty."""
    phases: SightingsPart
    reused: ReusedPart | None = None
    """When it was probed; null where that was in this run."""


class ExposureFactPart(Part):
    """What an exposure is, and how it is looked for."""

    title: Words
    sends: Words
    """What the probe puts on the wire, or reads on the server."""
    safe: Words
    """Why that harms nobody."""
    source: Words
    severity: Words = ""
    """critical, high, medium or low; empty where nobody graded it."""
    graded_by: Words = ""
    """What the severity rests on."""


class SummaryPart(Part):
    """How many cells of each effect."""

    kept: int
    lost: int
    gained: int
    never: int
    not_settled: int = 0
    fault: int
    unexpected: int
    """How many of all these were not as expected."""


class HostPart(Part):
    """The machine that a run was measured on."""

    name: Words
    """Empty unless SMB_REHEARSAL_HOST said what to write."""
    machine: Words
    """Its architecture."""
    kernel: Words
    system: Words
    """The distribution."""
    processors: int | None
    """That the run might use."""


class MeasuredPart(Part):
    """When, where, with what and by which version: nothing in it is a result, and no comparison counts it."""

    began: datetime | None
    """UTC; the first time where it was gone on with."""
    seconds: float | None
    """Without the building of images; null where it was killed or is not over."""
    spent: SpentPart | None = None
    """Where that time went; null where that is not known of all of it."""
    version: Words
    """Of smb-rehearsal."""
    commit: Words
    """That this version is of; empty where that is not known."""
    host: HostPart
    tools: dict[Words, Words]
    """Python and its packages, by name: their versions."""


class AddedPart(Part):
    """Something of the run that is not built in."""

    kind: Words
    name: Words
    whose: Words
    """"yours", or the package that it is of, with its version."""


class ResultDocument(Part):
    """A whole run."""

    schema_: Literal[1] = Field(alias="schema")
    """The version of this shape."""
    run: Words
    lab: Words
    complete: bool
    """False when the run was cut off: planned cells are missing."""
    planned: int
    """How many cells were to be measured."""
    measured: MeasuredPart
    """When, where, with what: no part of the result."""
    damage: Words = ""
    """What of the run's journal cannot be read, so that it is missing here; empty for nothing."""
    scenarios: tuple[Words, ...]
    expected_by: tuple[Words, ...]
    """Whose claims the cells are held against; empty where nobody made one: nothing is to be lost then."""
    servers: dict[Words, ServerPart]
    clients: dict[Words, ClientPart]
    mitigations: dict[Words, MitigationPart]
    rows: tuple[RowPart, ...]
    cells: tuple[CellPart, ...]
    """In the order of the plan."""
    applied: tuple[AppliedPart, ...]
    not_applicable: tuple[NotApplicablePart, ...]
    left_out: tuple[LeftOutPart, ...] = ()
    """Parts of combinations that were rehearsed without them."""
    exposures: tuple[ExposurePart, ...]
    exposure_facts: dict[Words, ExposureFactPart]
    """By name: what each exposure is."""
    balances: tuple[StandingPart, ...]
    """What each change closes and whom it costs; the server as it is first."""
    cheapest: tuple[CheapestPart, ...]
    """For each hole that was open before: the cheapest changes that close it."""
    said: tuple[SaidPart, ...]
    """Combinations that surprise, losses with two reasons, known interactions: a sentence each."""
    stages: tuple[StagePart, ...]
    """The stages of a plan, where the scenarios name them."""
    summary: SummaryPart
    gates: GatesPart | None = None
    """What came of the gates that the run was held against; null where none were given."""
    added: tuple[AddedPart, ...] = ()
    """What of the run is not built in: the user's own, and of other packages."""
    fleet: FleetPart | None = None
    """Who really connects; null where the run was not planned for a fleet."""
    reuse: ReusePart | None = None
    """What was not measured in this run, but in earlier ones; null where nothing was or could have been."""


@not_searched()
def to_document(result: RunResult) -> ResultDocument:
    """The document of a run.

    Raises pydantic.ValidationError for what no run can hold, like a NaN or an unknown fidelity.
    """
    by_id = result.by_id()
    cells = [cell_part(cell, result, by_id) for cell in result.cells]
    return _document(result, cells, [_exposure(result, one) for one in result.exposures])


def without_cells(result: RunResult) -> ResultDocument:
    """The document of a run but for its cells, which may be too many to have all of them in memory.

    Raises as ``to_document``.
    """
    return _document(result, (), [_exposure(result, one) for one in result.exposures])


def cells_of(result: RunResult) -> Iterator[CellPart]:
    """The cells of the document of a run, one after the other. Raises as ``to_document``."""
    by_id = result.by_id()
    for cell in result.cells:
        yield CellPart.model_validate(cell_part(cell, result, by_id))


def _document(result: RunResult, cells: Sequence[object], exposures: Sequence[object] = ()) -> ResultDocument:
    return ResultDocument.model_validate(
        {
            "schema": SCHEMA,
            "run": result.run,
            "lab": result.lab,
            "complete": result.complete,
            "planned": result.planned,
            "measured": _measured(result),
            "damage": result.damage,
            "scenarios": result.scenarios,
            "expected_by": result.expected_by,
            "servers": result.servers,
            "clients": result.clients,
            "mitigations": result.mitigations,
            "rows": [
                {"name": name, "title": title, "cells": list(map(str, cells))}
                for name, title, cells in result.rows
            ],
            "cells": cells,
            "applied": [_applied(result, one) for one in result.applied],
            "not_applicable": result.not_applicable,
            "left_out": result.left_out,
            "exposures": exposures,
            "exposure_facts": result.exposure_facts,
            **weighed(result),
            "gates": gates_part(result.gates),
            "added": result.added,
            "fleet": fleet_part(result.fleet),
            "reuse": reuse_part(result),
            "summary": {name.replace(" ", "_"): count for name, count in result.summary().items()},
        }
    )


def _applied(result: RunResult, one: Applied) -> dict[str, object]:
    told = {field.name: getattr(one, field.name) for field in fields(one)}
    # Asked of all changes it would look through all of them for each.
    unnoticed = one.configuration_alone and result.unnoticed(one.mitigation, one.server)
    return {**told, "unnoticed": unnoticed}


def _measured(result: RunResult) -> dict[str, object]:
    known = result.circumstances
    return {
        "began": result.began,
        "seconds": result.seconds,
        "spent": spent_part(result.spent),
        "version": known.version if known else "",
        "commit": known.commit if known else "",
        "host": {
            "name": known.host if known else "",
            "machine": known.machine if known else "",
            "kernel": known.kernel if known else "",
            "system": known.system if known else "",
            "processors": known.processors if known else None,
        },
        "tools": {"python": known.python, **known.tools} if known else {},
    }


def _exposure(result: RunResult, found: ExposureResult) -> dict[str, object]:
    seen = found.phases.get(Phase.APPLIED) or found.phases.get(Phase.BASELINE)
    return {
        "server": found.server,
        "mitigation": found.mitigation,
        "exposure": found.exposure,
        **{phase.value: found.state(phase) for phase in Phase},
        "evidence": seen.evidence if seen else "",
        "expected": found.expected,
        "claim": found.claim,
        "phases": found.phases,
        "reused": reused_part(result.reuse.changes.get((found.mitigation, found.server)), result),
    }


def render_json(result: RunResult) -> str:
    """The document of a run as JSON text, without a line end after it.

    Pure ASCII, so that any stream can take it and nothing in it steers a terminal; every key is always
    there and in the same order.
    """
    return "".join(pieces(result))


def pieces(result: RunResult) -> Iterator[str]:
    """``render_json`` in pieces, a cell or an exposure each: all of a large run need not be in memory."""
    with not_searched():
        exposures = (ExposurePart.model_validate(_exposure(result, one)) for one in result.exposures)
        lists: dict[str, Iterable[Part]] = {"cells": cells_of(result), "exposures": exposures}
        # One is asked for when the one before is written.
        texts = {name: (dump_model(part, deeper=4) for part in parts) for name, parts in lists.items()}
        yield from in_pieces(dump_model(_document(result, ())), texts)


def written(source: Source) -> Iterator[str]:
    """The document as a format of its own (``harness.report.formats``)."""
    yield from pieces(source.result)
    yield "\n"


def schema() -> dict[str, object]:
    """The JSON Schema (draft 2020-12) of the document, as the models say."""
    return schema_of(ResultDocument, "result", SCHEMA)


if __name__ == "__main__":
    sys.stdout.write(dump(schema()) + "\n")
