"""Runs made of few words: cells by effect, holes by their states."""

from __future__ import annotations

from collections.abc import Mapping

from harness.model import Attempt, CellId, Effect, Hole, Outcome, Phase, Side, Sighting, StepName
from harness.result import Applied, CellResult, ExposureResult, RunResult

OK = Attempt(Outcome.OK)
FAULT = Attempt.fault("broken")
STATES = {"o": Hole.OPEN, "c": Hole.CLOSED, "n": Hole.NOT_EXPOSED, "?": Hole.UNKNOWN}


def refused(step: StepName) -> Attempt:
    """An attempt that the server stopped."""
    return Attempt(Outcome.REFUSED, step=step, status="STATUS_ACCESS_DENIED", side=Side.SERVER)


def cell(name: str, effect: Effect, step: StepName = StepName.NEGOTIATE) -> CellResult:
    """A cell with the attempts that such an effect comes from."""
    no = refused(step)
    before = OK if effect in (Effect.KEPT, Effect.LOST, Effect.FAULT) else no
    under = {Effect.LOST: no, Effect.NEVER: no, Effect.FAULT: FAULT}.get(effect, OK)
    phases = {Phase.BASELINE: before, Phase.APPLIED: under, Phase.ROLLED_BACK: before}
    restored = None if effect in (Effect.NEVER, Effect.GAINED, Effect.FAULT) else True
    return CellResult(CellId.parse(name), effect, True, restored, "", "", None, "", phases)


def hole(name: str, states: str) -> ExposureResult:
    """``change:server:exposure`` with a letter a phase: o open, c closed, n not exposed, ? unknown."""
    change, server, exposure = name.split(":")
    phases = {
        phase: Sighting(STATES[letter], f"seen {letter}")
        for phase, letter in zip(Phase, states, strict=False)
    }
    return ExposureResult(change, server, exposure, phases)


def run(
    cells: Mapping[str, Effect | tuple[Effect, StepName]], holes: Mapping[str, str], *, shown: bool = True
) -> RunResult:
    """A run of these cells and holes; ``shown``: that every change was taken back was seen."""
    found = tuple(
        cell(name, *(effect if isinstance(effect, tuple) else (effect,))) for name, effect in cells.items()
    )
    pairs = dict.fromkeys((one.cell.mitigation, one.cell.server) for one in found)
    return RunResult(
        run="a-run",
        lab="local",
        complete=True,
        scenarios=(),
        servers={},
        clients={},
        mitigations={},
        cells=found,
        applied=tuple(Applied(*pair, "seen", "gone" if shown else "") for pair in pairs),
        planned=len(found),
        exposures=tuple(hole(name, states) for name, states in holes.items()),
    )
