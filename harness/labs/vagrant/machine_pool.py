"""The guests of a lab: started when they are first wanted, each used by one job at a time, within a budget.

Where all guests that a run needs do not fit into memory at once, they run in waves: a guest that nobody uses
makes room for the next one.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from harness.errors import LabFault
from harness.labs.vagrant.machine import Machine

WAIT_SECONDS = 3600.0
"""The longest that a job waits for a guest: other jobs' whole use of it is in there."""


def in_waves(memory: Mapping[str, int], budget: int, always: int = 0) -> list[list[str]]:
    """Which guests run at the same time: name -> MB, in the order in which they are wanted.

    ``always`` MB are taken by guests that stay. Raises LabFault when one guest alone does not fit.
    """
    found: list[list[str]] = []
    room = 0
    for name, needed in memory.items():
        if needed + always > budget:
            raise LabFault(
                f"{name} needs {needed} MB, and {budget - always} MB are left", "see --memory, or guests.yaml"
            )
        if not found or needed > room:
            found.append([])
            room = budget - always
        found[-1].append(name)
        room -= needed
    return found


class MachinePool:
    """All machines of a lab. May be used from several threads."""

    def __init__(self, budget: int, make: Callable[[str], Machine]) -> None:
        """``budget`` is the memory of all running guests together, in MB."""
        self._budget = budget
        self._make = make
        self._machines: dict[str, Machine] = {}
        self._used: set[str] = set()
        self._failed: dict[str, LabFault] = {}
        self._free = threading.Condition()
        self._pinned: set[str] = set()

    @contextmanager
    def lease(self, name: str) -> Iterator[Machine]:
        """A running machine for one job alone. Raises LabFault when it cannot be started, or was before."""
        machine = self._take(name)
        try:
            yield machine
        finally:
            with self._free:
                self._give_back(name)

    def keep(self, name: str) -> Machine:
        """A running machine that stays until the lab ends, shared by all jobs. Raises LabFault."""
        with self._free:
            self._pinned.add(name)
        machine = self._take(name)
        with self._free:
            self._give_back(name)
        return machine

    def end(self) -> None:
        """Remove every machine."""
        with self._free:
            machines = list(self._machines.values())
            self._machines.clear()
        for machine in machines:
            machine.end()

    def interrupt(self) -> None:
        """End what any thread is running in any machine."""
        for machine in list(self._machines.values()):
            machine.interrupt()

    def names(self) -> Sequence[str]:
        """The machines that run now."""
        with self._free:
            return [name for name, machine in self._machines.items() if machine.running]

    def _take(self, name: str) -> Machine:
        with self._free:
            if not self._free.wait_for(lambda: name not in self._used or name in self._failed, WAIT_SECONDS):
                raise LabFault(f"{name} was in use for {WAIT_SECONDS:g} s")
            if name in self._failed:
                raise self._failed[name]
            self._used.add(name)
            if name in self._machines:
                return self._machines[name]
            machine = self._make(name)
            try:
                idle = self._room_for(machine)
            except BaseException:
                self._give_back(name)
                raise
            self._machines[name] = machine
        try:
            self._make_room(idle)
            machine.start()
        except BaseException as error:
            # First, for until then it takes its memory.
            machine.end()
            with self._free:
                if isinstance(error, LabFault):
                    # It is not tried again by every job that wants it: each would wait as long for the same
                    # answer.
                    self._failed[name] = error
                self._machines.pop(name, None)
                self._give_back(name)
            raise
        return machine

    def _make_room(self, idle: Sequence[Machine]) -> None:
        """End machines that were taken out of the pool; whoever wants one of them waits until it is gone."""
        try:
            for one in idle:
                one.end()
        finally:
            with self._free:
                self._give_back(*(one.name for one in idle))

    def _give_back(self, *names: str) -> None:
        """These are used no more. Called with the lock held."""
        self._used.difference_update(names)
        self._free.notify_all()

    def _room_for(self, machine: Machine) -> list[Machine]:
        """The idle machines that must end before this one starts; waits for one to become idle if need be."""
        needed = machine.guest.memory
        if needed > self._budget:
            raise LabFault(f"{machine.name} needs {needed} MB of {self._budget} MB", "see --memory")

        def enough() -> list[Machine] | None:
            room = self._budget - sum(one.guest.memory for one in self._machines.values())
            leave = []
            for name, one in self._machines.items():
                if room >= needed:
                    break
                if name not in self._used and name not in self._pinned:
                    leave.append(one)
                    room += one.guest.memory
            return leave if room >= needed else None

        if not self._free.wait_for(lambda: enough() is not None, WAIT_SECONDS):
            raise LabFault(f"no room for {machine.name} within {WAIT_SECONDS:g} s", "see --memory")
        leave = enough() or []
        for one in leave:
            self._machines.pop(one.name)
            # Or a job that wants it would start it while it is being removed.
            self._used.add(one.name)
        return leave
