"""Exposures in the result document: what each probe saw in each phase, and what an exposure is."""

from __future__ import annotations

from harness.model import Hole, Phase
from harness.report.documents.part import Part, Words
from harness.report.documents.reuse import ReusedPart, reused_part
from harness.result import ExposureResult, RunResult


class SightingPart(Part):
    """What one probe saw once."""

    state: Hole
    evidence: Words


class SightingsPart(Part):
    """What a probe saw in each phase; null where it was not made."""

    baseline: SightingPart | None = None
    applied: SightingPart | None = None
    rolled_back: SightingPart | None = None


class ExposurePart(Part):
    """A hole that was probed without harm: before the change, under it, and after its rollback."""

    server: Words
    mitigation: Words
    exposure: Words
    baseline: Hole | None
    applied: Hole | None
    """null for the mitigation none, which changes nothing."""
    rolled_back: Hole | None
    evidence: Words
    """The observation with the change; at the baseline where there was no change."""
    expected: bool
    """False when a scenario says that it must be closed and it is not shown to be, or when it was not open
    before and is after the rollback."""
    claim: Words
    """Why it is not as expected; else empty."""
    phases: SightingsPart
    reused: ReusedPart | None = None
    """When it was probed; null where that was in this run."""


class ExposureFactPart(Part):
    """What an exposure is, and how it is looked for."""

    title: Words
    sends: Words
    """What the probe puts on the wire, or reads on the server."""
    safe: Words
    """Why that harms nobody."""
    source: Words
    severity: Words = ""
    """critical, high, medium or low; empty where nobody graded it."""
    graded_by: Words = ""
    """What the severity rests on."""


def exposure_part(result: RunResult, found: ExposureResult) -> dict[str, object]:
    """The values of ``ExposurePart`` of one exposure of the run."""
    seen = found.phases.get(Phase.APPLIED) or found.phases.get(Phase.BASELINE)
    return {
        "server": found.server,
        "mitigation": found.mitigation,
        "exposure": found.exposure,
        **{phase.value: found.state(phase) for phase in Phase},
        "evidence": seen.evidence if seen else "",
        "expected": found.expected,
        "claim": found.claim,
        "phases": found.phases,
        "reused": reused_part(result.reuse.changes.get((found.mitigation, found.server)), result),
    }
