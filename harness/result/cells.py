"""One cell after all its phases: what it came to, and which of its attempts explains that."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from harness.model import Attempt, CellId, Effect, Outcome, Phase, Side
from harness.result.phases import somebody_else, speed, stayed
from harness.result.reuse import MeasuredBefore

WHEN = {
    Phase.BASELINE: "before",
    Phase.APPLIED: "with the change",
    Phase.ROLLED_BACK: "after the rollback",
}


@dataclass(frozen=True, slots=True)
class PartAlone:
    """What a cell that is lost under a combination comes to under one part of it."""

    effect: Effect | None
    """Under this part alone; None where that was not measured."""
    attempt: Attempt
    """The attempt with this part alone in force; its note says why nothing was measured."""
    without: Effect | None
    """Under the combination without this part; None where that was not measured."""
    cause: str
    """Why this part alone loses it; "" where it does not."""


@dataclass(frozen=True, slots=True)
class CellResult:
    """One cell after all its phases."""

    cell: CellId
    effect: Effect
    expected: bool
    restored: bool | None
    """None where there was nothing to bring back (mitigation ``none``, or it never worked), or a fault."""
    cause: str
    """Why it was lost (or never worked, or is a fault) in one line; "" where there is nothing to explain."""
    user_sees: str
    owner: Side | None
    """Whose policy said no."""
    claim: str
    """Where the measurement differs from what the scenario's source claims: one sentence; else ""."""
    phases: Mapping[Phase, Attempt]
    parts: Mapping[str, PartAlone] = field(default_factory=dict)
    """Of a cell that a combination loses: what each part does alone, as far as one was tried; else empty."""
    evidence: str = ""
    """The folder with its evidence, relative to the run folder, with / between its parts; "" for none."""
    reused: MeasuredBefore | None = None
    """When it was measured, where that was not in this run."""

    @property
    def not_settled(self) -> str:
        """What it rests on that is not settled; "" for nothing."""
        return not_settled(self.phases)

    @property
    def inferred(self) -> str:
        """What it rests on that is only inferred; "" for nothing."""
        return _joined(attempt.inferred for attempt in self.phases.values())

    @property
    def remarks(self) -> tuple[str, ...]:
        """What must be known of attempts that went well or were made once more, each remark once."""
        made = [attempt for attempt in self.phases.values() if attempt.outcome is Outcome.OK]
        noted = [attempt.note for attempt in made]
        if self.effect is Effect.KEPT:
            # One that came through only sometimes before, and does so now.
            noted = [made.note for made in self.phases.values() if made.works] or noted
            noted += [somebody_else(made[0], attempt) for attempt in made]
        noted += [
            f"{WHEN[when]}: {made.tried_again}" for when, made in self.phases.items() if made.tried_again
        ]
        noted += [speed(self.phases), stayed(self.phases)]
        return tuple(dict.fromkeys(note for note in noted if note))

    @property
    def unsupported(self) -> bool:
        """True when the client cannot do this check at all, before and after."""
        return bool(self.phases) and all(
            attempt.outcome is Outcome.UNSUPPORTED for attempt in self.phases.values()
        )


def not_settled(phases: Mapping[Phase, Attempt]) -> str:
    """What the attempts of a cell rest on that is not settled; "" for nothing."""
    return _joined(attempt.not_settled for attempt in phases.values())


def _joined(texts: Iterable[str]) -> str:
    return "; ".join(dict.fromkeys(text for text in texts if text))


def not_made(phases: Mapping[Phase, Attempt]) -> bool:
    """True when the client is able to do the check before the change, and cannot be given the change."""
    able = {phase: made.outcome is not Outcome.UNSUPPORTED for phase, made in phases.items()}
    return able.get(Phase.BASELINE, False) and not able.get(Phase.APPLIED, True)


def late_before(phases: Mapping[Phase, Attempt]) -> bool:
    """True when the client ran out of time before the change, and not in every later phase."""
    before = phases.get(Phase.BASELINE)
    return before is not None and before.timed_out and not all(made.timed_out for made in phases.values())


def decisive(phases: Mapping[Phase, Attempt], effect: Effect) -> Attempt | None:
    """The attempt that explains an effect: the fault, or the refusal; None where nothing needs one."""
    when = decisive_phase(phases, effect)
    return phases[when] if when else None


def decisive_phase(phases: Mapping[Phase, Attempt], effect: Effect) -> Phase | None:
    """The phase of the attempt that explains an effect; None where nothing needs one."""
    tried = {phase: phases[phase].outcome for phase in Phase if phase in phases}
    if effect is Effect.FAULT:
        fault = next((phase for phase, outcome in tried.items() if outcome is Outcome.FAULT), None)
        if fault is None and late_before(phases):
            return Phase.BASELINE
        return fault or (Phase.APPLIED if not_made(phases) else None)
    if effect in (Effect.NEVER, Effect.LOST):
        # What never worked has the reason that it had before anything was changed.
        when = Phase.BASELINE if effect is Effect.NEVER else Phase.APPLIED
        return when if when in phases else None
    return next((phase for phase, outcome in tried.items() if outcome is Outcome.REFUSED), None)
