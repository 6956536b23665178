"""Whose turn it is with a guest's client: one job has it for a phase, with the policy that it wants.

Jobs of one run are threads of one process, and another run on this machine is another process: so it is a
lock on a file, which the kernel lets go of when we die. Whoever wants several guests takes them in the order
of their names, and waits for nobody else while holding one: nobody can then wait in a circle.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from harness.system import locks, waits
from harness.system.deadline import wait_for
from harness.system.paths import made_cache_dir

SECONDS = 3600.0
"""The longest wait for a guest: other jobs' phases with it are in there, and their reboots."""


@contextmanager
def alone(name: str, seconds: float = SECONDS) -> Iterator[None]:
    """Nobody else on this machine has the guest's client meanwhile: its policy and sessions are one's own.

    Raises LabFault when others have it for longer than ``seconds``, RunStopped when the run is stopped.
    """
    # Not in /tmp, where others could lay something under this name.
    with (made_cache_dir() / f"client-{name}.lock").open("a") as file:
        with waits.lasting(f"waits for the client in {name}, which another job has"):
            wait_for(f"the client in {name}, which another job has", lambda: _taken(file), seconds)
        yield


def _taken(file: IO[str]) -> bool:
    waits.check()
    return locks.take(file)
