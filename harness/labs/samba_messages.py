"""How a running smbd of the local lab is told that its smb.conf(5) has changed."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

from harness.labs import samba_ways
from harness.labs.home import Home
from harness.labs.marked import marked
from harness.servers.live import How
from harness.system.process import run

EVERY_SHARE: Final = "*"
"""As smbcontrol(1) has it."""


class Messages:
    """To one server's smbd."""

    def __init__(self, server: str, home: Home) -> None:
        self._server = server
        self._home = home

    def read_again(self, root: Path, how: How, pid: int) -> None:
        """Have the configuration read again, ``how`` it is to be; ``pid``: the first of its processes.

        Raises LabFault.
        """
        if how is How.HANGUP:
            _hang_up([pid])
            return
        self.send(root, "reload-config")
        if how is How.CLOSE_SHARE:
            self.send(root, "close-share", words=(EVERY_SHARE,))

    def send(self, root: Path, message: str, to: str = "smbd", words: tuple[str, ...] = ()) -> None:
        """smbcontrol(1) to this server's smbd and all its children, or to one process by its number.

        One without smbcontrol reads its configuration again by SIGHUP (smbd(8)). Raises LabFault.
        """
        ways = samba_ways.of(root)
        if not ways.smbcontrol:
            _hang_up(marked(self._home.mark) if message == "reload-config" else ())
            return
        argv = [ways.smbcontrol, "-s", str(self._home.conf), to, message, *words]
        run(self._home.enter(root, argv), timeout=10).check(f"smbcontrol {to} {message} on {self._server}")


def _hang_up(pids: Iterable[int]) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGHUP)
