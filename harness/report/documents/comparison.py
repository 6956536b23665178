"""The JSON document of a comparison: what ``rehearse diff --json`` prints.

``python -m harness.report.schemas`` writes its schema anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Literal

from pydantic import Field

from harness.comparison.cells import CellTurn, HoleTurn
from harness.comparison.runs import Comparison
from harness.comparison.turns import Turn
from harness.model import Effect, Hole
from harness.report.documents.part import Part, Words
from harness.report.json_text import dump_model, in_pieces, schema_of
from harness.result import RunResult
from harness.system.garbage import not_searched

SCHEMA = 1
"""Grows when a field changes its meaning or goes; additions do not count."""


class RunPart(Part):
    """One of the two runs."""

    run: Words
    lab: Words
    began: datetime | None
    version: Words
    """Of smb-rehearsal; empty for a run of an earlier version."""
    complete: bool
    reused: int = 0
    """How many of its cells were not measured in it, but in earlier runs."""
    damage: Words


class CellTurnPart(Part):
    """A cell that is not the same in both."""

    cell: Words
    turn: Turn
    first: Effect
    second: Effect
    restored: tuple[bool | None, bool | None]
    """Whether the rollback brought it back, in the first run and in the second."""
    emulated: bool
    """That its server or its client is not known to be the real thing, in one run or the other."""
    why: Words
    details: tuple[Words, ...]


class StatesPart(Part):
    """An exposure in one phase; null where it was not probed."""

    first: Hole | None
    second: Hole | None


class HolePhasesPart(Part):
    """null where neither run probed it."""

    baseline: StatesPart | None = None
    applied: StatesPart | None = None
    rolled_back: StatesPart | None = None


class HoleTurnPart(Part):
    """An exposure that is not the same in both."""

    mitigation: Words
    server: Words
    exposure: Words
    turn: Turn
    phases: HolePhasesPart
    evidence: Words


class ExpectationPart(Part):
    """What one run holds for expected and the other does not."""

    what: Words
    expected: bool
    claim: Words


class VersionPart(Part):
    """What the runs were not both measured with."""

    kind: Words
    name: Words
    what: Words
    first: Words
    second: Words


class TallyPart(Part):
    """How many turned which way."""

    worse: int
    better: int
    changed: int
    not_comparable: int
    same: int


class ComparisonDocument(Part):
    """Two runs held against each other."""

    schema_: Literal[1] = Field(alias="schema")
    first: RunPart
    second: RunPart
    worse: bool
    """Something got worse: the exit status is 1."""
    doubts: tuple[Words, ...]
    """What of the runs is missing; the exit status is 2 unless something got worse."""
    cells: tuple[CellTurnPart, ...]
    exposures: tuple[HoleTurnPart, ...]
    only_first: tuple[Words, ...]
    """Cells that the first run alone has measured."""
    only_second: tuple[Words, ...]
    expectations: tuple[ExpectationPart, ...]
    versions: tuple[VersionPart, ...]
    cell_summary: TallyPart
    exposure_summary: TallyPart


def render_json(found: Comparison, emulated: frozenset[str]) -> str:
    """The document as JSON text, pure ASCII. ``emulated``: the cells of it that are not the real thing."""
    return "".join(pieces(found, emulated))


def pieces(found: Comparison, emulated: frozenset[str]) -> Iterator[str]:
    """``render_json`` in pieces: all that differs in two large runs need not be in memory."""
    lists: dict[str, Iterable[Part]] = {
        "cells": (_cell(one, emulated) for one in found.cells),
        "exposures": map(_hole, found.holes),
        "expectations": map(ExpectationPart.model_validate, found.expectations),
    }
    texts = {name: (dump_model(part, deeper=4) for part in parts) for name, parts in lists.items()}
    with not_searched():
        yield from in_pieces(dump_model(_without_lists(found)), texts)


def _without_lists(found: Comparison) -> ComparisonDocument:
    return ComparisonDocument.model_validate(
        {
            "schema": SCHEMA,
            "first": _run(found.first),
            "second": _run(found.second),
            "worse": found.worse,
            "doubts": tuple(map(str, found.doubts)),
            "cells": (),
            "exposures": (),
            "only_first": list(map(str, found.only_first)),
            "only_second": list(map(str, found.only_second)),
            "expectations": (),
            "versions": found.versions,
            "cell_summary": _tally(found, 0, found.same),
            "exposure_summary": _tally(found, 1, found.same_holes),
        }
    )


def _cell(one: CellTurn, emulated: frozenset[str]) -> CellTurnPart:
    told = {name: getattr(one, name) for name in ("turn", "first", "second", "restored", "why")}
    about = {"cell": str(one.cell), "emulated": str(one.cell) in emulated}
    return CellTurnPart.model_validate({**about, **told, "details": tuple(map(str, one.details))})


def _hole(one: HoleTurn) -> HoleTurnPart:
    told = {name: getattr(one, name) for name in ("mitigation", "server", "exposure", "turn", "evidence")}
    phases = {phase.value: {"first": was, "second": now} for phase, (was, now) in one.phases.items()}
    return HoleTurnPart.model_validate({**told, "phases": phases})


def _run(run: RunResult) -> dict[str, object]:
    return {
        "run": run.run,
        "lab": run.lab,
        "began": run.began,
        "version": run.circumstances.version if run.circumstances else "",
        "complete": run.complete,
        "reused": len(run.reuse.cells),
        "damage": run.damage,
    }


def _tally(found: Comparison, which: int, same: int) -> dict[str, int]:
    return {turn.replace(" ", "_"): found.many(turn)[which] for turn in Turn} | {"same": same}


def schema() -> dict[str, object]:
    """The JSON Schema (draft 2020-12) of the document, as the models say."""
    return schema_of(ComparisonDocument, "comparison", SCHEMA)
