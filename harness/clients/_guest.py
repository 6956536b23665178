"""Clients that live in a virtual machine: one SSH connection a guest in each worker process."""

from __future__ import annotations

import threading

from harness.errors import LabFault
from harness.model import GuestRoute, Target
from harness.remote.base import Remote

_open: dict[GuestRoute, Remote] = {}
_lock = threading.Lock()


def route(target: Target, name: str) -> GuestRoute:
    """The way to a guest. Raises LabFault when this lab has it not."""
    found = target.guest(name)
    if found is None:
        raise LabFault(
            f"the guest {name} is not up",
            "it did not start, and log.txt of the run says why; or this is not --lab vagrant",
        )
    return found


def remote(target: Target, name: str) -> Remote:
    """The connection to a guest, opened when it is first used. Raises LabFault when this lab has it not."""
    way = route(target, name)
    with _lock:
        if way not in _open:
            # paramiko is loaded in virtual machines' labs alone: every worker would keep its memory.
            from harness.remote.ssh import SshRemote

            _open[way] = SshRemote(way)
        return _open[way]
