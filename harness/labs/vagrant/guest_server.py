"""An SMB server in a Linux guest: what Samba and ksmbd have in common as the server under change."""

from __future__ import annotations

import hashlib
import shlex
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self

from harness.errors import LabFault
from harness.labs import proof
from harness.labs.platforms import GuestBench
from harness.labs.samba_conf import SHARE, Account
from harness.labs.vagrant import guest_shell
from harness.labs.vagrant.log_in import by_ssh
from harness.labs.vagrant.machine import Machine
from harness.model import GuestRoute, Target
from harness.result import Recovery
from harness.servers.base import Server, ServerState
from harness.servers.live import How

FOLDER = Path("/srv/smb-rehearsal")
"""All that the lab's server keeps, in the guest."""
START_SECONDS = 60.0
ATTEMPT_SECONDS = 60.0
"""The most that one attempt may take: six times the local lab's, for guests under emulation."""
HEALTH_SECONDS = 8.0


class GuestServer(ABC):
    """The common part of a ``harness.servers.live.LiveServer`` in a Linux guest."""

    unit: str
    """What systemd calls the server."""
    process: str
    """The name of its process."""

    def __init__(
        self,
        server: Server,
        machine: Machine,
        account: Account,
        evidence: Path,
        roots: tuple[tuple[str, tuple[str, ...]], ...] = (),
        guests: tuple[GuestRoute, ...] = (),
    ) -> None:
        """``roots`` and ``guests`` are where the lab's clients are."""
        self.server = server
        self.state = server.state
        self.pristine: Recovery | None = None
        self.brought_back: Recovery | None = None
        self._machine = machine
        self._evidence = evidence
        self._base = ""
        user = "somebody" if server.unknown_user else account.user
        self.target = Target(
            machine.route.address,
            SHARE,
            user,
            account.password,
            seconds=ATTEMPT_SECONDS,
            roots=roots,
            guests=guests,
            tunnel=machine.tunnel,
        )

    @classmethod
    @contextmanager
    def serving(cls, server: Server, machine: Machine, bench: GuestBench) -> Iterator[Self]:
        """A started server; its papers are kept when the context ends. Raises LabFault like ``start``."""
        live = cls(server, machine, bench.account, bench.evidence, bench.runners, bench.clients())
        try:
            live.start()
            yield live
        finally:
            live.dispose()

    def start(self) -> None:
        """Make the guest pristine, give it the server's base configuration, and prove that it serves."""
        self._base = ""
        self.pristine = self._machine.pristine(self._configure, self._verified)

    def become(self, state: ServerState, how: How) -> None:
        """See ``LiveServer.become``."""
        if state == self.server.state:
            self.brought_back = self._machine.back(self._undoing(), self._configure, self._verified)
            return
        stays = state.running and self.state.running and state.image == self.state.image
        if state.image != self.state.image:
            self._install(state.image)
        self.state = state
        if not state.running:
            self._write("stop")
        elif stays and how is not How.RESTART:
            self._write(how.name.lower().replace("_", "-"))
        else:
            self._write("restart")
            self._wait()

    def prove(self, *, serves: bool, served: bool = False) -> str:
        """See ``LiveServer.prove``: the control client's session; and the guest's kernel is well."""
        self._machine.check_kernel()
        if not self.state.running:
            return self._prove_down()
        if served:
            return proof.SERVED
        return proof.serving(
            self.server.name,
            self.target,
            serves=serves,
            alive=self._alive,
            why=lambda: f"its log is in {self._evidence}",
            seconds=HEALTH_SECONDS,
        )

    def dispose(self) -> None:
        """Keep what the guest knows as evidence. The guest itself stays: the next job restores it."""
        kept = self._evidence / f"{self._machine.name}-{self.server.name}"
        with suppress(OSError, LabFault):
            kept.mkdir(parents=True, exist_ok=True)
            for name, script in self._papers().items():
                kept.joinpath(name).write_text(guest_shell.script(self._machine.remote, script))

    def access(self) -> Mapping[str, str]:
        """See ``Accessible``: a shell in the guest, and what prints each of its papers."""
        way, known = self._machine.route, self._machine.known_hosts
        login = shlex.join(by_ssh(way, known, terminal=True))
        ask = by_ssh(way, known, terminal=False)
        papers = {
            name: shlex.join([*ask, f"sudo -n sh -c {shlex.quote(script)}"])
            for name, script in self._papers().items()
        }
        return {"shell": login, **papers}

    @abstractmethod
    def _write(self, action: str) -> None:
        """Write the configuration of ``self.state``, then "restart", "reload" or "stop". Raises LabFault."""

    @abstractmethod
    def _install(self, image: str) -> None:
        """Install other packages. Raises LabFault where the guest has none."""

    @abstractmethod
    def _fingerprint(self) -> str:
        """All that a change can change, and must not have changed any more when it was taken back."""

    @abstractmethod
    def _papers(self) -> Mapping[str, str]:
        """What is kept as evidence: name of a file -> the script that prints it."""

    def _undoing(self) -> Callable[[], None] | None:
        """What takes the changes of ``self.state`` back; None where no script can."""
        return self._configure if self.server.image == self.state.image else None

    def _configure(self) -> None:
        """The server's own state, whatever was before."""
        self.state = self.server.state
        self._write("restart" if self.state.running else "stop")
        self._wait()

    def _wait(self) -> None:
        proof.awaken(self.server.name, self.target, lambda: proof.listens(self.target), START_SECONDS)

    def _verified(self) -> str:
        """Fingerprint and protocol probe. Raises LabFault when it is not what it was at the baseline."""
        digest = hashlib.sha256(self._fingerprint().encode()).hexdigest()
        if self._base and digest != self._base:
            raise LabFault("its configuration, packages or files are not what they were")
        seen = self.prove(serves=True)
        self._base = digest
        return f"fingerprint {digest[:12]}; {seen}"

    def _alive(self) -> int:
        """The pid of the running server. Raises LabFault when it is gone."""
        asked = f"systemctl show --property MainPID,ActiveState --value {self.unit}"
        said = guest_shell.script(self._machine.remote, asked).split()
        pid = next((int(word) for word in said if word.isdigit()), 0)
        if pid == 0:
            raise LabFault(f"{self.process} of {self.server.name} is gone ({' '.join(said)})")
        return pid

    def _prove_down(self) -> str:
        if guest_shell.script(self._machine.remote, f"pgrep -x {self.process} || true").split():
            raise LabFault(f"{self.server.name} still has processes although it was stopped")
        return proof.silent(self.server.name, self.target)
