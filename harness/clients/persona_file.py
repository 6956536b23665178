"""Emulated clients as files: their shape, what they may say, and how a mistake in one is named."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from harness.clients._persona_table import changes, whole, words
from harness.clients.base import ClientSetting
from harness.clients.persona_kerberos import KerberosTable
from harness.errors import UsageError
from harness.model import Check, ClientPolicy, Dialect, Evidence, Fidelity, StepName
from harness.smb.ntlm import NtlmManner, TargetName
from harness.smb.offer import (
    ALGORITHMS,
    CAP_ENCRYPTION,
    Context,
    ContextKind,
    Opening,
    Smb1Hello,
    Smb2Hello,
)
from harness.smb.session import (
    Act,
    Doubt,
    Encryption,
    GuestSigning,
    Habits,
    Looks,
    Manner,
    Moment,
    Prints,
    Signing,
    Smb1Manner,
)
from harness.system import files

U16 = Field(ge=0, le=0xFFFF)
U32 = Field(ge=0, le=0xFFFFFFFF)
_SIDES = ("client", "server")
_STEPS = {step.value for step in StepName} | {"*"}


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


class _Smb1Negotiate(_Table):
    dialects: tuple[str, ...] = Field(min_length=1)
    flags: int = Field(ge=0, le=0xFF)
    flags2: int = U16
    tid: int = U16
    pid: int = U16
    uid: int = Field(default=0, ge=0, le=0xFFFF)
    mid: int = Field(default=0, ge=0, le=0xFFFF)
    pid_varies: bool = False
    hollow: bool = False

    def hello(self) -> Smb1Hello:
        return Smb1Hello(**self.model_dump())


class _Context(_Table):
    kind: Literal["preauth", "encryption", "compression", "signing", "netname", "transport", "rdma", "posix"]
    algorithms: tuple[str, ...] = ()
    salt: int = Field(default=0, ge=0, le=256)
    flags: int = Field(default=0, ge=0, le=0xFFFFFFFF)
    data: str = Field(default="", pattern=r"^([0-9a-f]{2})*$")
    """In hexadecimal."""

    @model_validator(mode="after")
    def _all_is_sent(self) -> Self:
        """What this kind of context has no place for would change nothing on the wire."""
        places = {
            "algorithms": {kind.name.lower() for kind in ALGORITHMS},
            "salt": {"preauth"},
            "flags": {"compression", "rdma", "transport"},
            "data": {"encryption", "netname", "signing", "posix"},
        }
        for name, kinds in places.items():
            if getattr(self, name) and self.kind not in kinds:
                raise ValueError(f"a {self.kind} context has no {name}")
        return self

    def context(self) -> Context:
        """Raises KeyError for an algorithm that this kind of context does not know."""
        kind = ContextKind[self.kind.upper()]
        names = {known.title: known.value for known in ALGORITHMS.get(kind, ())}
        numbers = tuple(names[name] for name in self.algorithms)
        return Context(kind, numbers, self.salt, self.flags, bytes.fromhex(self.data))


class _Smb2Negotiate(_Table):
    dialects: tuple[Dialect, ...] = Field(min_length=1)
    unreleased: tuple[int, ...] = ()
    pads_last: bool = False
    security_mode: int = U16
    capabilities: int = U32
    contexts: tuple[_Context, ...] = ()
    pid: int = U32
    pid_varies: bool = False
    credit_charge: int = U16
    credits: int = U16
    flags: int = U32

    def hello(self) -> Smb2Hello:
        contexts = tuple(context.context() for context in self.contexts)
        return Smb2Hello(**self.model_dump(exclude={"contexts"}), contexts=contexts)


class _Also(_Table):
    when: str = Field(min_length=1)
    smb1_negotiate: _Smb1Negotiate | None = None
    smb2_negotiate: _Smb2Negotiate | None = None


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
    spnego: bool = True
    target_name: TargetName = "server"


class _Habits(_Table):
    # TOML has no enum: the value of a member stands for it.
    open: tuple[Act, ...]
    browse: tuple[Act, ...]
    discover: tuple[Looks, ...] = ()
    prints: Prints | None = None
    quic: bool = False


class _Policy(_Table):
    smb1: bool
    min_dialect: Dialect
    max_dialect: Dialect
    require_signing: bool
    require_encryption: bool
    guest: bool
    ntlmv2_only: bool


class _Capture(_Table):
    file: str = Field(min_length=1)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    source: str = Field(min_length=1)
    clients: tuple[str, ...] = Field(min_length=1)
    """The addresses of this kind of client in it."""
    what: str = Field(min_length=1)

    @property
    def evidence(self) -> Evidence:
        return Evidence(self.what, f"capture {self.file}, sha256 {self.sha256}, {self.source}")


class _Doubt(_Table):
    at: Moment
    state: Literal["not settled", "inferred"]
    what: str = Field(min_length=1)
    """What the value is, and what else could be."""
    sources: tuple[str, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _disagreement_takes_two(self) -> Self:
        if self.state == "not settled" and len(self.sources) < 2:
            raise ValueError("not settled: name both sources; with one it is inferred")
        return self

    def doubt(self) -> Doubt:
        return Doubt(self.at, self.state == "inferred", f"{self.what} [{'; '.join(self.sources)}]")


class _Evidence(_Table):
    what: str = Field(min_length=1)
    source: str = Field(min_length=1)


def _every_check(found: object) -> object:
    return list(Check) if found is None else found


class PersonaFile(_Table):
    """One persona as it is written in its file."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9.-]*$")
    title: str
    based_on: str = ""
    """Another persona: all that this file does not say is as there."""
    fidelity: Literal[Fidelity.RECORDED, Fidelity.DOCUMENTED]
    counterpart: str = ""
    checks: Annotated[tuple[Check, ...], BeforeValidator(_every_check)] = tuple(Check)
    smb1_removable: str
    client_settings: tuple[ClientSetting, ...] = ()
    """Those that can be made on it."""
    signing: Signing
    signs_guests: bool = False
    signs_tree_connect: bool = True
    guest_signing: GuestSigning = GuestSigning.UNSIGNED
    doubts_like: str = ""
    """A file of doubts that many clients share in the folder ``doubts``."""
    doubts: tuple[_Doubt, ...] = ()
    sees_like: str = ""
    """A file of words in the folder ``sees`` that ``sees`` adds to or corrects."""
    smb1_negotiate: _Smb1Negotiate | None = None
    smb2_negotiate: _Smb2Negotiate | None = None
    also: tuple[_Also, ...] = ()
    smb1_session: _Smb1Session | None = None
    ntlm: _Ntlm
    kerberos: KerberosTable | None = None
    habits: _Habits
    policy: _Policy
    no_print: str = ""
    """Why it prints to no server over SMB, where ``habits.prints`` says nothing."""
    no_discover: str = ""
    """Why it finds no servers by itself, where ``habits.discover`` has no way."""
    sees: dict[str, str] = Field(default_factory=dict)
    captures: tuple[_Capture, ...] = ()
    evidence: tuple[_Evidence, ...] = Field(min_length=1)


@dataclass(frozen=True, slots=True)
class Recording:
    """A capture in which this kind of client was seen."""

    sha256: str
    addresses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PersonaData:
    """What makes one emulated client differ from another."""

    name: str
    title: str
    based_on: str
    """The persona of which it is a variant; "" for none."""
    changes: tuple[str, ...]
    """What a variant plays otherwise, as "policy.guest = True"."""
    fidelity: Fidelity
    counterpart: str
    checks: frozenset[Check]
    smb1_removable: str
    client_settings: frozenset[ClientSetting]
    opening: Opening
    also: tuple[tuple[str, Opening], ...]
    """How it was recorded to open in other situations, and when; the harness opens with ``opening``."""
    manner: Manner
    habits: Habits
    policy: ClientPolicy
    no_discover: str
    no_print: str
    sees: tuple[tuple[str, str], ...]
    recordings: tuple[Recording, ...]
    evidence: tuple[Evidence, ...]


def read(path: Path) -> PersonaData:
    """Read one persona file. Raises UsageError naming the file, the field and what was expected."""
    try:
        found = PersonaFile.model_validate(whole(path))
    except ValidationError as mistakes:
        wrong = files.brief(mistakes.errors(include_url=False, include_context=False)[0]["input"])
        raise UsageError(f"{path}: {files.first_mistake(mistakes, 'the file')}", f"it has {wrong}") from None
    told = {**words(path, found.sees_like), **found.sees}
    _check(path, found, told)
    try:
        return replace(_data(found, told), changes=changes(path))
    except KeyError as unknown:
        raise UsageError(
            f"{path}: smb2_negotiate.contexts: no algorithm is called {unknown}",
            "names are as AES-128-GCM, in the kind of context that they belong to",
        ) from unknown


def _opening(read: PersonaFile | _Also) -> Opening:
    return Opening(
        read.smb1_negotiate.hello() if read.smb1_negotiate else None,
        read.smb2_negotiate.hello() if read.smb2_negotiate else None,
    )


def _data(found: PersonaFile, told: Mapping[str, str]) -> PersonaData:
    return PersonaData(
        name=found.name,
        title=found.title,
        based_on=found.based_on,
        changes=(),
        fidelity=Fidelity(found.fidelity),
        counterpart=found.counterpart,
        checks=frozenset(found.checks),
        smb1_removable=found.smb1_removable,
        client_settings=frozenset(found.client_settings),
        opening=_opening(found),
        also=tuple((other.when, _opening(other)) for other in found.also),
        manner=Manner(
            ntlm=NtlmManner(**found.ntlm.model_dump()),
            kerberos=found.kerberos.manner() if found.kerberos else None,
            smb1=Smb1Manner(**found.smb1_session.model_dump()) if found.smb1_session else Smb1Manner(),
            signing=found.signing,
            encryption=Encryption.IF_REQUIRED,
            signs_guests=found.signs_guests,
            guest_signing=found.guest_signing,
            signs_tree_connect=found.signs_tree_connect,
            doubts=tuple(one.doubt() for one in found.doubts),
        ),
        habits=Habits(**found.habits.model_dump()),
        policy=ClientPolicy(**found.policy.model_dump()),
        no_discover=found.no_discover,
        no_print=found.no_print,
        sees=tuple(told.items()),
        recordings=tuple(Recording(one.sha256, one.clients) for one in found.captures),
        evidence=(
            *(capture.evidence for capture in found.captures),
            *(Evidence(item.what, item.source) for item in found.evidence),
        ),
    )


def _check(path: Path, found: PersonaFile, told: Mapping[str, str]) -> None:
    """What the types alone cannot say."""
    if found.smb1_negotiate is None and found.smb2_negotiate is None:
        raise UsageError(f"{path}: smb1_negotiate: a client opens somehow", "give it or smb2_negotiate")
    if found.policy.smb1 and found.smb1_session is None:
        raise UsageError(f"{path}: smb1_session: a client with SMB1 sets up its sessions somehow")
    if found.fidelity is Fidelity.RECORDED and not found.captures:
        raise UsageError(f"{path}: captures: a recorded client was recorded somewhere")
    for key in told:
        step, _, status = key.partition(":")
        status, _, side = status.partition("@")
        if step not in _STEPS or not status or (side and side not in _SIDES):
            raise UsageError(
                f"{path}: sees.{key}: expected step:STATUS", f"steps: {', '.join(sorted(_STEPS))}"
            )
    if Act.SHARE not in found.habits.open:
        raise UsageError(f"{path}: habits.open: every client connects to the share at some point")
    if not {Act.SRVSVC, Act.RAP} & set(found.habits.browse):
        raise UsageError(f"{path}: habits.browse: expected srvsvc or rap")
    for smb2 in (found.smb2_negotiate, *(other.smb2_negotiate for other in found.also)):
        if smb2:
            _check_smb2(path, smb2)


def _check_smb2(path: Path, smb2: _Smb2Negotiate) -> None:
    if Dialect.NT1 in smb2.dialects:
        raise UsageError(f"{path}: smb2_negotiate.dialects: NT LM 0.12 is no dialect of SMB2")
    if (Dialect.SMB3_11 in smb2.dialects) != bool(smb2.contexts):
        raise UsageError(f"{path}: smb2_negotiate.contexts: 3.1.1 has contexts, nothing older has")
    sealed = any(context.kind == "encryption" for context in smb2.contexts)
    if sealed and not smb2.capabilities & CAP_ENCRYPTION:
        raise UsageError(f"{path}: smb2_negotiate.capabilities: 0x40 (encryption) is missing")
