"""The gates in the result document: what they asked for, and what came of them."""

from __future__ import annotations

from datetime import date

from harness.report.documents.part import Part, Words
from harness.result.gates import Gates, KnownLoss, Miss


class MissPart(Part):
    """Something that is required and that this run does not show."""

    entry: Words
    """Which entry of which file requires it."""
    what: Words
    """The cell, or mitigation:server:exposure; empty where nothing that was measured is selected."""
    why: Words
    text: Words
    """What the file says it is required for."""


class KnownLossPart(Part):
    """An accepted loss."""

    entry: Words
    reason: Words
    until: date
    """The last day on which it is accepted."""
    cells: tuple[Words, ...]
    """What is lost by it in this run."""


class GatesPart(Part):
    """A run held against gates, on the day that the document was made."""

    hold: bool
    required: int
    """How many cells and exposures are required."""
    broken: tuple[MissPart, ...]
    """Seen to be otherwise."""
    unproven: tuple[MissPart, ...]
    """Nobody knows."""
    accepted: tuple[KnownLossPart, ...]
    expired: tuple[KnownLossPart, ...]
    """Still lost, and their date is over."""
    idle: tuple[KnownLossPart, ...]
    """Nothing is lost by them."""


def gates_part(gates: Gates | None) -> dict[str, object] | None:
    """The gates of a run as ``GatesPart`` takes them."""
    if gates is None:
        return None
    return {
        "hold": not gates.fails and not gates.unproven,
        "required": gates.required,
        "broken": list(map(_miss, gates.broken)),
        "unproven": list(map(_miss, gates.unproven)),
        "accepted": list(map(_loss, gates.accepted)),
        "expired": list(map(_loss, gates.expired)),
        "idle": list(map(_loss, gates.idle)),
    }


def _miss(one: Miss) -> dict[str, object]:
    return {"entry": str(one.entry), "what": one.what, "why": one.why, "text": one.text}


def _loss(one: KnownLoss) -> dict[str, object]:
    cells = list(map(str, one.cells))
    return {"entry": str(one.entry), "reason": one.reason, "until": one.until, "cells": cells}
