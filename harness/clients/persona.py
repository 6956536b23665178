"""Emulated clients: the exact opening and habits of a kind of client as data, spoken by the prober.

Each file in ``personas/`` is one client with the evidence for its values. An emulated client is never
reported as a real one.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from harness.clients import persona_file, persona_words
from harness.clients.base import AtWork, Client, Held, Log, Offer
from harness.clients.persona_file import PersonaData
from harness.model import Check, ClientPolicy, Target
from harness.smb.ntlm import Account
from harness.smb.offer import Opening
from harness.smb.session import Encryption, Signing
from harness.system import resources
from harness.system.deadline import Deadline

if TYPE_CHECKING:
    # Loaded where one of them connects: whoever looks at a run wants their words alone.
    from harness.smb.prober import Speaker

FOLDER = resources.path("clients", "personas")


class Persona(Client):
    """One emulated client."""

    connects_again = True

    def __init__(self, data: PersonaData) -> None:
        self.data = data
        habits = {Check.DISCOVER: data.habits.discover, Check.PRINT: data.habits.prints}
        self.checks = data.checks - {check for check, has in habits.items() if not has}
        reasons = {Check.DISCOVER: data.no_discover, Check.PRINT: data.no_print}
        self.cannot = {check: why for check, why in reasons.items() if why}
        self.counterpart = data.counterpart
        self.name = data.name
        self.title = data.title + (f"; a variant of {data.based_on}" if data.based_on else "")
        self.fidelity = data.fidelity
        self.evidence = data.evidence
        self.policy = data.policy
        self.smb1_removable = data.smb1_removable
        self.has = data.client_settings
        self.sees = dict(data.sees)

    @property
    def opening(self) -> Opening:
        """What it says first when nobody limits it."""
        return self.data.opening

    def details(self) -> Mapping[str, str | list[str]]:
        """Its offer, how it logs on, and its habits."""
        return persona_words.details(self.data)

    def software(self, target: Target | None = None) -> str:  # noqa: ARG002 (the same everywhere)
        """The library whose NTLM arithmetic, SPNEGO and SMB1 structures the prober speaks with."""
        from importlib.metadata import version

        return f"impacket {version('impacket')}"

    def perform(self, check: Check, target: Target, policy: ClientPolicy, log: Log) -> None:
        """One connection, one check. Raises Refused or LabFault."""
        from harness.smb.checks import perform

        perform(check, self._speaker(policy), target, _account(target), log)

    def offer(self, policy: ClientPolicy, target: Target) -> Offer:
        """Read from the bytes that the prober really sends first."""
        from harness.smb.negotiation import negotiate
        from harness.smb.sink import observe
        from harness.smb.wire import Wire

        opening = self._speaker(policy).opening
        if opening.smb1 is None and opening.smb2 is None:
            return Offer()

        def start(address: str, port: int) -> None:
            wire = Wire.connect(address, port, Deadline(target.seconds))
            with closing(wire):
                negotiate(wire, opening, target.called)

        return observe(start)

    def hold(self, target: Target, policy: ClientPolicy, log: Log) -> Held:
        """Log on and connect IPC$, as a computer does that has the server open in Explorer."""
        from harness.clients._persona_held import HeldPersona
        from harness.smb.prober import Connection

        connection = Connection(self._speaker(policy), target, _account(target), log)
        try:
            return HeldPersona(connection, connection.connect_ipc(log), target.seconds)
        except BaseException:
            connection.drop()
            raise

    def work(self, target: Target, policy: ClientPolicy) -> AtWork:
        """Its connection to the share as ``harness.smb.prober`` makes it."""
        from harness.clients._persona_held import PersonaAtWork

        return PersonaAtWork(self._speaker(policy), target, _account(target))

    def _speaker(self, policy: ClientPolicy) -> Speaker:
        from harness.smb.prober import Speaker

        data = self.data
        opening = data.opening.restricted(policy.smb1, policy.min_dialect, policy.max_dialect)
        manner = data.manner
        if policy.require_signing:
            opening = opening.signing_required()
            manner = replace(manner, signing=Signing.ALWAYS)
        if policy.require_encryption:
            manner = replace(manner, encryption=Encryption.ALWAYS)
        if policy.ntlmv2_only:
            manner = replace(manner, ntlm=replace(manner.ntlm, level="NTLMv2"))
        return Speaker(opening, manner, policy, data.habits)


def load(path: Path) -> Persona:
    """Read one persona file. Raises UsageError naming the file, the field and what was expected."""
    return Persona(persona_file.read(path))


def _account(target: Target) -> Account:
    return Account(target.user, target.password, target.workgroup)


CLIENTS: tuple[Persona, ...] = tuple(load(path) for path in sorted(FOLDER.glob("*.toml")))
