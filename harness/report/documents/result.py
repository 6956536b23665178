"""The result document: what ``--json`` prints. Its JSON Schema is checked in.

``python -m harness.report.schemas`` writes its schema anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields
from typing import Literal

from pydantic import Field

from harness.report.documents.actors import ClientPart, ServerPart
from harness.report.documents.cells import CellPart, cell_part
from harness.report.documents.changes import AppliedPart, LeftOutPart, NotApplicablePart
from harness.report.documents.exposures import ExposureFactPart, ExposurePart, exposure_part
from harness.report.documents.gates import GatesPart, gates_part
from harness.report.documents.machines import FleetPart, fleet_part
from harness.report.documents.measured import MeasuredPart, measured_part
from harness.report.documents.part import Part, Words
from harness.report.documents.reuse import ReusePart, reuse_part
from harness.report.documents.weighed import CheapestPart, SaidPart, StagePart, StandingPart, weighed
from harness.report.formats import Source
from harness.report.json_text import dump_model, in_pieces, schema_of
from harness.report.labels import MARK, Labels
from harness.result import Applied, LeftOut, NotApplicable, RunResult
from harness.system.garbage import not_searched

SCHEMA = 1
"""Grows when a field changes its meaning or goes; additions do not count."""


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
    return _document(result, cells, [exposure_part(result, one) for one in result.exposures])


def without_cells(result: RunResult) -> ResultDocument:
    """The document of a run but for its cells, which may be too many to have all of them in memory.

    Raises as ``to_document``.
    """
    return _document(result, (), [exposure_part(result, one) for one in result.exposures])


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
            "measured": measured_part(result),
            "damage": result.damage,
            "scenarios": result.scenarios,
            "expected_by": result.expected_by,
            "servers": result.servers,
            "clients": result.clients,
            "mitigations": result.mitigations,
            "rows": [
                {"name": row.name, "title": row.title, "cells": list(map(str, row.cells))}
                for row in result.rows
            ],
            "cells": cells,
            "applied": [_applied(result, one) for one in result.applied],
            "not_applicable": _of_subjects(result, result.not_applicable, NotApplicablePart.model_fields),
            "left_out": _of_subjects(result, result.left_out, LeftOutPart.model_fields),
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


def _of_subjects(
    result: RunResult, these: Iterable[NotApplicable | LeftOut], names: Iterable[str]
) -> list[dict[str, object]]:
    labels = Labels(result)
    return [
        {
            **{name: getattr(one, name) for name in names if hasattr(one, name)},
            "side": labels.side(one.subject) or "",
            "emulated": labels.subject(one.subject).startswith(MARK),
        }
        for one in these
    ]


def _applied(result: RunResult, one: Applied) -> dict[str, object]:
    told = {field.name: getattr(one, field.name) for field in fields(one)}
    # Asked of all changes it would look through all of them for each.
    unnoticed = one.configuration_alone and result.unnoticed(one.mitigation, one.server)
    return {**told, "unnoticed": unnoticed}


def render_json(result: RunResult) -> str:
    """The document of a run as JSON text, without a line end after it.

    Pure ASCII, so that any stream can take it and nothing in it steers a terminal; every key is always
    there and in the same order.
    """
    return "".join(pieces(result))


def pieces(result: RunResult) -> Iterator[str]:
    """``render_json`` in pieces, a cell or an exposure each: all of a large run need not be in memory."""
    with not_searched():
        exposures = (ExposurePart.model_validate(exposure_part(result, one)) for one in result.exposures)
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
