"""Attempts side by side: a few worker processes, each doing one attempt at a time.

A worker that dies or hangs costs the attempt it was doing, which is then a fault, and is replaced. Workers
come from a fork server that has the clients loaded, so a new one costs milliseconds. A run, which has all
that loaded itself, forks its first workers off itself while it has one thread: they share its memory, and
no fork server need be loaded (measured, the whole article: 178 MB instead of 224 MB).
"""

from __future__ import annotations

import importlib
import multiprocessing
import os
import queue
import signal
import time
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import ForkContext, ForkServerContext
from multiprocessing.process import BaseProcess
from types import TracebackType

from harness.clients import clients
from harness.clients.base import attempt
from harness.errors import LabFault
from harness.model import CLOSED, RESET, TIMEOUT, Attempt, Check, ClientPolicy, Outcome, Target
from harness.smb import health

PRELOAD = "harness.workers_preload"
"""The module that loads all that a worker needs."""
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
    """An attempt that was done, and whether its server was healthy right after a refusal."""

    attempt: Attempt
    healthy: bool | None = True
    """None for a refusal whose server nobody has probed yet (see ``harness.belief``)."""
    health: str = ""
    """What the health probe saw; "" where none was needed."""


UNANSWERED = (CLOSED, RESET, TIMEOUT)
"""How an attempt ends without any word of the server: nothing says then that it was alive."""


def do(order: Order) -> Done:
    """Do one attempt in this process."""
    made = attempt(clients()[order.client], order.check, order.target, order.policy)
    if made.outcome is not Outcome.REFUSED or order.expect_down:
        return Done(made)
    return with_health(made, order.target) if made.status in UNANSWERED else Done(made, None)


def with_health(refusal: Attempt, target: Target) -> Done:
    """A refusal with a probe whether its server is healthy right now."""
    try:
        return Done(refusal, True, health.probe(target.address, target.port))
    except LabFault as fault:
        return Done(refusal, False, str(fault))


def _serve(pipe: Connection) -> None:
    """What a worker process does until its pipe closes."""
    # Ctrl-C reaches the whole terminal group. A worker that ended by it would look like one that crashed,
    # and the attempts in flight like faults: whoever leads us decides what is stopped.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # A worker that was forked off a run has the run's answers to these.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    with suppress(EOFError):
        while True:
            order = pipe.recv()
            pipe.send(_TAKEN)
            pipe.send(do(order))


_TAKEN = "taken"
"""What a worker says before it begins: from then on its end costs an attempt."""


class _GoneError(Exception):
    """A worker ended while it had nothing to do."""


class _Worker:
    """One worker process and the pipe to it."""

    def __init__(self, context: ForkServerContext | ForkContext) -> None:
        self.pipe, theirs = context.Pipe()
        self.process: BaseProcess = context.Process(target=_serve, args=(theirs,), daemon=True)
        self.process.start()
        theirs.close()

    def do(self, order: Order) -> Done:
        """Raises LabFault when the worker dies or is silent for too long; it is of no use then.

        Raises _GoneError when it was dead before it took the order.
        """
        limit = order.target.seconds + GRACE
        try:
            self.pipe.send(order)
            taken = self.pipe.poll(limit) and self.pipe.recv()
        except (EOFError, OSError) as error:
            raise _GoneError from error
        try:
            if taken and self.pipe.poll(limit):
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
    """``size`` workers; use as a context manager. Nothing is left running when it ends.

    ``fork``: the first workers are forked off this very process, which must have one thread then.
    """

    def __init__(self, size: int, *, fork: bool = False) -> None:
        self._fork = fork
        self._context = multiprocessing.get_context("forkserver")
        # The clients and their libraries are loaded once, in the fork server, and shared by all workers.
        self._context.set_forkserver_preload([PRELOAD])
        self._idle: queue.SimpleQueue[_Worker] = queue.SimpleQueue()
        self._threads = ThreadPoolExecutor(size, thread_name_prefix="attempt")
        self.size = size

    def __enter__(self) -> Pool:
        first: ForkServerContext | ForkContext = self._context
        if self._fork:
            importlib.import_module(PRELOAD)
            first = multiprocessing.get_context("fork")
        for _ in range(self.size):
            self._idle.put(_Worker(first))
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
        begun = time.perf_counter()
        try:
            try:
                done = worker.do(order)
            except _GoneError:
                # It died while it had nothing to do: no attempt must pay for that.
                worker.stop()
                worker = _Worker(self._context)
                done = worker.do(order)
        except (LabFault, _GoneError) as fault:
            worker.stop()
            worker = _Worker(self._context)
            ms = (time.perf_counter() - begun) * 1000
            done = Done(Attempt.fault(str(fault), ms=ms))
        finally:
            self._idle.put(worker)
        return done


def default_size() -> int:
    """Workers for this machine: two a core, since an attempt mostly waits for the server (measured)."""
    return 2 * len(os.sched_getaffinity(0))
