"""How a command ends: the verdict on a run as an exit status."""

from __future__ import annotations

from harness.model import Effect, Hole
from harness.result import RunResult

OK, UNEXPECTED, FAULT, NOTHING = 0, 1, 2, 3
"""Exit statuses, with 64 for usage (harness.errors)."""


def exit_status(result: RunResult) -> int:
    """The verdict on a run as an exit status: the lab's own failure weighs more than an unexpected loss."""
    if not result.cells:
        return NOTHING
    gates = result.gates
    wrong = [cell for cell in result.cells if not cell.expected]
    left = [one for one in result.exposures if not one.expected]
    # A hole that must be closed and of which nothing is known proves nothing, as a cell that is a fault.
    fallen = any(one.fell for one in result.exposures)
    unproven = any(one.state(one.decisive) is not Hole.OPEN and not one.stayed_open for one in left)
    faults = any(cell.effect is Effect.FAULT for cell in wrong)
    unshown = bool(gates and gates.unproven)
    # What was reused beside it is not to be believed either.
    disagree = bool(result.reuse.disagreements)
    if not result.complete or result.damage or faults or unproven or fallen or unshown or disagree:
        return FAULT
    return UNEXPECTED if wrong or left or (gates and gates.fails) else OK
