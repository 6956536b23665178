"""What libvirt says of a guest that will never answer, while Vagrant or we still wait for it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from harness import environment, patience, process
from harness.errors import LabFault
from harness.process import Result
from harness.remote.base import Remote

PREFIX = "smb-rehearsal-"
"""The beginning of a domain's name, as in the Vagrantfile."""
SECONDS = 20.0
FULL = 32 << 20
"""Bytes that are free on a disk that is full for a guest: it writes in pieces."""
_LOST = ("paused (I/O error)", "shut off (crashed)", "shut off (failed)", "crashed")
"""States (virsh domstate --reason) that no guest leaves by itself; QEMU pauses one whose disk has no room."""


def lost(name: str, folder: Path) -> LabFault | None:
    """Why a guest will never answer again; None while it may. ``folder`` is where its disk is."""
    try:
        asked = ["virsh", "-q", "-c", "qemu:///system", "domstate", "--reason", f"{PREFIX}{name}"]
        state = process.run(asked, timeout=SECONDS, env=environment.tools()).stdout.strip()
    except LabFault:
        return None
    if not state.startswith(_LOST):
        return None
    what = f"{name} has stopped: {state}"
    if shutil.disk_usage(folder).free < FULL:
        return LabFault(f"{what}, the disk is full", f"make room in {folder}")
    return LabFault(what, "see its console in evidence")


class Watched:
    """A way into a guest that asks why while it does not answer: a silence of minutes explains nothing."""

    def __init__(self, remote: Remote, why: Callable[[], LabFault | None]) -> None:
        """``why`` says why it will never answer; None where it may."""
        self._remote = remote
        self._why = why

    @property
    def name(self) -> str:
        """See ``Remote.name``."""
        return self._remote.name

    def run(self, command: str, *, timeout: float, stdin: str = "") -> Result:
        """See ``Remote.run``. Raises LabFault also for a guest that has stopped meanwhile."""
        try:
            with patience.unless(self._why):
                done = self._remote.run(command, timeout=timeout, stdin=stdin)
        except LabFault as fault:
            self._explain(fault)
        if done.status is None and (why := self._why()):
            raise why
        return done

    def put(self, path: str, data: bytes) -> None:
        """See ``Remote.put``. Raises LabFault also for a guest that has stopped meanwhile."""
        try:
            self._remote.put(path, data)
        except LabFault as fault:
            self._explain(fault)

    def close(self) -> None:
        """See ``Remote.close``."""
        self._remote.close()

    def _explain(self, fault: LabFault) -> NoReturn:
        raise self._why() or fault
