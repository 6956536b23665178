"""Attempts side by side: a few worker processes, each doing one attempt at a time.

A worker that dies or hangs costs the attempt it was doing, which is then a fault, and is replaced. Workers
come from a fork server that has the clients loaded, so a new one costs milliseconds and little memory.
"""

from __future__ import annotations

import multiprocessing
import os
import queue
import signal
import time
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext, ForkServerProcess
from types import TracebackType

from harness.clients import clients
from harness.clients.base import attempt
from harness.errors import LabFault
from harness.model import Attempt, Check, ClientPolicy, Outcome, Target
from harness.smb import health

GRACE = 5.0
"""Seconds that a worker may take beyond the attempt's own limit before it is given up."""


@dataclass(frozen=True, slots=True)
class Order:
    """One attempt to be done."""

    client: str
    check: Check
    target: Target
    policy: ClientPolicy
    expect_down: bool = False
    """True when the server is meant to be down: then a refusal needs no living server behind it."""


@dataclass(frozen=True, slots=True)
class Done:
    """An attempt that was done, and whether the server was healthy right after a refusal."""

    attempt: Attempt
    healthy: bool
    health: str
    """What the health probe saw; "" where none was needed."""


def do(order: Order) -> Done:
    """Do one attempt in this process."""
    made = attempt(clients()[order.client], order.check, order.target, order.policy)
    return with_health(made, order.target, expect_down=order.expect_down)


def with_health(made: Attempt, target: Target, *, expect_down: bool) -> Done:
    """The attempt; where it was refused, with a probe whether its server is healthy right now."""
    if made.outcome is not Outcome.REFUSED or expect_down:
        return Done(made, True, "")
    try:
        return Done(made, True, health.probe(target.address, target.port, target.seconds / 5))
    except LabFault as fault:
        return Done(made, False, str(fault))


def _serve(pipe: Connection) -> None:
    """What a worker process does until its pipe closes."""
    # Ctrl-C reaches the whole terminal group. A worker that ended by it would look like one that crashed,
    # and the attempts in flight like faults: whoever leads us decides what is stopped.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with suppress(EOFError):
        while True:
            pipe.send(do(pipe.recv()))


class _Worker:
    """One worker process and the pipe to it."""

    def __init__(self, context: ForkServerContext) -> None:
        self.pipe, theirs = context.Pipe()
        self.process: ForkServerProcess = context.Process(target=_serve, args=(theirs,), daemon=True)
        self.process.start()
        theirs.close()

    def do(self, order: Order) -> Done:
        """Raises LabFault when the worker dies or is silent for too long; it is of no use then."""
        limit = order.target.seconds + GRACE
        try:
            self.pipe.send(order)
            if self.pipe.poll(limit):
                answer = self.pipe.recv()
                if isinstance(answer, Done):
                    return answer
        except (EOFError, OSError) as error:
            self.process.join(1.0)
            raise LabFault(f"the client process ended ({self.process.exitcode}) in the attempt") from error
        raise LabFault(f"{order.client} did not come back within {limit:g} s")

    def stop(self) -> None:
        self.pipe.close()
        self.process.kill()
        self.process.join()
        self.process.close()


class Pool:
    """``size`` workers; use as a context manager. Nothing is left running when it ends."""

    def __init__(self, size: int) -> None:
        self._context = multiprocessing.get_context("forkserver")
        # The clients and their libraries are loaded once, in the fork server, and shared by all workers.
        self._context.set_forkserver_preload(["harness.workers_preload"])
        self._idle: queue.SimpleQueue[_Worker] = queue.SimpleQueue()
        self._threads = ThreadPoolExecutor(size, thread_name_prefix="attempt")
        self.size = size

    def __enter__(self) -> Pool:
        for _ in range(self.size):
            self._idle.put(_Worker(self._context))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._threads.shutdown(wait=True, cancel_futures=True)
        while not self._idle.empty():
            self._idle.get().stop()

    def submit(self, order: Order) -> Future[Done]:
        """Do an attempt as soon as a worker is free. The future never fails: a lost worker is a fault."""
        return self._threads.submit(self._do, order)

    def _do(self, order: Order) -> Done:
        worker = self._idle.get()
        if not worker.process.is_alive():
            # It died while it had nothing to do: no attempt must pay for that.
            worker.stop()
            worker = _Worker(self._context)
        begun = time.perf_counter()
        try:
            done = worker.do(order)
        except LabFault as fault:
            worker.stop()
            worker = _Worker(self._context)
            ms = (time.perf_counter() - begun) * 1000
            done = Done(Attempt.fault(str(fault), ms=ms), True, "")
        finally:
            self._idle.put(worker)
        return done


def default_size() -> int:
    """Workers for this machine: two a core, since an attempt mostly waits for the server (measured)."""
    return 2 * len(os.sched_getaffinity(0))
