"""What libvirt says of a guest that will never answer, while Vagrant or we still wait for it."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

from harness.errors import LabFault
from harness.labs.vagrant.virsh import Virsh
from harness.remote.base import Remote
from harness.system import waits
from harness.system.deadline import measured, pace
from harness.system.process import Result

PREFIX = "smb-rehearsal-"
"""The beginning of a domain's name, as in the Vagrantfile."""
SECONDS = 20.0
WORKS = 0.4
"""Of the processor that it can get, what QEMU takes at the least for a guest that works (without KVM: all).

Measured without KVM for one with nothing to boot: 0.1 while its BIOS looks for something, 0.01 after that."""
FULL = 32 << 20
"""Bytes that are free on a disk that is full for a guest: it writes in pieces."""
_LOST = ("paused (I/O error)", "shut off (crashed)", "shut off (failed)", "crashed")
"""States (virsh domstate --reason) that no guest leaves by itself; QEMU pauses one whose disk has no room."""


@dataclass(frozen=True, slots=True)
class Domain:
    """A guest as libvirt knows it."""

    guest: str
    virsh: Virsh = field(default_factory=Virsh)
    prefix: str = PREFIX
    """The beginning of its name there."""

    def lost(self, folder: Path | None) -> LabFault | None:
        """Why it will never answer again; None while it may.

        ``folder`` is where its disk is; None where that is on another machine.
        """
        state = self._ask("domstate", "--reason").strip()
        if not state.startswith(_LOST):
            return None
        what = f"{self.guest} has stopped: {state}"
        if folder is not None and shutil.disk_usage(folder).free < FULL:
            return LabFault(f"{what}, the disk is full", f"make room in {folder}")
        return LabFault(what, "see its console in evidence")

    def worked(self) -> float:
        """Seconds of processor time that QEMU has taken for it until now; 0.0 where that is not known."""
        found = re.search(r"cpu\.time=(\d+)", self._ask("domstats", "--cpu-total"))
        return int(found[1]) / 1e9 if found else 0.0

    def snapshots(self) -> list[str]:
        """The names of its snapshots; none where libvirt does not say."""
        return self._ask("snapshot-list", "--name").split()

    def _ask(self, command: str, *words: str) -> str:
        """What libvirt says of it; "" where it says nothing."""
        try:
            done = self.virsh.run(command, *words, f"{self.prefix}{self.guest}", seconds=SECONDS)
        except LabFault:
            return ""
        return done.stdout if done.ok else ""


class Pulse:
    """Whether a guest went on since it was last asked: QEMU worked for it, or it said something."""

    def __init__(self, domain: Domain, console: Path | None) -> None:
        """``console``: where what it says on its console is written; None where it has none."""
        self._domain = domain
        self._console = console
        self._last = self._now()

    def __call__(self) -> bool:
        before, self._last = self._last, self._now()
        (at, worked, said), (then, had, heard) = self._last, before
        # Of a busy machine it gets a part.
        return said != heard or worked - had > WORKS * (at - then) / measured().waited

    def _now(self) -> tuple[float, float, int]:
        """The time, QEMU's processor time until now (both seconds), and what it has said so far (bytes)."""
        said = 0
        with suppress(OSError):
            said = self._console.stat().st_size if self._console else 0
        worked = self._domain.worked()
        return time.monotonic(), worked, said


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
            with waits.unless(self._why):
                done = self._remote.run(command, timeout=timeout * pace(), stdin=stdin)
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
