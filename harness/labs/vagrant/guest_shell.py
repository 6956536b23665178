"""Looking into a Linux guest with testinfra, over the SSH connection that is open already."""

from __future__ import annotations

import logging
import shlex
from typing import Any

from testinfra.backend.base import BaseBackend, CommandResult
from testinfra.host import Host

from harness.errors import LabFault
from harness.remote.base import Remote

log = logging.getLogger("harness.labs.vagrant")

COMMAND_SECONDS = 60.0
_ANSWER_SECONDS = 20.0
_PROCESSES = "ps -eo pid,ppid,stat,wchan:20,etimes,args --sort=pid"


class NoEndError(LabFault):
    """A script in a guest did not end in time; what it did until then stays done."""


class RemoteBackend(BaseBackend):  # type: ignore[misc]
    """testinfra's way into a guest: every command goes through ``Remote.run``, as root."""

    NAME = "rehearse"

    def __init__(self, remote: Remote) -> None:
        super().__init__(remote.name, sudo=True)
        self._remote = remote
        # Else testinfra starts a Python in the guest to ask for it: 0.4 s under emulation.
        self._encoding = "utf-8"

    def run(self, command: str, *args: str, **kwargs: Any) -> CommandResult:  # noqa: ARG002 (testinfra gives an encoding)
        """Run one command. Raises LabFault when the guest does not answer in time."""
        line = self.get_command(command, *args)
        done = self._remote.run(line, timeout=COMMAND_SECONDS)
        if done.status is None:
            raise LabFault(f"{self._remote.name}: {line[:60]}: no answer within {COMMAND_SECONDS:g} s")
        return self.result(done.status, line.encode(), done.stdout, done.stderr)


def host(remote: Remote) -> Host:
    """A guest as testinfra sees it."""
    return Host(RemoteBackend(remote))


def script(remote: Remote, text: str, *words: str, stdin: str = "", timeout: float = COMMAND_SECONDS) -> str:
    """Run a script of sh(1) as root in a guest; its words are $1 …, and what it prints is returned.

    Raises LabFault with its last line of stderr when it fails, NoEndError when it does not end in time.
    """
    quoted = " ".join(shlex.quote(word) for word in words)
    line = f"sudo -n sh -eu -c {shlex.quote(text)} rehearse {quoted}".rstrip()
    done = remote.run(line, timeout=timeout, stdin=stdin)
    if done.ok:
        return done.stdout
    how = f"no end within {timeout:g} s" if done.status is None else f"status {done.status}"
    said = (done.stderr.strip() or done.stdout.strip()).splitlines()
    what = next(iter(text.strip().splitlines()), "")[:60]
    fault = NoEndError if done.status is None else LabFault
    raise fault(f"{remote.name}: {what!r}: {how}" + (f": {said[-1]}" if said else ""))


def configure(remote: Remote, text: str, action: str, settings: str, timeout: float) -> None:
    """Run a script that may be run again: it writes a server's settings, then does ``action`` with it.

    One that does not end is sent once more, to a guest that still answers, and the log gets what runs there.
    Raises LabFault.
    """
    try:
        script(remote, text, action, stdin=settings, timeout=timeout)
    except NoEndError as late:
        runs = remote.run(_PROCESSES, timeout=_ANSWER_SECONDS)
        if runs.status is None:
            raise
        log.warning("%s; once more. What runs there:\n%s", late, runs.stdout)
        script(remote, text, action, stdin=settings, timeout=timeout)
