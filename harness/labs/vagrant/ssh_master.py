"""One SSH connection to the host of a remote libvirt, that everything else goes through.

It is made outside of the lab's namespace, by the user's own ssh(1) with the user's own configuration, agent
and keys, and asks nothing. In its folder are

    control         ssh_config(5), ControlPath: how other ssh programs use it
    bin/ssh         for the PATH of libvirt's client and of Vagrant: ssh(1) that uses it, and never connects
                    by itself
    ADDRESS-PORT    Unix sockets that lead to a port of a guest; unlike TCP they are seen in the namespace
    said            what ssh said
"""

from __future__ import annotations

import shlex
import shutil
import subprocess
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Final

from harness.errors import LabFault
from harness.labs.vagrant.uri import LibvirtUri
from harness.system import causes, environment, process, tempdirs
from harness.system.causes import Cause
from harness.system.deadline import wait_for

CONNECT_SECONDS = 20
START_SECONDS = 45.0
"""For the way to the host and the logon together."""
CALL_SECONDS = 30.0
ALIVE = ("ServerAliveInterval=10", "ServerAliveCountMax=3")
"""A host that has gone away is noticed after 30 s."""

CAUSES: Final = (
    Cause(r"Could not resolve hostname", "no host has this name", "check the name in the URI"),
    Cause(
        r"Host key verification failed|HOST IDENTIFICATION HAS CHANGED",
        "its host key is not the known one",
        "",
    ),
    Cause(
        r"Permission denied|Too many authentication failures",
        "it lets nobody in with the keys that are here",
        "",
    ),
    Cause(r"UNPROTECTED PRIVATE KEY|bad permissions", "the key may be read by others", "chmod 600 the key"),
    Cause(
        r"[Tt]imed out|No route to host|unreachable", "it cannot be reached", "is it up, and the way there?"
    ),
    Cause(
        r"Connection refused", "nothing listens for SSH there", "is its SSH server up, and the port right?"
    ),
)
"""What ssh(1) says, what that means, and what to do; "" for seeing what an ssh by hand says."""


class SshMaster:
    """The connection while the context lasts; killed with us, whatever ends us."""

    def __init__(self, uri: LibvirtUri) -> None:
        self._uri = uri
        self._child: subprocess.Popen[bytes] | None = None
        self._held = ExitStack()
        self.folder = Path()

    def __enter__(self) -> SshMaster:
        """Raises LabFault when there is no ssh, or the host does not let us in."""
        program = shutil.which("ssh", path=environment.tool_path())
        if program is None:
            raise LabFault("ssh is not installed", "apt-get install openssh-client")
        # ssh takes some of the bytes of a socket's path for itself.
        self.folder = self._held.enter_context(tempdirs.folder("ssh", tempdirs.SHORT))
        try:
            self._write_program(program)
            options = ["BatchMode=yes", f"ConnectTimeout={CONNECT_SECONDS}", *ALIVE, "LogLevel=INFO"]
            # The user's configuration may have some of these for other uses of this host.
            options += [
                "ControlPersist=no",
                "ClearAllForwardings=yes",
                "ForwardAgent=no",
                "RemoteCommand=none",
            ]
            words = ["-MNT", "-S", str(self._control), *(f"-o{option}" for option in options)]
            self._child = process.start(
                process.ends_with_us([program, *words, *self._uri.destination]),
                output=self.folder / "said",
                env=environment.tools(),
            )
            wait_for(f"SSH to {self._uri.where}", self._up, START_SECONDS, "is it up?")
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def forward(self, ports: Iterable[tuple[str, int]]) -> None:
        """Let Unix sockets of the folder lead to these ports of guests. Raises LabFault."""
        asked = [f"-L{self.folder / name_of(*port)}:{port[0]}:{port[1]}" for port in ports]
        words = [*_through(self._control), "-O", "forward", *asked, "--", self._uri.host]
        process.run(["ssh", *words], timeout=CALL_SECONDS, env=environment.tools()).check(
            f"no way to the guests of {self._uri.where}"
        )

    def close(self) -> None:
        """End the connection, and all that goes through it."""
        if self._child is not None:
            self._child.terminate()
            process.finish(self._child, 5.0)
            self._child = None
        self._held.close()

    @property
    def _control(self) -> Path:
        return self.folder / "control"

    def _write_program(self, program: str) -> None:
        place = self.folder / "bin" / "ssh"
        place.parent.mkdir()
        place.write_text(f'#!/bin/sh\nexec {shlex.join([program, *_through(self._control)])} "$@"\n')
        place.chmod(0o755)

    def _up(self) -> bool:
        assert self._child is not None
        if self._child.poll() is not None:
            raise refusal((self.folder / "said").read_text(errors="replace"), self._uri)
        return self._control.is_socket()


def _through(control: Path) -> list[str]:
    """The options of an ssh(1) that uses the connection behind a control socket, or fails."""
    return ["-F", "none", "-S", str(control), "-oControlMaster=no", "-oProxyCommand=false"]


def path_with(folder: Path) -> str:
    """The PATH of a program that is to use the connection of this folder."""
    return f"{folder / 'bin'}:{environment.tool_path()}"


def name_of(address: str, port: int) -> str:
    """The Unix socket that leads to a port of a guest."""
    return f"{address}-{port}"


def refusal(said: str, uri: LibvirtUri) -> LabFault:
    """Why ssh(1) did not connect, by what it said, and what to do."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    last = lines[-1] if lines else "ssh said nothing"
    if found := causes.find(CAUSES, lines):
        cause, line = found
        by_hand = shlex.join(["ssh", *(word for word in uri.destination if word != "--"), "true"])
        return LabFault(
            f"{uri.where}: {cause.why} ({line})",
            cause.hint or f"this must work without a question: {by_hand}",
        )
    return LabFault(f"{uri.where}: no SSH: {last}")
