"""The result document about what was not measured in its run, but reused from an earlier one."""

from __future__ import annotations

from datetime import datetime

from harness.report.documents.part import Part, Words
from harness.result import RunResult
from harness.result.reuse import MeasuredBefore


class ReusedPart(Part):
    """When something was measured that was not measured in this run."""

    run: Words
    """The run that measured it; it need not be there any more."""
    at: datetime
    """When that run measured; UTC."""
    age_seconds: float
    """How long before this run that was."""


class RecheckPart(Part):
    """Something that could have been reused, and was measured again."""

    what: Words
    """A cell's id; of what the probes saw mitigation:server."""
    came: Words
    """same, different, fault, or not measured."""
    differences: tuple[Words, ...] = ()
    """In what it came out otherwise; empty for nothing."""
    before: ReusedPart


class ReusePart(Part):
    """What of the run was reused."""

    cells: int
    """How many cells were not measured in this run."""
    runs: tuple[Words, ...]
    """The runs that these were measured in, the oldest first."""
    oldest: ReusedPart | None
    """The oldest of them; null where nothing was reused."""
    rechecks: tuple[RecheckPart, ...]
    """What was drawn by chance to be measured again."""
    holds: bool
    """False: something came out otherwise, so that what was reused is not to be believed either."""


def reused_part(before: MeasuredBefore | None, result: RunResult) -> dict[str, object] | None:
    """As ``ReusedPart`` takes it; None for what was measured in the run itself."""
    if before is None:
        return None
    age = before.age(result.began) if result.began else 0.0
    return {"run": before.run, "at": before.at, "age_seconds": round(age, 1)}


def reuse_part(result: RunResult) -> dict[str, object] | None:
    """As ``ReusePart`` takes it; None where nothing was reused, and nothing could have been."""
    reuse = result.reuse
    if not reuse.known:
        return None
    return {
        "cells": len(reuse.cells),
        "runs": reuse.runs,
        "oldest": reused_part(reuse.oldest, result),
        "rechecks": [
            {
                "what": one.what,
                "came": one.came,
                "differences": one.differences,
                "before": reused_part(one.before, result),
            }
            for one in reuse.rechecks
        ],
        "holds": not reuse.disagreements,
    }
