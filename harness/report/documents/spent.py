"""The result document about the time that a run took: where it went, and how far that is from the bound."""

from __future__ import annotations

from harness.report.documents.part import Part, Words
from harness.result.spent import TimeSpent


class SpentOnPart(Part):
    """What of the worker processes' time went for one kind."""

    kind: Words
    """attempts, probes; or what a worker process waited for: server start, change (made, seen or taken back),
    proof (that a server is healthy), server stop, other, wait (nothing was left for it, or not yet)."""
    worker_seconds: float
    """Two that wait for the same second wait for two."""
    share: float
    """Of all the worker processes' time, from 0 to 1."""
    lasted_seconds: float
    """What all of the kind took, one after the other, whether or not a worker process waited for it."""
    times: int
    """How many attempts, rounds of probes or starts there were; 0 for the other kinds."""


class SpentPart(Part):
    """Where the time went. A worker process makes one attempt, or one round of probes, at a time."""

    seconds: float
    """By the clock on the wall."""
    workers: int
    """How many worker processes there were; on a cluster, of all workers that measured something."""
    worker_seconds: float
    """The time of all of them together: what the kinds come to."""
    bound_seconds: float
    """What attempts and probes alone would have taken on these, each as long as it took, had none waited."""
    kinds: tuple[SpentOnPart, ...]


def spent_part(spent: TimeSpent | None) -> dict[str, object] | None:
    """As ``SpentPart`` takes it; None where it is not known."""
    if spent is None:
        return None
    return {
        "seconds": _rounded(spent.seconds),
        "workers": spent.workers,
        "worker_seconds": _rounded(spent.of_workers),
        "bound_seconds": _rounded(spent.bound),
        "kinds": [
            {
                "kind": kind,
                "worker_seconds": _rounded(one.workers),
                "share": round(spent.share(kind), 4),
                "lasted_seconds": _rounded(one.lasted),
                "times": one.times,
            }
            for kind, one in spent.kinds.items()
        ],
    }


def _rounded(seconds: float) -> float:
    return round(seconds, 3)
