"""From the attempts of the phases to the effect of a cell, its cause, its owner and what the user sees."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from harness.clients.base import Client
from harness.mitigations.base import SEPARATOR, Mitigation
from harness.mitigations.combination import Combination
from harness.model import Attempt, CellId, Check, Effect, Hole, Outcome, Phase, Sighting
from harness.planning.plan import Expected, MustClose, phases_of
from harness.record import parts
from harness.record.reasons import reason
from harness.result import (
    CellResult,
    ExposureResult,
    PartAlone,
    decisive_phase,
    late_before,
    not_made,
    not_settled,
    somebody_else,
)

_CHECKS = frozenset(Check)


def judge(
    cell: CellId,
    phases: Mapping[Phase, Attempt],
    change: Mitigation,
    client: Client | None,
    expected: Expected | None,
    tried: Mapping[str, Attempt] | None = None,
) -> CellResult:
    """The verdict on one cell whose phases were all attempted.

    ``tried``: what a cell that a combination loses came to under parts of it, by the name of the change.

    The baseline is subtracted: what did not work before is not lost. A cell that nobody made a claim
    about is as expected when nothing is lost and the rollback brings everything back. Of a client that is not
    known here (None) only what it said itself can be told of what its user sees.
    """
    effect = effect_of(cell, phases)
    restored = restored_by(phases)
    when = decisive_phase(phases, effect)
    refusal = phases[when] if when else None
    step = str(refusal.step or "") if refusal else ""
    status = refusal.status or "" if refusal else ""
    if all(one.outcome is Outcome.UNSUPPORTED for one in phases.values()):
        # Nobody can lose what this client never could; no claim was made about it.
        expected = None
    wanted = expected.effect if expected else None
    cause = _cause(effect, phases, when, change)
    found: Mapping[str, PartAlone] = {}
    if isinstance(change, Combination) and effect is Effect.LOST:
        found = _parts(cell, phases, change, tried or {})
        cause = parts.cause(found, cause)
    known = cell.check in _CHECKS
    return CellResult(
        cell=cell,
        effect=effect,
        expected=restored is not False
        # What is not settled contradicts nobody.
        and effect
        in ((wanted,) if wanted else (Effect.KEPT, Effect.GAINED, Effect.NEVER)) + (Effect.NOT_SETTLED,),
        restored=restored,
        cause=cause,
        user_sees=refusal.said
        # A run of a later version may have checks that are not known here.
        or (client.words(step, status, refusal.side, Check(cell.check)) if client and known else "")
        if refusal and refusal.outcome is Outcome.REFUSED and not refusal.unsure
        else "",
        owner=refusal.side if refusal else None,
        claim=_claim(effect, expected),
        phases=dict(phases),
        parts=found,
    )


def judge_exposure(
    pair: tuple[str, str], name: str, phases: Mapping[Phase, Sighting], must: Sequence[MustClose]
) -> ExposureResult:
    """One exposure of a server under a mitigation. Where a scenario says that it must be closed, it must be
    shown to be: unknown is not closed. One that the rollback does not shut again is never as expected."""
    change, server = pair
    goal = next((m for m in must if (m.mitigation, m.server, m.exposure) == (change, server, name)), None)
    applied = phases.get(Phase.APPLIED)
    shown = applied is not None and applied.state in (Hole.CLOSED, Hole.NOT_EXPOSED)
    if goal is None or shown:
        found = ExposureResult(change, server, name, dict(phases))
        if not found.stayed_open:
            return found
        claim = f"after the rollback it is open: {phases[Phase.ROLLED_BACK].evidence}"
        return replace(found, expected=False, claim=claim)
    measured = f"{applied.state}: {applied.evidence}" if applied else "not probed"
    claim = f"{goal.source or 'the scenario'} says {change} closes it, measured {measured}"
    return ExposureResult(change, server, name, dict(phases), expected=False, claim=claim)


def effect_of(cell: CellId, phases: Mapping[Phase, Attempt]) -> Effect:
    """What the mitigation did. Any fault, or a phase that is missing, makes the whole cell a fault.

    So does a client that is able before the change and cannot be given it: it lost nothing by it. And one
    that ran out of time before the change, and met something else later: that says nothing of the change.
    """
    wanted = phases_of(cell.mitigation)
    if any(phase not in phases or phases[phase].outcome is Outcome.FAULT for phase in wanted):
        return Effect.FAULT
    if not_made(phases) or late_before(phases):
        return Effect.FAULT
    before = phases[Phase.BASELINE]
    after = phases[wanted[1] if len(wanted) > 1 else Phase.BASELINE]
    worked = before.outcome is Outcome.OK or bool(before.works and before.works[0])
    works = after.as_good_as(before) if worked else after.outcome is Outcome.OK
    if works and any(phases[phase].not_settled for phase in wanted[:2]):
        return Effect.NOT_SETTLED
    if worked:
        return Effect.KEPT if works else Effect.LOST
    return Effect.GAINED if works else Effect.NEVER


def restored_by(phases: Mapping[Phase, Attempt]) -> bool | None:
    """Whether the rollback brought the baseline's outcome back; None where there was nothing to.

    None as well where either is a fault: the lab broke, and nobody saw what the rollback did. Nor does
    anybody know what there was to bring back where the client ran out of time before the change.
    """
    if Phase.ROLLED_BACK not in phases:
        return None
    before, after = phases[Phase.BASELINE], phases[Phase.ROLLED_BACK]
    if Outcome.FAULT in (before.outcome, after.outcome) or before.timed_out:
        return None
    if before.outcome is Outcome.OK or (before.works and before.works[0]):
        return after.as_good_as(before)
    return None if after.outcome is before.outcome else after.outcome is not Outcome.OK


def _cause(effect: Effect, phases: Mapping[Phase, Attempt], when: Phase | None, change: Mitigation) -> str:
    """Why it is so, by the attempt of the phase that decided; that of None: none did."""
    refusal = phases[when] if when else None
    if effect is Effect.NOT_SETTLED:
        return not_settled(phases)
    if refusal is None:
        return "" if effect is not Effect.FAULT else "the run was cut off before this cell was measured"
    if effect is Effect.FAULT and refusal.timed_out and refusal.outcome is Outcome.REFUSED:
        return (
            f"before the change it ran out of time at {refusal.step}, later it did not: "
            "that says nothing of the change; measure it again, on a machine that is less busy"
        )
    if refusal.outcome is Outcome.OK:
        return somebody_else(phases[Phase.BASELINE], refusal)
    if refusal.outcome is not Outcome.REFUSED:
        return refusal.note
    # The mitigation explains what it took away; what never worked has the base configuration's reason.
    own = change.cause(phases[Phase.BASELINE], refusal) if effect is Effect.LOST else ""
    said = own or reason(refusal)
    if refusal.unsure:
        said = f"{said} (how is not verified: {refusal.unsure})"
    if when is Phase.ROLLED_BACK:
        return f"after the rollback: {said}"
    return said


def _parts(
    cell: CellId, phases: Mapping[Phase, Attempt], whole: Combination, tried: Mapping[str, Attempt]
) -> dict[str, PartAlone]:
    """What each part of a combination that loses a cell does alone, as far as it was tried."""

    def under(change: str) -> Effect | None:
        made = tried.get(change)
        effect = effect_of(cell, {**phases, Phase.APPLIED: made}) if made else Effect.FAULT
        return None if effect is Effect.FAULT else effect

    found = {}
    for part in whole.parts:
        if part.name in tried:
            made, effect = tried[part.name], under(part.name)
            rest = SEPARATOR.join(other.name for other in whole.parts if other is not part)
            alone = {**phases, Phase.APPLIED: made}
            why = _cause(effect, alone, Phase.APPLIED, part) if effect is Effect.LOST else ""
            found[part.name] = PartAlone(effect, made, under(rest), why)
    return found


def _claim(effect: Effect, expected: Expected | None) -> str:
    """One sentence where the measurement is not what the source said."""
    if expected is None or effect is expected.said or effect is Effect.FAULT:
        return ""
    because = f": {expected.because}" if expected.because and effect is expected.effect else ""
    return f"{expected.source or 'the claim'} says {expected.said}, measured {effect}{because}"
