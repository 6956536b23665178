"""Whoever starts a run on a cluster: groups go out to workers, and what each came to comes back once.

Dask gives a group to another worker when its worker is gone. A scheduler that is gone is waited for, and what
is not measured yet goes out again; of two results of one group the first one counts. When this process ends,
however it does, the scheduler drops its groups, and the workers end what they measure.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any
from uuid import uuid4

from distributed import Client, Future
from distributed.client import FutureCancelledError
from distributed.scheduler import KilledWorker

from harness.cluster import identity, needs, task, wire
from harness.cluster.collected import Collected, came_to_nothing
from harness.cluster.link import Link, greet, told
from harness.cluster.worker import DECLARED
from harness.errors import LabFault
from harness.planning.plan import Job
from harness.system.plain import many

ARRIVE = 30.0
"""Seconds that a first worker may take to be there."""
RETURN = 60.0
"""Seconds that a scheduler, or the last worker that can measure a group, may be gone."""
_LOOK = 0.5
"""Seconds between two looks at whether the scheduler is there, and at first at which workers there are."""
_WORKERS = 2.0
"""Seconds between two looks at which workers there are while groups are measured: it asks the scheduler."""

_ANSWERS = 30.0
"""Seconds that a scheduler may take to say which workers there are; one that is frozen ends no connection."""

Workers = Mapping[str, Mapping[str, float]]
"""What each worker has (``needs``), by its address."""


@dataclass(frozen=True)
class Group:
    """The cells of one running server, and how they go out."""

    jobs: tuple[Job, ...]
    order: wire.Order
    needs: Mapping[str, float]
    weight: float
    parts: tuple[Group, ...] = ()
    """The same cells with a server for each change, where there are several: these go out where no worker can
    measure all of it, or where that came to nothing."""


class Driver:
    """Distributes the groups of one run."""

    def __init__(
        self,
        link: Link,
        cut: Callable[[int], Sequence[Group]],
        collected: Collected,
        tell: Callable[[str], None],
    ) -> None:
        """``cut``: the groups for so many workers, of which there is one at least."""
        self._link = link
        self._cut: Callable[[int], Sequence[Group]] | None = cut
        self._left: dict[str, Group] = {}
        self._collected = collected
        self._tell = tell
        self._refused: set[str] = set()
        self._alone: dict[str, float] = {}
        """Since when nobody can measure a group, by the loop's clock."""
        self._there: Workers = {}
        """As last seen."""
        self._elsewhere: dict[str, frozenset[str]] = {}
        """Groups of which a worker came to nothing, and who has the second try: all others that could."""

    async def run(self) -> None:
        """Until every group is measured, or is a fault because nobody can measure it.

        Raises LabFault when no scheduler can be used, no worker comes, or the scheduler stays away.
        """
        loop = asyncio.get_running_loop()
        gone: float | None = None
        while self._left or self._cut:
            try:
                if gone is not None:
                    await greet(self._link)
                # At the beginning it is known at once what nobody can measure; later somebody may come back.
                await self._with_a_scheduler(0.0 if gone is None else RETURN)
            except _Lost:
                gone = loop.time()
                self._tell(f"the scheduler at {self._link.address} is gone; looking for it again")
            except LabFault as fault:
                if gone is None or isinstance(fault, _NoWorker):
                    raise
                if loop.time() - gone > RETURN:
                    what = f"the scheduler at {self._link.address} did not come back in {RETURN:.0f} s"
                    raise LabFault(what, "what was measured is kept: rehearse run --resume") from fault
                await asyncio.sleep(_LOOK)

    async def _with_a_scheduler(self, patience: float) -> None:
        """``patience``: seconds for which a group may have nobody who can measure it, at the beginning."""
        with told(self._link):
            client: Any = await Client(
                self._link.address,
                asynchronous=True,
                security=self._link.security(),
                set_as_default=False,
                name="rehearse",
            )
        try:
            await self._arrived(client, max(patience, ARRIVE))
            await self._distribute(client, patience)
        finally:
            with suppress(Exception):
                await client.close(timeout=2)

    async def _arrived(self, client: Any, seconds: float) -> None:
        """Somebody is there to measure. Raises _NoWorker."""
        loop = asyncio.get_running_loop()
        begun, said = loop.time(), False
        while not await self._workers(client):
            if loop.time() - begun > seconds or (self._refused and loop.time() - begun > seconds / 6):
                why = "; none that is there can be used" if self._refused else ""
                raise _NoWorker(
                    f"no worker came to {self._link.address} in {loop.time() - begun:.0f} s{why}",
                    "start one with: rehearse worker ADDRESS",
                )
            if not said:
                said = True
                self._tell(f"no worker is at {self._link.address} yet: waiting up to {seconds:.0f} s")
            await asyncio.sleep(_LOOK)

    async def _distribute(self, client: Any, patience: float) -> None:
        self._there = await self._workers(client)
        if self._cut:
            self._left = {group.order.group: group for group in self._cut(max(1, len(self._there)))}
            self._cut = None
        self._give_up(patience)
        self._tell(f"{many(len(self._there), 'worker')}, {many(len(self._left), 'group')} of cells")
        out: dict[str, tuple[asyncio.Task[object], Any]] = {}
        loop = asyncio.get_running_loop()
        looked = loop.time()
        try:
            while self._left:
                # The longest first, so that none of these is begun when the others are done.
                for group in sorted(self._left.values(), key=lambda one: -one.weight):
                    if group.order.group not in out:
                        to = self._elsewhere.get(group.order.group, frozenset())
                        out[group.order.group] = _given_out(client, group, to)
                waiting = {task: name for name, (task, _) in out.items()}
                done, _ = await asyncio.wait(waiting, timeout=_LOOK, return_when=asyncio.FIRST_COMPLETED)
                for one in done:
                    del out[waiting[one]]
                    self._took(waiting[one], one)
                if client.status != "running":
                    raise _Lost
                if loop.time() - looked < _WORKERS:
                    continue
                looked = loop.time()
                self._there = await self._workers(client)
                for name in (*self._give_up(RETURN), *self._nowhere_else()):
                    if name in out:
                        task, future = out.pop(name)
                        task.cancel()
                        await future.cancel()
        finally:
            for task, _ in out.values():
                task.cancel()

    def _took(self, name: str, done: asyncio.Task[object]) -> None:
        """What became of a group. Raises _Lost when it was lost with its scheduler."""
        try:
            outcome = wire.outcome_of(done.result())
        except FutureCancelledError as error:
            raise _Lost from error
        except LabFault as fault:
            outcome = wire.Outcome(name, "a worker", fault=str(fault))
        except KilledWorker as error:
            last = error.last_worker.address
            outcome = wire.Outcome(name, "", fault=f"every worker that began it has died, at last {last}")
        except Exception as error:
            why = f"{type(error).__name__}: {error}"
            outcome = wire.Outcome(name, "", fault=f"a worker could not begin it: {why}")
        group = self._left[name]
        if outcome.fault and group.parts:
            # What one of its changes does to a lab costs the others nothing.
            self._tell(f"{_named(group)}: {outcome.fault}; each of them goes out for itself")
            del self._left[name]
            self._put_in_parts(group)
        elif (
            name not in self._elsewhere
            and (others := self._others(group, outcome.worker))
            and (why := came_to_nothing(group.jobs, outcome))
        ):
            # It may be the machine: a disk that is full, an image that is damaged.
            self._tell(f"{_named(group)}: came to nothing on {outcome.worker} ({why}); another worker tries")
            self._elsewhere[name] = others
        else:
            del self._left[name]
            self._collected.take(group.jobs, outcome)

    def _others(self, group: Group, worker: str) -> frozenset[str]:
        """Who could measure a group besides one worker."""
        if worker not in self._there:
            return frozenset()
        able = (one for one, has in self._there.items() if not needs.lacking(group.needs, has))
        return frozenset(able) - {worker}

    def _nowhere_else(self) -> list[str]:
        """The groups that go to whoever is there, for all who had the second try are gone."""
        gone = [
            name for name, others in self._elsewhere.items() if others and not others & self._there.keys()
        ]
        self._elsewhere |= dict.fromkeys(gone, frozenset())
        return gone

    async def _workers(self, client: Any) -> Workers:
        """The workers that can be used; of others it is said once why not. Raises _Lost."""
        try:
            async with asyncio.timeout(_ANSWERS):
                found = (await client.scheduler.identity())["workers"]
        except (OSError, AttributeError) as error:
            raise _Lost from error
        usable = {}
        for address, one in found.items():
            theirs = identity.of_text(one.get(DECLARED))
            if theirs == identity.mine():
                usable[address] = one["resources"]
            elif address not in self._refused:
                self._refused.add(address)
                what = (
                    f"has {theirs}, and this is {identity.mine()}"
                    if theirs
                    else "was not started by rehearse worker"
                )
                self._tell(f"worker {address} is refused: it {what}")
        return usable

    def _give_up(self, patience: float) -> list[str]:
        """Make faults of the groups that nobody there could measure for so many seconds; their names.

        Of one that has parts these are left in its place.
        """
        now = asyncio.get_running_loop().time()
        given_up = []
        looked_at = list(self._left)
        for name in looked_at:
            group = self._left[name]
            missing = {address: needs.lacking(group.needs, has) for address, has in self._there.items()}
            if any(not lacks for lacks in missing.values()):
                self._alone.pop(name, None)
            elif now - self._alone.setdefault(name, now) >= patience:
                given_up.append(name)
                del self._left[name]
                if group.parts:
                    looked_at += self._put_in_parts(group)
                else:
                    self._collected.fault(group.jobs, nobody(missing))
        return given_up

    def _put_in_parts(self, group: Group) -> list[str]:
        """Have its parts go out in its place; their names."""
        parts = {part.order.group: part for part in group.parts}
        self._left |= parts
        return list(parts)


def _given_out(client: Any, group: Group, to: frozenset[str]) -> tuple[asyncio.Task[object], Any]:
    """Give a group to a worker, to one of ``to`` where some are named; who waits, and its future."""
    # One that is lost may have been given out a moment ago: its next try is another task.
    name = f"{group.order.group}-{uuid4().hex[:8]}"
    future: Any = client.submit(
        task.measure,
        wire.order_text(replace(group.order, group=name)),
        key=name,
        resources=dict(group.needs),
        workers=sorted(to) or None,
        pure=False,
        priority=group.weight,
    )
    return asyncio.ensure_future(_result(future)), future


def _named(group: Group) -> str:
    """``3 changes on samba-4.22``."""
    servers = ", ".join(dict.fromkeys(job.server for job in group.jobs))
    return f"{many(len(group.jobs), 'change')} on {servers}"


def nobody(missing: Mapping[str, Sequence[str]]) -> str:
    """Why no worker can measure a group, by what each of them lacks."""
    if not missing:
        return "no worker is there any more that could measure it"
    lacks = list(dict.fromkeys(lack for one in sorted(missing.values(), key=len) for lack in one))
    return f"no worker can measure it ({many(len(missing), 'worker')}): none has all of {', '.join(lacks)}"


async def _result(future: Future[Any]) -> object:
    found: object = await future.result()
    return found


class _Lost(Exception):
    """The scheduler is gone, and with it what it had given out."""


class _NoWorker(LabFault):
    """A scheduler without workers."""
