"""The one task that goes to workers, by its name: its argument and its result are text (``wire``)."""

from __future__ import annotations


async def measure(order: str) -> str:
    """Measure a group of cells on the worker that this is called on."""
    from distributed import get_worker

    from harness.cluster.worker import LabWorker

    worker = get_worker()
    if not isinstance(worker, LabWorker):
        raise TypeError("this worker has no lab: start it with rehearse worker")
    return await worker.measure(order)
