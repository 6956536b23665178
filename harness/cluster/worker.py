"""A worker of Dask with a lab: one group of cells at a time, and a way back to a scheduler that was gone."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from distributed import Reschedule, Worker

from harness.cluster import identity, wire
from harness.cluster.bench import Bench, Dropped
from harness.cluster.lab_process import Changed
from harness.cluster.link import CONNECT, Link, greet, told
from harness.errors import LabFault
from harness.system.plain import many

RETURN = 600.0
"""Seconds for which a worker looks for a scheduler that is gone."""
_PAUSE = 1.0
"""Seconds between two such looks."""
_REGISTER = 3 * CONNECT
"""Seconds in which a scheduler that was there a moment ago takes a worker on."""
DECLARED = "smb-rehearsal"
"""Under which name a worker tells the scheduler which smb-rehearsal it is (``identity.as_text``)."""


class LabWorker(Worker):
    """Measures groups of cells in a lab. Everything else is as Dask has it."""

    def __init__(self, *where: Any, bench: Bench, **how: Any) -> None:
        """``where`` and ``how`` as of ``distributed.Worker``."""
        super().__init__(
            *where,
            nthreads=1,
            memory_limit=0,
            # What Dask may write goes with the rest.
            local_directory=str(bench.home),
            startup_information={DECLARED: lambda _: identity.as_text()},
            **how,
        )
        self._bench = bench
        self._measured = ""
        self.wrong: Changed | None = None
        """Why it ended by itself."""
        self._ending: asyncio.Task[Any] | None = None

    def start_http_server(self, *_: Any, **__: Any) -> None:
        """No pages: nothing of a worker can be read without a certificate."""

    async def measure(self, text: str) -> str:
        """A group, as ``task.measure`` is given it, and its outcome."""
        order = wire.order_of(text)
        self._measured = order.group
        try:
            return wire.outcome_text(await self._bench.outcome(order, self.address))
        except Dropped:
            raise Reschedule from None
        except Changed as error:
            # Another worker does it; this one would only take more of them.
            self.wrong = error
            self._measured = ""
            self._ending = asyncio.create_task(self.close(reason="rehearse-worker-changed"))
            raise Reschedule from None
        finally:
            self._measured = ""

    def handle_stimulus(self, *stims: Any) -> None:
        """Whatever Dask is told: a group that nobody wants any more is not measured to its end."""
        super().handle_stimulus(*stims)
        if self._measured:
            task = self.state.tasks.get(self._measured)
            if task is None or task.state == "cancelled":
                self._bench.drop()

    async def close(self, *how: Any, **more: Any) -> Any:
        """Nor is one when the worker ends."""
        if self._measured:
            self._bench.drop()
        return await super().close(*how, **more)


@dataclass(frozen=True)
class Terms:
    """How a worker is started."""

    link: Link
    resources: Mapping[str, float]


async def serve(terms: Terms, bench: Bench, tell: Callable[[str], None]) -> None:
    """Be a worker until cancelled. One that loses its scheduler comes back to it, or to the next one there.

    Raises LabFault when none can be used at the beginning, or none is back after ``RETURN`` seconds.
    """
    loop = asyncio.get_running_loop()
    gone: float | None = None
    while True:
        try:
            await greet(terms.link)
            worker = await _begun(terms, bench)
        except LabFault:
            if gone is None or loop.time() - gone > RETURN:
                raise
            await asyncio.sleep(_PAUSE)
            continue
        gone = None
        tell(f"worker {worker.address}: ready for {terms.link.address}, with {_has(terms.resources)}")
        try:
            await worker.finished()
        finally:
            await worker.close(reason="rehearse-worker-ends")
            bench.close()
        if worker.wrong:
            raise worker.wrong
        tell(f"the connection to {terms.link.address} is lost; looking for it for {RETURN / 60:.0f} minutes")
        gone = loop.time()


async def _begun(terms: Terms, bench: Bench) -> LabWorker:
    security = terms.link.security()
    with told(terms.link):
        worker = LabWorker(
            terms.link.address,
            bench=bench,
            host=_host_towards(terms.link.address),
            protocol="tls",
            security=security,
            resources=dict(terms.resources),
            # Dask itself would look for it without an end.
            death_timeout=_REGISTER,
        )
        try:
            await worker
        except RuntimeError as error:
            # Of Dask, for whatever it was: the scheduler has another one at our address, or has just ended.
            await worker.close()
            why = error.__cause__ or error
            raise LabFault(
                f"{terms.link.address} takes no worker on: {str(why) or type(why).__name__}"
            ) from error
        except BaseException:
            await worker.close()
            raise
    return worker


def _host_towards(address: str) -> str:
    """Our own address on the way to a scheduler: where others of the cluster reach us. Sends nothing."""
    host, port = re.fullmatch(r"tls://(.+):(\d+)", address).groups()  # type: ignore[union-attr]
    family, kind, _, _, place = socket.getaddrinfo(host.strip("[]"), int(port), type=socket.SOCK_DGRAM)[0]
    with closing(socket.socket(family, kind)) as probe:
        probe.connect(place)
        return str(probe.getsockname()[0])


def _has(resources: Mapping[str, float]) -> str:
    count = sum(name.startswith("image ") for name in resources)
    return f"{many(count, 'image')} and {resources.get('memory', 0):.0f} MB"
