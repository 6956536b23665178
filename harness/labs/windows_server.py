"""A Windows guest as the server under change. Implements ``harness.servers.live.LiveServer``.

The guest itself (its start, snapshots and end) is the lab's business; here it is only driven, and what it is
set to is compared with what it was set to when it was fresh. What was never tried on a Windows: all of it.
The tests hold its conversations with the guest against a stand-in.
"""

from __future__ import annotations

import secrets
import string
from collections.abc import Callable, MutableMapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from harness.errors import LabFault
from harness.labs import proof
from harness.model import GuestRoute, Outcome, Side, Target
from harness.remote import connect
from harness.remote.powershell import PowerShell
from harness.remote.readiness import wait_until_ready
from harness.result import Recovery, ServerFact
from harness.servers.base import Server, ServerState
from harness.servers.live import How, ServerInternals, Software
from harness.smb import control, health
from harness.system import waits
from harness.system.deadline import wait_for
from harness.system.process import keep_secret
from harness.windows.changes import NoWayError
from harness.windows.fingerprint import Fingerprint, digest, fingerprint, same
from harness.windows.guest import REBOOT_SECONDS, WindowsGuest
from harness.windows.releases import BY_NAME, SCRIPTED
from harness.windows.scripts import SHARE, ShareOrder

SERVICE = "LanmanServer"
USER, NAME, PATH = "rehearse", "share", "C:\\smb-rehearsal"
READY_SECONDS = 900.0
"""Until a guest that was just started takes scripts: its first boot sets it up."""
LISTEN_SECONDS = 120.0
"""Until port 445 answers after the service or the whole guest was started."""
ATTEMPT_SECONDS = 30.0
"""The most that one attempt against it may take: a guest under software emulation is slow."""


class Ways(Protocol):
    """A started guest and the ways to bring it back: ``harness.labs.vagrant.machine.Machine``."""

    name: str

    @property
    def route(self) -> GuestRoute: ...

    def pristine(self, configure: Callable[[], None], verify: Callable[[], str]) -> Recovery: ...

    def back(
        self, script: Callable[[], None] | None, configure: Callable[[], None], verify: Callable[[], str]
    ) -> Recovery: ...


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a guest may take, in seconds."""

    ready: float = READY_SECONDS
    reboot: float = REBOOT_SECONDS


class _AnotherWindowsError(Exception):
    """The guest runs another Windows than it should: no way back changes that."""


class WindowsServer:
    """A started Windows guest with the lab's share. ``close`` hangs up; the guest stays as it is."""

    pristine: Recovery | None = None
    brought_back: Recovery | None = None

    def __init__(
        self,
        server: Server,
        machine: Ways,
        address: str,
        were: MutableMapping[str, Fingerprint],
        *,
        guests: tuple[GuestRoute, ...] = (),
        known_hosts: Path | None = None,
        limits: Limits = Limits(),
        tunnel: str = "",
    ) -> None:
        """``address``: where the guest serves SMB; ``guests``: the lab's guests with clients of their own.

        ``were``: by name, what the lab's guests were set to when they were fresh; this one's is added.
        ``tunnel``: the machine that a tunnel to it leads through (``Target.tunnel``).
        """
        self.server = server
        self.state = server.state
        self._machine = machine
        self._were = were
        self._known_hosts = known_hosts
        self._limits = limits
        self._shell: PowerShell | None = None
        self._release = BY_NAME[server.name]
        self._ignored: tuple[str, ...] = ()
        password = fit_password()
        keep_secret(password)
        self.target = Target(
            address, NAME, USER, password, seconds=ATTEMPT_SECONDS, guests=guests, tunnel=tunnel
        )

    def start(self) -> None:
        """Make the guest what it was when it was fresh, give it account and share, prove that it serves.

        Raises LabFault, also where it is another Windows than it should be.
        """
        if self._release not in SCRIPTED:
            raise LabFault(f"nothing can be run in {self._release.title}: it cannot have PowerShell 3.0")
        try:
            self.pristine = self._machine.pristine(self._configure, self._verified)
        except _AnotherWindowsError as other:
            raise LabFault(str(other), "name the right box in the catalogue of guests") from other

    def close(self) -> None:
        """Hang up."""
        if self._shell is not None:
            self._shell.remote.close()

    def become(self, state: ServerState, how: How) -> None:
        """See ``LiveServer.become``. A change that needs a reboot gets one, whatever ``how`` says."""
        if state == self.server.state:
            self.brought_back = self._machine.back(
                lambda: self._bring(state, how), self._configure, self._verified
            )
            return
        self._bring(state, how)

    def prove(self, *, serves: bool, served: bool = False) -> str:
        """See ``LiveServer.prove``: a session, a tree connect and a listing by the lab's own client."""
        if not self.state.running:
            return self._prove_down()
        if served:
            return proof.SERVED
        made = control.control(self.target)
        if made.outcome is Outcome.OK:
            return f"the control client listed the share over SMB {made.dialect}"
        got = f"the control client got {made.status or made.note} at {made.step}"
        if serves:
            raise LabFault(f"{self.server.name} does not serve: {got}", "its events: SMBServer/Operational")
        return f"{health.probe(self.target.address, self.target.port)}; {got}"

    def software(self) -> Software:
        """See ``LiveServer.software``: Windows serves from a driver, so there is no process (``pid`` 0)."""
        facts = self._guest.facts()
        if facts.server_running is False:
            raise LabFault(f"the service {SERVICE} of {self.server.name} does not run")
        name = "srv2.sys" if "srv2.sys" in facts.answer.drivers else "srv.sys"
        found = facts.answer.drivers.get(name)
        if found is None:
            raise LabFault(f"{self.server.name} has no driver {name}")
        return Software(0, found.sha256, f"{name} {'.'.join(map(str, found.version))}")

    def shipped(self, image: str) -> Software:
        """See ``LiveServer.shipped``: nothing is installed into a Windows guest."""
        raise LabFault(f"{self.server.name} gets no packages: {image} is its box")

    def fact(self) -> ServerFact:
        """See ``LiveServer.fact``; ``packages`` hold the version of its SMB1 server and what that means."""
        facts = self._guest.facts()
        return ServerFact(
            self.server.name,
            self.server.title,
            f"{facts.answer.caption} {facts.version}",
            str(self.server.fidelity),
            self.server.emulates,
            (f"MS17-010: {facts.ms17_010.patch}; {facts.ms17_010.evidence}",),
        )

    def internals(self) -> ServerInternals | None:
        """See ``LiveServer.internals``."""
        if not self.state.running:
            return None
        facts = self._guest.facts()
        return ServerInternals(
            self.server.platform.name,
            facts.version,
            release=self._release.family,
            settings=facts.server_configuration,
            files={name: ".".join(map(str, file.version)) for name, file in facts.answer.drivers.items()},
        )

    def complaints(self, before: ServerState) -> Sequence[str]:  # noqa: ARG002
        """See ``LiveServer.complaints``: settings that were set and are not so."""
        return tuple(f"{self.server.name}: {setting}" for setting in self._ignored)

    @property
    def _guest(self) -> WindowsGuest:
        """Raises LabFault before the guest was reached."""
        if self._shell is None:
            raise LabFault(f"{self._machine.name} was not reached yet")
        return WindowsGuest(self._shell, self._limits.reboot)

    def _configure(self) -> None:
        """The server's own state, whatever was before. Raises LabFault, _AnotherWindowsError."""
        self._arrive()
        facts = self._guest.facts()
        if not self._release.has(facts.build):
            raise _AnotherWindowsError(
                f"the guest {self._machine.name} is {facts.answer.caption} (build {facts.build}), "
                f"not {self._release.title}"
            )
        self._guest.make(Side.SERVER, ())
        self._guest.ask(SHARE, ShareOrder(user=USER, password=self.target.password, share=NAME, path=PATH))
        self._guest.serve(SERVICE, "start")
        self.state = self.server.state
        self._wait_until_it_listens()

    def _arrive(self) -> None:
        """Wait until the guest takes scripts, over a connection that is younger than its last restore."""
        self.close()
        route = self._machine.route
        with waits.lasting(f"{self._machine.name} is waited for until it takes scripts"):
            wait_until_ready(route, self._known_hosts, seconds=self._limits.ready)
        self._shell = PowerShell(connect(route, self._known_hosts))

    def _bring(self, state: ServerState, how: How) -> None:
        try:
            made = self._guest.make(Side.SERVER, state.changes)
        except NoWayError as reason:
            raise LabFault(f"{self.server.name}: {reason}") from reason
        self._ignored = made.ignored
        if not state.running:
            self._guest.serve(SERVICE, "stop")
        elif not made.rebooted and (how is How.RESTART or not self.state.running):
            self._guest.serve(SERVICE, "restart" if self.state.running else "start")
        self.state = state
        if state.running:
            self._wait_until_it_listens()

    def _verified(self) -> str:
        """Fingerprint and protocol probe. Raises LabFault when it is not what it was when it was fresh."""
        name = self._machine.name
        now = fingerprint(self._guest.facts())
        was = self._were.get(name)
        seen = same(name, was, now) if was is not None else f"{name}: fingerprint {digest(now)}, the first"
        proof = self.prove(serves=True)
        self._were.setdefault(name, now)
        return f"{seen}; {proof}"

    def _prove_down(self) -> str:
        if proof.listens(self.target):
            raise LabFault(f"{self.server.name} still listens although its service {SERVICE} was stopped")
        if self._guest.facts().server_running:
            raise LabFault(f"the service {SERVICE} of {self.server.name} still runs although it was stopped")
        return f"the service {SERVICE} is stopped and nothing listens on port {self.target.port}"

    def _wait_until_it_listens(self) -> None:
        where = f"{self.server.name} at {self.target.address} port {self.target.port}"
        wait_for(where, lambda: proof.listens(self.target), LISTEN_SECONDS)


def fit_password() -> str:
    """A password that Windows' own rules take: at most 14 characters, three kinds of them.

    Microsoft, "Password must meet complexity requirements"; 14, so that an LM hash exists for old clients.
    """
    kinds = (string.ascii_lowercase, string.ascii_uppercase, string.digits)
    # Each kind leads once: a random choice alone would miss digits in one of ten.
    return "".join(secrets.choice(kind) for kind in (*kinds, *kinds, *kinds, *kinds))
