"""The JSON document of a replay: what ``rehearse replay --json`` prints.

``python -m harness.report.schemas`` writes its schema anew.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from harness.comparison.replays import Replay, Replayed
from harness.model import Attempt, Effect, Outcome, Phase
from harness.report.documents.comparison import VersionPart
from harness.report.documents.part import Part, Words
from harness.report.json_text import dump, schema_of
from harness.report.language import DEFAULT, language
from harness.report.replayed import emulated, told_of
from harness.result import CellResult

SCHEMA = 1
"""Grows when a field changes its meaning or goes; additions do not count."""


class PhasePart(Part):
    """How a cell ended in one phase."""

    outcome: Outcome
    step: Words | None
    status: Words | None


class PhasesPart(Part):
    """null where the cell has no such phase."""

    baseline: PhasePart | None = None
    applied: PhasePart | None = None
    rolled_back: PhasePart | None = None


class VerdictPart(Part):
    """What a cell came to, then or now."""

    effect: Effect
    restored: bool | None
    cause: Words
    phases: PhasesPart


class DifferencePart(Part):
    """One thing that did not come out as it was recorded."""

    where: Words
    """In which phase, in words, or with which part of a combination; empty for the verdict on the cell."""
    what: Words
    recorded: Words
    now: Words


class CellPart(Part):
    """One cell then and now."""

    cell: Words
    came: Replayed
    emulated: bool
    """That its server or its client is not known to be the real thing, then or now."""
    recorded: VerdictPart
    now: VerdictPart | None
    differences: tuple[DifferencePart, ...]
    by_chance: tuple[Words, ...]
    """What differs only because this client comes through in some of its tries alone."""


class TallyPart(Part):
    """How many cells came to what."""

    same: int
    different: int
    fault: int
    not_measured: int


class ReplayDocument(Part):
    """Cells of a run that were measured once more."""

    schema_: Literal[1] = Field(alias="schema")
    run: Words
    """The run that recorded them."""
    replay: Words
    """The run that measured them again."""
    same: bool
    seed: int | None
    """What the cells were drawn by; null where they were named."""
    drawn_from: int | None
    notes: tuple[Words, ...]
    """What became of the user's own files since."""
    cells: tuple[CellPart, ...]
    versions: tuple[VersionPart, ...]
    """What the two were not both measured with."""
    summary: TallyPart


def render_json(found: Replay) -> str:
    """The document as JSON text, pure ASCII."""
    document = ReplayDocument.model_validate(
        {
            "schema": SCHEMA,
            "run": found.recorded.run,
            "replay": found.now.run,
            "same": found.same,
            "seed": found.seed,
            "drawn_from": found.of if found.seed is not None else None,
            "notes": [told_of(one, language(DEFAULT)) for one in found.notes],
            "cells": [
                {
                    "cell": str(one.cell),
                    "came": one.came,
                    "emulated": emulated(found, one),
                    "recorded": _verdict(one.recorded),
                    "now": _verdict(one.now) if one.now else None,
                    "differences": one.differences,
                    "by_chance": tuple(map(str, one.by_chance)),
                }
                for one in found.cells
            ],
            "versions": found.versions,
            "summary": {came.replace(" ", "_"): found.many(came) for came in Replayed},
        }
    )
    return dump(document.model_dump(mode="json"))


def _verdict(cell: CellResult) -> dict[str, object]:
    return {
        "effect": cell.effect,
        "restored": cell.restored,
        "cause": cell.cause,
        "phases": {phase.value: _phase(cell.phases[phase]) for phase in Phase if phase in cell.phases},
    }


def _phase(made: Attempt) -> dict[str, object]:
    return {"outcome": made.outcome, "step": made.step, "status": made.status}


def schema() -> dict[str, object]:
    """The JSON Schema (draft 2020-12) of the document, as the models say."""
    return schema_of(ReplayDocument, "replay", SCHEMA)
