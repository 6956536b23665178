"""Windows itself as a client: a PowerShell script in a guest does what a person does, with Windows' own SMB.

``harness/windows/scripts/probe.ps1`` connects with WNetAddConnection2, lists shares with NetShareEnum (which
opens srvsvc, as Explorer does), and uses files; each deed ends with a Win32 error code. What a code says
about protocol steps is data (``harness/windows/data/win32.toml``).
"""

from __future__ import annotations

import secrets
import socket
from contextlib import closing
from typing import Literal

from harness.clients._windows_policy import alone, enforce
from harness.clients.base import Client, Log, Offer
from harness.errors import LabFault, Refused, Unsupported
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
from harness.remote.powershell import PowerShell
from harness.smb import sink
from harness.windows import NEVER_RUN, errors, outputs
from harness.windows.guest import WindowsGuest
from harness.windows.releases import SCRIPTED, Release
from harness.windows.scripts import PROBE, ProbeAnswer, ProbeOrder

_CHECKS: dict[Check, Literal["browse", "open", "write"]] = {
    Check.BROWSE: "browse",
    Check.OPEN: "open",
    Check.WRITE: "write",
}
_NO_GUESTS = 16299
"""From this build on (10 1709), Enterprise and Server refuse guest sessions as installed (KB4046019)."""
_SIGNING = ("windows-server-2025", "windows-11")
"""Outbound signing is required as installed (Microsoft, "SMB signing", October 2024)."""


class WindowsProbe(Client):
    """The SMB client of one release of Windows, in its guest."""

    fidelity = Fidelity.REAL
    labs = frozenset({Tier.VAGRANT})
    checks = frozenset(_CHECKS)

    def __init__(self, release: Release) -> None:
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
        with closing(connect(route)) as remote:
            facts = WindowsGuest(PowerShell(remote)).facts()
        return f"{facts.answer.caption} {facts.version}"

    def perform(self, check: Check, target: Target, policy: ClientPolicy, log: Log) -> None:
        if check not in _CHECKS:
            raise Unsupported(f"{self.name} cannot {check}")
        route = self._route(target)
        with alone(self.guest, target.seconds), closing(connect(route)) as remote:
            guest = WindowsGuest(PowerShell(remote), target.seconds)
            enforce(guest, self.policy, policy)
            answer = self._ask(guest, check, target)
        for deed in answer.deeds:
            if errors.is_programs_own(deed.name, deed.code):
                # 0x80131620 and the like: the probe itself went wrong, and no server said anything.
                raise LabFault(f"the probe in {self.guest} failed at {deed.name} with 0x{deed.code:08X}")
        told, side = errors.steps(check, answer.deeds, answer.events)
        log.steps += told
        _note(answer, log)
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
        with alone(self.guest, target.seconds), closing(connect(route)) as remote:
            guest = WindowsGuest(PowerShell(remote))
            enforce(guest, self.policy, policy)

            def start(address: str, port: int) -> None:  # noqa: ARG001 (the port that Windows takes anyway)
                there = Target(address, target.share, target.user, target.password, seconds=target.seconds)
                self._ask(guest, Check.OPEN, there)

            return sink.observe(start, target.seconds, host, 445)

    def _ask(self, guest: WindowsGuest, check: Check, target: Target) -> ProbeAnswer:
        order = ProbeOrder(
            check=_CHECKS[check],
            address=target.address,
            share=target.share,
            user=target.user,
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


def _note(answer: ProbeAnswer, log: Log) -> None:
    """What Get-SmbConnection tells; what it does not tell stays unknown."""
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
