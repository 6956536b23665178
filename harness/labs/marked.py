"""Our own server processes, and nobody else's: by a mark in the environment of all that a server starts."""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

from harness.system.deadline import wait_for

MARK = "SMB_REHEARSAL_SERVER"
"""In the environment of a server and of all it starts: how we find our own, and nobody else's."""
STOP_SECONDS = 5.0


def marked(name: str) -> list[int]:
    """The pids of all processes that were started for a server, by their environment."""
    wanted = f"{MARK}={name}".encode()
    found = []
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            with suppress(OSError):
                if wanted in Path(entry.path, "environ").read_bytes().split(b"\0"):
                    found.append(int(entry.name))
    return found


def rooted(root: Path) -> list[int]:
    """The pids of all processes whose root directory that is.

    Of an image that is mounted for one server alone these are its own. samba(8) writes the titles of its
    processes over the environment that would mark them, and not all end with the first one (measured).
    """
    found = []
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            with suppress(OSError):
                if Path(entry.path, "root").readlink() == root:
                    found.append(int(entry.name))
    return found


def end(process: subprocess.Popen[bytes] | None, name: str, what: str, root: Path | None = None) -> None:
    """End a process and all that was started under its mark. Raises LabFault when something stays.

    ``root``: an image that is mounted for it alone; all that runs in it ends, too.
    """
    if process is not None and process.poll() is None:
        process.send_signal(signal.SIGTERM)
        # One that is suspended hears that when it goes on, and else only SIGKILL.
        process.send_signal(signal.SIGCONT)
        with suppress(subprocess.TimeoutExpired):
            process.wait(STOP_SECONDS)
        # By itself too: one that shows its state in ps(1) has written over its mark (avahi-daemon; measured).
        process.kill()
    # Again and again: one that forks while we look has a child that we have not seen (samba-dcerpcd
    # starting an rpcd; measured).
    wait_for(f"the end of {what}", lambda: not _killed(name, root), STOP_SECONDS)
    if process is not None:
        process.wait(STOP_SECONDS)


def _killed(name: str, root: Path | None) -> list[int]:
    """The pids of what is still there of this server, each sent SIGKILL."""
    left = [*marked(name), *(rooted(root) if root else ())]
    for pid in left:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return left
