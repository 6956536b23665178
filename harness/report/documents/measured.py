"""When, where and with what a run was measured, in the result document: none of it is a result."""

from __future__ import annotations

from datetime import datetime

from harness.report.documents.part import Part, Words
from harness.report.documents.spent import SpentPart, spent_part
from harness.result import RunResult


class HostPart(Part):
    """The machine that a run was measured on."""

    name: Words
    """Empty unless SMB_REHEARSAL_HOST said what to write."""
    machine: Words
    """Its architecture."""
    kernel: Words
    system: Words
    """The distribution."""
    processors: int | None
    """That the run might use."""


class MeasuredPart(Part):
    """When, where, with what and by which version: nothing in it is a result, and no comparison counts it."""

    began: datetime | None
    """UTC; the first time where it was gone on with."""
    seconds: float | None
    """Without the building of images; null where it was killed or is not over."""
    spent: SpentPart | None = None
    """Where that time went; null where that is not known of all of it."""
    version: Words
    """Of smb-rehearsal."""
    commit: Words
    """That this version is of; empty where that is not known."""
    host: HostPart
    tools: dict[Words, Words]
    """Python and its packages, by name: their versions."""


def measured_part(result: RunResult) -> dict[str, object]:
    """The values of ``MeasuredPart``; of an earlier version's run they are empty or null."""
    known = result.circumstances
    return {
        "began": result.began,
        "seconds": result.seconds,
        "spent": spent_part(result.spent),
        "version": known.version if known else "",
        "commit": known.commit if known else "",
        "host": {
            "name": known.host if known else "",
            "machine": known.machine if known else "",
            "kernel": known.kernel if known else "",
            "system": known.system if known else "",
            "processors": known.processors if known else None,
        },
        "tools": {"python": known.python, **known.tools} if known else {},
    }
