"""Emulated clients: the exact opening and habits of a kind of client as data, spoken by the prober.

Each file in ``personas/`` is one client with the evidence for its values. An emulated client is never
reported as a real one.
"""

from __future__ import annotations

import tomllib
from contextlib import closing
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from harness.clients.base import Client, Held, Log, Offer
from harness.deadline import Deadline
from harness.errors import UsageError
from harness.model import Check, ClientPolicy, Dialect, Evidence, Fidelity, StepName, Target
from harness.smb.negotiation import negotiate
from harness.smb.ntlm import Account, NtlmManner
from harness.smb.offer import (
    CAP_ENCRYPTION,
    Context,
    ContextKind,
    Opening,
    Smb1Hello,
    Smb2Hello,
)
from harness.smb.prober import Connection, Speaker, perform
from harness.smb.session import Encryption, Manner, Signing, Smb1Manner
from harness.smb.sink import observe
from harness.smb.wire import Wire

FOLDER = Path(__file__).parent / "personas"

U16 = Field(ge=0, le=0xFFFF)
U32 = Field(ge=0, le=0xFFFFFFFF)
_STEPS = {step.value for step in StepName} | {"*"}


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Smb1Negotiate(_Table):
    dialects: tuple[str, ...] = Field(min_length=1)
    flags: int = Field(ge=0, le=0xFF)
    flags2: int = U16
    tid: int = U16
    pid: int = U16


class _Context(_Table):
    kind: Literal["preauth", "encryption", "signing", "netname"]
    algorithms: tuple[int, ...] = ()
    salt: int = Field(default=0, ge=0, le=256)


class _Smb2Negotiate(_Table):
    dialects: tuple[Dialect, ...] = Field(min_length=1)
    security_mode: int = U16
    capabilities: int = U32
    contexts: tuple[_Context, ...] = ()
    pid: int = U32
    credit_charge: int = U16
    credits: int = U16
    flags: int = U32


class _Smb1Session(_Table):
    flags2: int = U16
    capabilities: int = U32
    max_mpx: int = U16
    native_os: str
    native_lanman: str


class _Ntlm(_Table):
    level: Literal["NTLMv1", "NTLMv2"]
    flags: int = U32
    version: tuple[int, int, int]


class _Policy(_Table):
    smb1: bool
    min_dialect: Dialect
    max_dialect: Dialect
    require_signing: bool
    require_encryption: bool
    guest: bool
    ntlmv2_only: bool


class _Evidence(_Table):
    what: str = Field(min_length=1)
    source: str = Field(min_length=1)


class PersonaFile(_Table):
    """One persona as it is written in its file."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9.-]*$")
    title: str
    fidelity: Literal[Fidelity.RECORDED, Fidelity.DOCUMENTED]
    smb1_removable: str
    signing: Signing
    smb1_negotiate: _Smb1Negotiate | None = None
    smb2_negotiate: _Smb2Negotiate | None = None
    smb1_session: _Smb1Session
    ntlm: _Ntlm
    policy: _Policy
    sees: dict[str, str]
    evidence: tuple[_Evidence, ...] = Field(min_length=1)

    def persona(self) -> Persona:
        """The client that this file describes."""
        smb2 = self.smb2_negotiate
        return Persona(
            PersonaData(
                name=self.name,
                title=self.title,
                fidelity=Fidelity(self.fidelity),
                smb1_removable=self.smb1_removable,
                opening=Opening(
                    Smb1Hello(**self.smb1_negotiate.model_dump()) if self.smb1_negotiate else None,
                    Smb2Hello(
                        **smb2.model_dump(exclude={"contexts"}),
                        contexts=tuple(
                            Context(ContextKind[context.kind.upper()], context.algorithms, context.salt)
                            for context in smb2.contexts
                        ),
                    )
                    if smb2
                    else None,
                ),
                manner=Manner(
                    ntlm=NtlmManner(**self.ntlm.model_dump()),
                    smb1=Smb1Manner(**self.smb1_session.model_dump()),
                    signing=self.signing,
                    encryption=Encryption.IF_REQUIRED,
                ),
                policy=ClientPolicy(**self.policy.model_dump()),
                sees=tuple(self.sees.items()),
                evidence=tuple(Evidence(item.what, item.source) for item in self.evidence),
            )
        )


@dataclass(frozen=True, slots=True)
class PersonaData:
    """What makes one emulated client differ from another."""

    name: str
    title: str
    fidelity: Fidelity
    smb1_removable: str
    opening: Opening
    manner: Manner
    policy: ClientPolicy
    sees: tuple[tuple[str, str], ...]
    evidence: tuple[Evidence, ...]


class HeldPersona:
    """A persona's open connection; implements ``harness.clients.base.Held``."""

    def __init__(self, connection: Connection, tree: int, seconds: float) -> None:
        self._connection = connection
        self._tree = tree
        self._seconds = seconds

    def browse(self, log: Log) -> None:
        """Open the pipe and list the shares again on the connection that is open already."""
        self._connection.renew(self._seconds)
        self._connection.browse(self._tree, log)

    def close(self) -> None:
        """Drop the connection."""
        self._connection.drop()


class Persona(Client):
    """One emulated client."""

    checks = frozenset(Check)

    def __init__(self, data: PersonaData) -> None:
        self._data = data
        self.name = data.name
        self.title = data.title
        self.fidelity = data.fidelity
        self.evidence = data.evidence
        self.policy = data.policy
        self.smb1_removable = data.smb1_removable
        self.sees = dict(data.sees)

    @property
    def opening(self) -> Opening:
        """What it says first when nobody limits it."""
        return self._data.opening

    def software(self, target: Target | None = None) -> str:  # noqa: ARG002 (the same everywhere)
        """The library whose structures the prober speaks with."""
        return f"impacket {version('impacket')}"

    def perform(self, check: Check, target: Target, policy: ClientPolicy, log: Log) -> None:
        """One connection, one check. Raises Refused or LabFault."""
        perform(check, self._speaker(policy), target, _account(target), log)

    def offer(self, policy: ClientPolicy, target: Target) -> Offer:
        """Read from the bytes that the prober really sends first."""
        opening = self._speaker(policy).opening
        if opening.smb1 is None and opening.smb2 is None:
            return Offer()

        def start(address: str, port: int) -> None:
            wire = Wire.connect(address, port, Deadline(target.seconds))
            with closing(wire):
                negotiate(wire, opening, target.address)

        return observe(start)

    def hold(self, target: Target, policy: ClientPolicy, log: Log) -> Held:
        """Log on and connect IPC$, as a computer does that has the server open in Explorer."""
        connection = Connection(self._speaker(policy), target, _account(target), log)
        try:
            return HeldPersona(connection, connection.connect_ipc(log), target.seconds)
        except BaseException:
            connection.drop()
            raise

    def _speaker(self, policy: ClientPolicy) -> Speaker:
        data = self._data
        opening = data.opening.restricted(policy.smb1, policy.min_dialect, policy.max_dialect)
        manner = data.manner
        if policy.require_signing:
            opening = opening.signing_required()
            manner = replace(manner, signing=Signing.ALWAYS)
        if policy.require_encryption:
            manner = replace(manner, encryption=Encryption.ALWAYS)
        if policy.ntlmv2_only:
            manner = replace(manner, ntlm=replace(manner.ntlm, level="NTLMv2"))
        return Speaker(opening, manner, policy)


def load(path: Path) -> Persona:
    """Read one persona file. Raises UsageError naming the file, the field and what was expected."""
    try:
        read = PersonaFile.model_validate(tomllib.loads(path.read_text("utf-8")))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as reason:
        raise UsageError(f"{path}: {reason}", "a persona is a TOML file") from reason
    except ValidationError as mistakes:
        first = mistakes.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or "the file"
        raise UsageError(f"{path}: {field}: {first['msg']}", f"it has {first['input']!r}") from mistakes
    _check(path, read)
    return read.persona()


def _check(path: Path, read: PersonaFile) -> None:
    """What the types alone cannot say."""
    if read.smb1_negotiate is None and read.smb2_negotiate is None:
        raise UsageError(f"{path}: smb1_negotiate: a client opens somehow", "give it or smb2_negotiate")
    for key in read.sees:
        step, _, status = key.partition(":")
        if step not in _STEPS or not status:
            raise UsageError(
                f"{path}: sees.{key}: expected step:STATUS", f"steps: {', '.join(sorted(_STEPS))}"
            )
    smb2 = read.smb2_negotiate
    if smb2 and Dialect.NT1 in smb2.dialects:
        raise UsageError(f"{path}: smb2_negotiate.dialects: NT LM 0.12 is no dialect of SMB2")
    if smb2 and (Dialect.SMB3_11 in smb2.dialects) != bool(smb2.contexts):
        raise UsageError(f"{path}: smb2_negotiate.contexts: 3.1.1 has contexts, nothing older has")
    sealed = any(context.kind == "encryption" for context in smb2.contexts) if smb2 else False
    if smb2 and sealed and not smb2.capabilities & CAP_ENCRYPTION:
        raise UsageError(f"{path}: smb2_negotiate.capabilities: 0x40 (encryption) is missing")


def _account(target: Target) -> Account:
    return Account(target.user, target.password)


CLIENTS: tuple[Client, ...] = tuple(load(path) for path in sorted(FOLDER.glob("*.toml")))
