"""Which results are kept to be reused: those that nobody need doubt, and that come out the same again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from harness.catalogue import Catalogue
from harness.model import Attempt, CellId, Check, Effect, Outcome, Phase
from harness.planning.plan import parts_of, phases_of
from harness.record.judging import loses
from harness.record.verdict import effect_of


def doubt(
    catalogue: Catalogue, cell: CellId, attempts: Mapping[Phase, Attempt], tried: Mapping[str, Attempt]
) -> str:
    """Why a result is not kept; "" for one that is."""
    if len(attempts) < len(phases_of(cell.mitigation)):
        return "it was not measured to its end"
    effect = effect_of(cell, attempts)
    if effect in (Effect.FAULT, Effect.NOT_SETTLED):
        return f"it is {effect}"
    if loses(cell, attempts) and not {*parts_of(catalogue, cell)} <= {*tried}:
        return "not all parts of its combination were tried"
    able = Check(cell.check) in catalogue.clients[cell.client].checks
    return next(_doubts(able, [*attempts.values(), *tried.values()]), "")


def _doubts(able: bool, made: list[Attempt]) -> Iterator[str]:
    """``able``: the client can do the check; one that never can is always unsupported."""
    for one in made:
        if one.outcome is Outcome.FAULT:
            yield "a part of its combination was a fault"
        if one.outcome is Outcome.UNSUPPORTED and able:
            yield "it could not be made here"
        if one.tried_again:
            yield "it was tried again, for it ran out of time"
        if one.timed_out or one.waited_on:
            yield "it ran out of time"
        if one.works:
            yield "it comes through by chance"
        if one.unsure:
            yield "it is not verified"
        if one.not_settled:
            yield "it is not settled"
