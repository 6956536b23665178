"""virsh(1): the one way in which a libvirt is asked and changed, this machine's or a remote one."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field

from harness.errors import LabFault
from harness.system import environment, process
from harness.system.process import Result

LOCAL = "qemu:///system"
SECONDS = 60.0
"""The most that one question to a libvirt far away may take."""


@dataclass(frozen=True, slots=True)
class Virsh:
    """virsh(1) with one libvirt."""

    uri: str = LOCAL
    env: Mapping[str, str] = field(default_factory=dict)
    """What it needs in its environment to get there."""

    def run(self, command: str, *words: str, stdin: str = "", seconds: float = SECONDS) -> Result:
        """One command; ``stdin`` is its XML. Raises LabFault where there is no virsh."""
        if shutil.which("virsh", path=environment.tool_path()) is None:
            raise LabFault("virsh is not installed", "apt-get install libvirt-clients")
        argv = ["virsh", "-q", "-c", self.uri, command, *words, *(["/dev/stdin"] if stdin else [])]
        return process.run(argv, timeout=seconds, stdin=stdin, env={**environment.tools(), **self.env})

    def __call__(self, command: str, *words: str, stdin: str = "", seconds: float = SECONDS) -> str:
        """What one command prints. Raises LabFault when it fails."""
        done = self.run(command, *words, stdin=stdin, seconds=seconds)
        return done.check(f"virsh {command}").stdout
