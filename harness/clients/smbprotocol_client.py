"""The smbprotocol library (Python, by Jordan Borean): SMB 2.0.2 to 3.1.1, never SMB1.

It connects and negotiates in one call, so the step ``connect`` carries no time of its own.
"""

from __future__ import annotations

from harness.clients._quiet import quiet
from harness.clients.base import AtWork, Client, ClientSetting, Log, Offer
from harness.model import Check, ClientPolicy, Dialect, Evidence, Fidelity, Target
from harness.smb.sink import observe


class Smbprotocol(Client):
    """The smbprotocol library with the defaults of its high-level interface."""

    name = "smbprotocol"
    title = "smbprotocol, a Python library: SMB 2.0.2 to 3.1.1, NTLMv2"
    fidelity = Fidelity.REAL
    evidence = (Evidence("it is that library itself", "the package smbprotocol"),)
    checks = frozenset(
        {
            Check.BROWSE,
            Check.OPEN,
            Check.WRITE,
            Check.RENAME,
            Check.PERMISSIONS,
            Check.LOCK,
            Check.LARGE,
            Check.CONNECTED,
            Check.PRINT,
        }
    )
    has = frozenset({ClientSetting.TCP_PORT})
    policy = ClientPolicy(smb1=False, min_dialect=Dialect.SMB2_02, require_signing=True, ntlmv2_only=True)
    smb1_removable = "smbprotocol never spoke SMB1"
    sees = {  # noqa: RUF012 (read only)
        "*:TIMEOUT": "nothing: it waits on",
    }

    def software(self, target: Target | None = None) -> str:  # noqa: ARG002 (the same everywhere)
        """Name and version of the library."""
        from importlib.metadata import version

        return f"smbprotocol {version('smbprotocol')}"

    def perform(self, check: Check, target: Target, policy: ClientPolicy, log: Log) -> None:
        """One connection, one check. Raises Refused or LabFault."""
        from harness.clients._smbprotocol import Attempt
        from harness.clients._smbprotocol_checks import DOES

        with quiet(self.name):
            Attempt(target, policy, log).run(DOES[check])

    def work(self, target: Target, policy: ClientPolicy) -> AtWork:
        """One connection of the library; it makes no other one when that ends (measured)."""
        from harness.clients._smbprotocol_held import SmbprotocolAtWork

        return SmbprotocolAtWork(target, policy)

    def offer(self, policy: ClientPolicy, target: Target) -> Offer:
        """Observed on the bytes that the library sends first."""
        from harness.clients._smbprotocol import greet, no_overlap

        if no_overlap(policy):
            return Offer()
        with quiet(self.name):
            return observe(lambda address, port: greet(address, port, policy, target.seconds))


CLIENTS: tuple[Client, ...] = (Smbprotocol(),)
