"""Windows itself as a client: a PowerShell script in a guest does what a person does, with Windows' own SMB.

``harness/windows/scripts/probe.ps1`` connects with WNetAddConnection2, lists shares with NetShareEnum (which
opens srvsvc, as Explorer does), and uses files; each operation ends with a Win32 error code. What a code says
about protocol steps is data (``harness/windows/data/win32.toml``).
"""

from __future__ import annotations

import secrets
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Literal

from harness.clients._windows_policy import bring, hold_against
from harness.clients.base import Client, ClientSetting, Log, Offer
from harness.errors import LabFault, Refused, RunStopped, Unsupported
from harness.model import (
    Check,
    ClientPolicy,
    Dialect,
    Evidence,
    Fidelity,
    GuestRoute,
    Target,
    Tier,
)
from harness.remote import connect
from harness.smb import sink
from harness.windows import NEVER_RUN, errors
from harness.windows.releases import SCRIPTED, Release
from harness.windows.turns import alone

if TYPE_CHECKING:
    # Loaded where a guest is asked: whoever looks at a run has none.
    from harness.remote.base import Remote
    from harness.windows.guest import WindowsGuest
    from harness.windows.scripts import ProbeAnswer

_CHECKS: dict[Check, Literal["browse", "open", "write"]] = {
    Check.BROWSE: "browse",
    Check.OPEN: "open",
    Check.WRITE: "write",
}
_NO_GUESTS = 16299
"""From this build on (10 1709), Enterprise and Server refuse guest sessions as installed (KB4046019)."""
_WINDOWS_10 = 10240
"""From this build on a client can refuse guest sessions (KB4046019)."""
_SIGNING = ("windows-server-2025", "windows-11")
"""Outbound signing is required as installed (Microsoft, "SMB signing", October 2024)."""


class WindowsProbe(Client):
    """The SMB client of one release of Windows, in its guest."""

    fidelity = Fidelity.REAL
    labs = frozenset({Tier.VAGRANT})
    checks = frozenset(_CHECKS)
    cannot = dict.fromkeys(
        (Check.RENAME, Check.PERMISSIONS, Check.LOCK, Check.LARGE),
        "Windows can, and the script that this lab runs in its guest does not",
    )
    one_at_a_time = True

    def __init__(self, release: Release) -> None:
        self._release = release
        self.name = f"{release.name}-guest"
        self.title = f"{release.title} itself, in a virtual machine ({NEVER_RUN})"
        self.guest = release.guest
        self.evidence = (
            Evidence(
                "its script and the reading of its error codes follow Microsoft's documents; " + NEVER_RUN,
                "docs/windows.md",
            ),
        )
        self.sees = errors.sees()
        self.has = frozenset({ClientSetting.REQUIRE_SIGNING})
        if release.first >= _WINDOWS_10:
            self.has |= {ClientSetting.REFUSE_GUESTS}
        self.policy = ClientPolicy(
            smb1=release.smb1,
            min_dialect=Dialect.NT1 if release.smb1 else Dialect.SMB2_02,
            max_dialect=release.highest,
            require_signing=release.name in _SIGNING,
            guest=release.first < _NO_GUESTS,
            ntlmv2_only=True,
        )
        if not release.smb1:
            self.smb1_removable = f"{release.title} has no SMB1 as installed: there is nothing to remove"

    def software(self, target: Target | None = None) -> str:
        route = target.guest(self.guest) if target else None
        if route is None:
            return ""
        try:
            # Another job may be having it rebooted.
            with alone(self.guest), closing(connect(route)) as remote:
                facts = _windows(remote).facts()
        except RunStopped:
            raise
        except LabFault:
            # Its attempts will say why.
            return ""
        return f"{facts.answer.caption} {facts.version}"

    @contextmanager
    def machine(self, policy: ClientPolicy, target: Target) -> Iterator[Mapping[str, str]]:
        """See ``Client.machine``: a reboot takes minutes, so it is made here and never inside an attempt."""
        route = self._route(target)
        with alone(self.guest):
            with closing(connect(route)) as remote:
                now = bring(_windows(remote), self._release, self.policy, policy)
            yield now

    def perform(self, check: Check, target: Target, policy: ClientPolicy, log: Log) -> None:
        """See ``Client.perform``: the guest must have the policy already (``machine``)."""
        if check not in _CHECKS:
            raise Unsupported(f"{self.name} cannot {check}")
        with closing(connect(self._route(target))) as remote:
            answer = self._ask(_windows(remote), check, target)
        hold_against(self.guest, answer.records, self.policy, policy)
        told, side = errors.steps(check, answer.operations, answer.events)
        log.steps += told
        _note(answer, log)
        unexplained = errors.unexplained(answer.operations, answer.events)
        if unexplained:
            raise LabFault(
                f"{self.guest}: {unexplained}: nobody can say whose policy that was",
                f"not verified; find out what it means and give it a row in {errors.DATA}",
            )
        if side is not None:
            raise Refused(told[-1].status, side, told[-1].detail)
        if not told:
            raise LabFault(f"the probe in {self.guest} did nothing")
        if check is Check.BROWSE and not answer.shares:
            raise LabFault(f"the server listed no share to {self.name}, and no error came")

    def offer(self, policy: ClientPolicy, target: Target) -> Offer:
        """See ``Client.offer``: the guest opens a share of the lab's host, which only listens.

        The listener needs port 445 of the address that the guest reaches the host at: Windows knows no other.
        """
        route = self._route(target)
        host = _towards(route)
        with closing(connect(route)) as remote:
            guest = _windows(remote)
            hold_against(self.guest, guest.facts().records, self.policy, policy)

            def start(address: str, port: int) -> None:  # noqa: ARG001 (the port that Windows takes anyway)
                there = Target(address, target.share, target.user, target.password, seconds=target.seconds)
                self._ask(guest, Check.OPEN, there)

            with _listening(host, target.seconds):
                return sink.observe(start, target.seconds, host, 445)

    def _ask(self, guest: WindowsGuest, check: Check, target: Target) -> ProbeAnswer:
        from harness.windows.scripts import PROBE, ProbeOrder

        order = ProbeOrder(
            check=_CHECKS[check],
            address=target.address,
            share=target.share,
            user=target.account,
            password=target.password,
            file=f"rehearsal-{secrets.token_hex(6)}.txt",
            seconds=max(1, round(target.seconds / 3)),
        )
        return guest.ask(PROBE, order, target.seconds)

    def _route(self, target: Target) -> GuestRoute:
        route = target.guest(self.guest)
        if route is None:
            raise LabFault(f"the lab has no guest {self.guest}", "start it: its box may be missing")
        if target.port != 445:
            raise LabFault(f"{self.name} reaches port 445 only, not {target.port}")
        return route


_port = threading.Lock()
"""Port 445 of this machine, which one job at a time can listen on."""


@contextmanager
def _listening(host: str, seconds: float) -> Iterator[None]:
    """Listen there in this context. Raises LabFault where that port cannot be had."""
    if not _port.acquire(timeout=2 * seconds):
        raise LabFault(f"port 445 of {host} was in use for {2 * seconds:g} s")
    try:
        yield
    except OSError as error:
        raise LabFault(f"cannot listen on port 445 of {host}: {error.strerror}") from error
    finally:
        _port.release()


def _windows(remote: Remote) -> WindowsGuest:
    from harness.remote.powershell import PowerShell
    from harness.windows.guest import WindowsGuest

    return WindowsGuest(PowerShell(remote))


def _note(answer: ProbeAnswer, log: Log) -> None:
    """What Get-SmbConnection tells; what it does not tell stays unknown."""
    from harness.windows import outputs

    seen = next(iter(outputs.format_list(answer.connection or "")), None)
    if seen is None:
        return
    known = outputs.dialect(seen.get("Dialect", ""))
    log.dialect = known or seen.get("Dialect") or None
    log.signed = outputs.switch(seen, "Signed")
    log.encrypted = outputs.switch(seen, "Encrypted")


def _towards(route: GuestRoute) -> str:
    """The address of this machine that the guest can answer to. Nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect((route.address, 445))
        return str(probe.getsockname()[0])


CLIENTS = tuple(map(WindowsProbe, SCRIPTED))
