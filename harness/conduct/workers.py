"""Attempts side by side: a few worker processes, each doing one attempt at a time.

A worker that dies or hangs costs the attempt it was doing, which is then a fault, and is replaced. Workers
come from a fork server that has the clients loaded, so a new one costs milliseconds. A run, which has all
that loaded itself, forks its first workers off itself while it has one thread: they share its memory, and
no fork server need be loaded (measured, the whole article: 178 MB instead of 224 MB).
"""

from __future__ import annotations

import importlib
import math
import multiprocessing
import queue
import signal
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import nullcontext, suppress
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from multiprocessing.context import ForkContext, ForkServerContext
from multiprocessing.process import BaseProcess
from types import TracebackType
from typing import TypeVar

from harness.catalogue import Catalogue
from harness.clients.base import Client, attempt
from harness.clients.tries import ROUNDS as TRIES_TAKE
from harness.conduct.meter import Meter
from harness.errors import LabFault
from harness.exposures.survey import Survey, Surveyed, lost, survey, survival
from harness.labs import namespace
from harness.model import Attempt, Check, ClientPolicy, Outcome, Target
from harness.result import SURVIVES
from harness.result.spent import Kind
from harness.smb import served
from harness.smb.footprint import Footprint, noting
from harness.smb.out_of_time import once_more
from harness.system import confine, entry
from harness.system.deadline import measured, pace
from harness.system.garbage import not_searched

A = TypeVar("A")
B = TypeVar("B")
PRELOAD = "harness.conduct.preload"
"""The module that loads all that a worker needs."""
ALONE = 5.0
"""Seconds that one probe may take by itself."""
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
    noted: bool = False
    """What it leaves behind is wanted as evidence."""

    def seconds(self, client: Client) -> float:
        """The most that it may take: a real client that fails by itself is tried again."""
        return self.target.seconds * (1.0 if client.fidelity.emulated else TRIES_TAKE)

    def longer(self, times: float) -> Order:
        """The same with so many times its time."""
        return replace(self, target=replace(self.target, seconds=self.target.seconds * times))


@dataclass(frozen=True, slots=True)
class Done:
    """An attempt that was done, and whether its server was healthy right after a refusal."""

    attempt: Attempt
    healthy: bool | None = True
    """None for a refusal whose server nobody has probed yet (see ``harness.conduct.refusals``)."""
    health: str = ""
    """What the health probe saw; "" where none was needed."""
    begun: float | None = None
    """When it began, by ``time.monotonic``, which all processes of a machine share; None for one over a
    connection that was open before: that says nothing of what a new one would meet."""
    ended: float = math.inf
    left: Footprint | None = None
    """What it left behind; None where nobody asked."""


def do(catalogue: Catalogue, order: Order) -> Done:
    """Do one attempt in this process."""
    begun = time.monotonic()
    with noting() if order.noted else nullcontext() as notes:
        made = attempt(catalogue.clients[order.client], order.check, order.target, order.policy)
    left = notes.footprint() if notes else None
    doubted = made.outcome is Outcome.REFUSED and not order.expect_down
    return Done(made, None if doubted else True, begun=begun, ended=time.monotonic(), left=left)


def with_health(refusals: Sequence[Attempt], target: Target) -> list[Done]:
    """Refusals, each with whether their server is healthy right now, as far as the step of each.

    They share what the lab's own client does for that: a connection, or two where some were refused on the
    way to the pipes and others on the way to the share.
    """
    checks = served.checks_for({one.step for one in refusals})
    seen = {check: _looked(target, check) for check in checks}
    found = []
    for one in refusals:
        look = next(look for check, look in seen.items() if served.on_way(check, one.step))
        doubt = look.doubt(one)
        found.append(Done(one, not doubt, doubt or str(look)))
    return found


def _looked(target: Target, check: Check) -> served.Served:
    """How far the server serves right now; it is given more time where it is the machine that is slow."""
    seen = served.look(target, check, target.seconds / 5 * pace())
    if seen.made.timed_out and (speed := measured()).busy:
        return served.look(target, check, target.seconds * speed.pace)
    return seen


def _serve(pipe: Connection, catalogue: Catalogue) -> None:
    """What a worker process does until its pipe closes."""
    # Ctrl-C reaches the whole terminal group. A worker that ended by it would look like one that crashed,
    # and the attempts in flight like faults: whoever leads us decides what is stopped.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # A worker that was forked off a run has the run's answers to these.
    for number in (signal.SIGTERM, signal.SIGHUP):
        # Under nohup(1) a hangup ends nobody.
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)
    entry.let_through()
    # It reads what servers send, and what it may do is what somebody may do who takes it over.
    confine.keep(confine.FOR_CLIENTS if namespace.maps_lab_uid() else confine.FOR_CLIENTS_NESTED)
    with suppress(EOFError):
        while True:
            order = pipe.recv()
            pipe.send(_TAKEN)
            if isinstance(order, Survey):
                pipe.send(survey(catalogue.exposures, order))
            else:
                pipe.send(do(catalogue, order))


_TAKEN = "taken"
"""What a worker says before it begins: from then on its end costs what it was doing."""


class _GoneError(Exception):
    """A worker ended while it had nothing to do."""

    def __str__(self) -> str:
        return "a process for clients ended as soon as it was started"


class _Worker:
    """One worker process and the pipe to it."""

    def __init__(self, context: ForkServerContext | ForkContext, catalogue: Catalogue) -> None:
        self.pipe, theirs = context.Pipe()
        self._clients = catalogue.clients
        # One that is forked shares the catalogue; another makes the same of its sources.
        self.process: BaseProcess = context.Process(target=_serve, args=(theirs, catalogue), daemon=True)
        self.process.start()
        theirs.close()

    def do(self, order: Order | Survey) -> object:
        """Raises LabFault when the worker dies or is silent for too long; it is of no use then.

        Raises _GoneError when it was dead before it took the order.
        """
        who, what, seconds = "probes", "the probes", order.limit if isinstance(order, Survey) else 0.0
        if isinstance(order, Order):
            client = self._clients[order.client]
            who, what, seconds = "client", "the attempt", order.seconds(client)
        try:
            self.pipe.send(order)
            limit = seconds + GRACE * pace()
            taken = self.pipe.poll(limit) and self.pipe.recv()
        except (EOFError, OSError) as error:
            raise _GoneError from error
        try:
            if taken and self.pipe.poll(limit):
                return self.pipe.recv()
        except (EOFError, OSError) as error:
            self.process.join(1.0)
            raise LabFault(f"the {who} process ended ({self.process.exitcode}) in {what}") from error
        name = order.client if isinstance(order, Order) else " ".join(order.only) or "the probes"
        raise LabFault(f"{name} did not come back within {limit:.3g} s, while {measured()}")

    def end(self) -> None:
        """Begin to end it: what it has in memory takes a while to be given back."""
        self.pipe.close()
        self.process.kill()

    def stop(self) -> None:
        """End it, and wait for that."""
        self.end()
        self.process.join()
        self.process.close()


class Pool:
    """``size`` workers; use as a context manager. Nothing is left running when it ends.

    ``fork``: the first workers are forked off this very process, which must have one thread then.
    """

    def __init__(self, catalogue: Catalogue, size: int, *, fork: bool = False) -> None:
        self._catalogue = catalogue
        self._fork = fork
        self._context = multiprocessing.get_context("forkserver")
        # The clients and their libraries are loaded once, in the fork server, and shared by all workers.
        self._context.set_forkserver_preload([PRELOAD])
        self._idle: queue.SimpleQueue[_Worker] = queue.SimpleQueue()
        self._threads = ThreadPoolExecutor(size, thread_name_prefix="attempt")
        self.size = size
        self.meter = Meter(size)
        """Where the time of the workers goes."""

    def __enter__(self) -> Pool:
        first: ForkServerContext | ForkContext = self._context
        # Libraries swallow what a signal raises while they are loaded (bare except).
        with entry.held_back():
            if self._fork:
                with not_searched():
                    importlib.import_module(PRELOAD)
                first = multiprocessing.get_context("fork")
            for _ in range(self.size):
                self._idle.put(_Worker(first, self._catalogue))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._threads.shutdown(wait=True, cancel_futures=True)
        left = [self._idle.get() for _ in range(self._idle.qsize())]
        # All of them at once.
        for worker in left:
            worker.end()
        for worker in left:
            worker.stop()

    def submit(self, order: Order) -> Future[Done]:
        """Do an attempt as soon as a worker is free. The future never fails: a lost worker is a fault.

        Its time goes by the speed of the machine, and one that runs out of time is made once more.
        """
        return self._threads.submit(self._metered, Kind.ATTEMPTS, self._do, order, order.client)

    def survey(self, order: Survey) -> Future[Surveyed]:
        """Make the probes as soon as a worker is free. The future never fails: a lost probe is unknown."""
        return self._threads.submit(self._metered, Kind.PROBES, self._survey, order)

    def _metered(self, kind: Kind, do: Callable[[A], B], order: A, client: str = "") -> B:
        with self.meter.at_work(kind, client):
            return do(order)

    def _do(self, order: Order) -> Done:
        begun = time.perf_counter()
        try:
            made = [self._done(order.longer(pace()))]
            if order.expect_down:
                return made[0]

            def again(times: float) -> Attempt:
                made.append(self._done(order.longer(times)))
                return made[-1].attempt

            attempt = once_more(made[0].attempt, again)
            refused = attempt.outcome is Outcome.REFUSED
            return replace(made[-1], attempt=attempt, healthy=made[-1].healthy if refused else True)
        except LabFault as fault:
            return Done(Attempt.fault(str(fault), ms=(time.perf_counter() - begun) * 1000))

    def _done(self, order: Order) -> Done:
        """An attempt that a worker did. Raises LabFault when it is lost."""
        done = self._worked(order)
        if isinstance(done, Done):
            return done
        raise LabFault(f"{order.client} answered nothing")

    def _survey(self, order: Survey) -> Surveyed:
        order = replace(order, slower=pace())
        try:
            done = self._worked(order)
            if isinstance(done, Surveyed):
                return done
            raise LabFault("the probes answered nothing")
        except LabFault as fault:
            if len(order.only) == 1:
                return lost(self._catalogue.exposures, order, str(fault))
        # One of them took its process with it: alone, each can only lose itself.
        parts = [
            self._survey(replace(order, only=(name,), seconds=ALONE))
            for name in order.names(self._catalogue.exposures)
        ]
        seen = {name: seen for part in parts for name, seen in part.seen.items()}
        fallen = next((part.fallen for part in parts if part.fallen), "")
        made = Surveyed(seen, fallen, sum(part.connections for part in parts))
        return made if order.only else replace(made, seen={**seen, SURVIVES: survival(made)})

    def _worked(self, order: Order | Survey) -> object:
        """What a worker answers. Raises LabFault when it is lost; another takes its place."""
        worker = self._idle.get()
        try:
            try:
                return worker.do(order)
            except _GoneError:
                # It died while it had nothing to do: nobody must pay for that.
                worker.stop()
                worker = _Worker(self._context, self._catalogue)
                return worker.do(order)
        except (LabFault, _GoneError) as fault:
            worker.stop()
            worker = _Worker(self._context, self._catalogue)
            raise LabFault(str(fault)) from fault
        finally:
            self._idle.put(worker)
