"""The lab's own client: it offers exactly what it is told to, so that a change can be seen by its effect."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, get_args

from harness.errors import Refused
from harness.model import STATUS_OK, Attempt, Check, ClientPolicy, Dialect, Target
from harness.smb.attempting import Log, record
from harness.smb.kerberos.manner import KerberosManner
from harness.smb.ntlm import Account, Level, NtlmManner, TargetName
from harness.smb.offer import (
    CAP_ENCRYPTION,
    SHA_512,
    SIGNING_ENABLED,
    SIGNING_REQUIRED,
    SMB2_ANY,
    SMB2_FIRST,
    Cipher,
    Compression,
    Context,
    ContextKind,
    Opening,
    SigningAlgorithm,
    Smb1Hello,
    Smb2Hello,
)
from harness.smb.session import Encryption, Manner, Signing, Smb1Manner

if TYPE_CHECKING:
    # Loaded where one connects: whoever looks at a run reads the words here alone.
    from harness.smb.prober import Connection, Negotiated, Speaker

AuthKind = Literal[
    "LM", "NTLMv1", "NTLMv2", "guest", "anonymous", "wrong password", "other server", "Kerberos"
]
"""How to log on; "other server": with NTLMv2 whose target name is that of another server; "Kerberos": with a
ticket of the domain that the server is in."""
OTHER_SERVER = "another-server.invalid"
"""A name that no server has (RFC 6761)."""

EVERY_DIALECT = tuple(Dialect)
EVERY_CIPHER = (Cipher.AES_128_GCM, Cipher.AES_128_CCM, Cipher.AES_256_GCM, Cipher.AES_256_CCM)
ALL_CIPHERS = tuple(cipher.title for cipher in EVERY_CIPHER)
_CAPABILITIES_3X = 0x3F
# Without the bit that says security signatures are required: [MS-SMB] 2.2.3.1.
_FLAGS2_UNSIGNED = 0xC843
_EXTENDED_SECURITY = 0x0800


@dataclass(frozen=True, slots=True)
class NegotiateAnswer:
    """What a server answers to an offer."""

    dialect: Dialect | None
    """None when it refused."""
    status: str
    """STATUS_SUCCESS, the NTSTATUS of the refusal, or CLOSED, RESET, TIMEOUT, NO_DIALECT."""
    signing_required: bool = False
    encryption_offered: bool = False
    """A cipher was agreed on (3.x only)."""
    cipher: str | None = None
    """That cipher, e.g. "AES-128-GCM"."""


def opening(
    dialects: tuple[Dialect, ...],
    sign: bool = False,
    ciphers: tuple[Cipher, ...] = EVERY_CIPHER,
    compression: bool = False,
) -> Opening:
    """An opening that offers exactly these dialects: SMB2 alone in SMB2's framing, else multi-protocol.

    No cipher means that encryption is not offered at all. Compression may be offered, and is never used.
    """
    newer = tuple(sorted((d for d in dialects if d is not Dialect.NT1), key=lambda d: d.revision))
    has_3x = any(dialect.revision >= 0x0300 for dialect in newer)
    contexts = [Context(ContextKind.PREAUTH, (SHA_512,), salt=32)]
    if ciphers:
        contexts.append(Context(ContextKind.ENCRYPTION, ciphers))
    if compression:
        contexts.append(Context(ContextKind.COMPRESSION, (Compression.LZNT1, Compression.LZ77)))
    contexts.append(Context(ContextKind.SIGNING, tuple(reversed(SigningAlgorithm))))
    hello = Smb2Hello(
        dialects=newer,
        security_mode=SIGNING_REQUIRED if sign else SIGNING_ENABLED,
        capabilities=(_CAPABILITIES_3X | (CAP_ENCRYPTION if ciphers else 0)) if has_3x else 0,
        contexts=tuple(contexts),
        credit_charge=1,
        credits=31,
    )
    strings = ["NT LM 0.12"] if Dialect.NT1 in dialects else []
    if strings and Dialect.SMB2_02 in newer:
        strings.append(SMB2_FIRST)
    if strings and any(dialect is not Dialect.SMB2_02 for dialect in newer):
        strings.append(SMB2_ANY)
    return Opening(
        Smb1Hello(tuple(strings), flags2=_FLAGS2_UNSIGNED) if strings else None, hello if newer else None
    )


_SIGNING = {True: Signing.ALWAYS, False: Signing.NEVER, None: Signing.IF_OFFERED}
_ENCRYPTION = {True: Encryption.ALWAYS, False: Encryption.NEVER, None: Encryption.IF_REQUIRED}


def try_session(
    target: Target,
    check: Check = Check.OPEN,
    *,
    dialects: tuple[Dialect, ...],
    auth: AuthKind = "NTLMv2",
    sign: bool | None = None,
    encrypt: bool | None = None,
    spn: TargetName = "server",
) -> Attempt:
    """Do a check while offering just these dialects and this authentication.

    It signs and encrypts as the server wants it unless told otherwise: ``sign=False`` sends unsigned
    requests even to a server that requires signing (TREE_CONNECT over 3.1.1 apart, which every client must
    sign), ``encrypt=False`` does not offer encryption at all; True demands it.
    ``spn``: the server that an NTLMv2 proof is for; "called" takes ``target.called``.
    "guest" logs on as a user that no server knows, with an empty password.
    Never raises for what happens on the wire; raises ValueError for a kind of logon that there is none of.
    """
    speaker = _speaker(dialects, auth, sign, encrypt, spn)
    return _attempt(check, speaker, _called(target, auth), _account(target, auth))


def connect(
    target: Target,
    *,
    dialects: tuple[Dialect, ...],
    auth: AuthKind = "NTLMv2",
    sign: bool | None = None,
    encrypt: bool | None = None,
    bare: bool = False,
    log: Log | None = None,
    over: Negotiated | None = None,
) -> Connection:
    """Log on as ``try_session`` does and stay connected. Raises Refused or LabFault.

    ``bare``: SMB1 without extended security, as curl and old devices set it up. ``log`` gets the steps.
    ``over``: a connection on which ``dialects`` were offered in the same way, for one session more.
    """
    from harness.smb.prober import Connection

    target = _called(target, auth)
    speaker = _speaker(dialects, auth, sign, encrypt)
    if bare and speaker.opening.smb1 is not None:
        hello = replace(speaker.opening.smb1, flags2=speaker.opening.smb1.flags2 & ~_EXTENDED_SECURITY)
        speaker = replace(speaker, opening=replace(speaker.opening, smb1=hello))
    return Connection(speaker, target, _account(target, auth), Log() if log is None else log, over)


def _speaker(
    dialects: tuple[Dialect, ...],
    auth: AuthKind,
    sign: bool | None,
    encrypt: bool | None,
    spn: TargetName = "server",
) -> Speaker:
    from harness.smb.prober import Speaker

    if auth not in (kinds := get_args(AuthKind)):
        # Taken for NTLMv2 it would prove of a change what nobody asked for.
        raise ValueError(f"no kind of logon is called {auth!r}: there are {', '.join(kinds)}")
    level: Level = auth if auth in ("LM", "NTLMv1") else "NTLMv2"
    manner = Manner(
        ntlm=NtlmManner(level=level, target_name="called" if auth == "other server" else spn),
        kerberos=KerberosManner() if auth == "Kerberos" else None,
        smb1=Smb1Manner(flags2=0xC803 if sign is False else 0xC807),
        signing=_SIGNING[sign],
        encryption=_ENCRYPTION[encrypt],
    )
    ciphers = () if encrypt is False else EVERY_CIPHER
    return Speaker(opening(dialects, bool(sign), ciphers), manner, ClientPolicy())


def control(target: Target) -> Attempt:
    """Open the share with everything offered: see ``do``."""
    return record("the control client", lambda log: do(target, Check.OPEN, log))


def do(target: Target, check: Check, log: Log) -> None:
    """A check with everything offered: NTLMv2, signed and encrypted as the server wants it.

    NTLMv1 is tried only on a server that speaks nothing newer than SMB1 and refuses NTLMv2.
    Raises Refused or LabFault.
    """
    from harness.smb.checks import perform
    from harness.smb.prober import Speaker

    speaker = Speaker(
        opening(EVERY_DIALECT), Manner(smb1=Smb1Manner(), signing=Signing.IF_OFFERED), ClientPolicy()
    )
    account = _account(target, "NTLMv2")
    try:
        perform(check, speaker, target, account, log)
    except Refused as refusal:
        if log.dialect != Dialect.NT1 or refusal.status != "STATUS_LOGON_FAILURE":
            raise
        older = replace(speaker, manner=replace(speaker.manner, ntlm=NtlmManner(level="NTLMv1")))
        log.steps.clear()
        perform(check, older, target, account, log)


def negotiate_only(
    target: Target, dialects: tuple[Dialect, ...], *, ciphers: tuple[str, ...] = ALL_CIPHERS
) -> NegotiateAnswer:
    """Offer just these dialects and ciphers ("AES-128-GCM") and say what the server answered.

    Raises LabFault for garbage, KeyError for a cipher that [MS-SMB2] does not know.
    """
    from harness.smb.negotiation import Smb2Chosen, negotiate
    from harness.smb.wire import Wire
    from harness.system.deadline import Deadline

    offered = tuple(Cipher[name.replace("-", "_")] for name in ciphers)
    try:
        wire = Wire.connect(target.address, target.port, Deadline(target.seconds))
        try:
            chosen = negotiate(wire, opening(dialects, ciphers=offered), target.address)
        finally:
            wire.close()
    except Refused as refusal:
        return NegotiateAnswer(None, refusal.status)
    cipher = chosen.cipher if isinstance(chosen, Smb2Chosen) else None
    return NegotiateAnswer(
        chosen.dialect,
        STATUS_OK,
        chosen.signing_required,
        encryption_offered=cipher is not None,
        cipher=cipher.title if cipher else None,
    )


def _called(target: Target, auth: AuthKind) -> Target:
    """The server by the name that this kind of logon is for."""
    if auth == "other server":
        return replace(target, name=OTHER_SERVER)
    if auth == "Kerberos" and target.domain is not None:
        return replace(target, name=target.domain.host)
    return target


def _account(target: Target, auth: AuthKind) -> Account:
    if auth == "guest":
        return Account(f"nobody-{uuid.uuid4().hex[:8]}", "")
    if auth == "anonymous":
        return Account("", "")
    if auth == "wrong password":
        return _named(target, uuid.uuid4().hex[:12])
    return _named(target, target.password)


def _named(target: Target, password: str) -> Account:
    domain, _, name = target.user.rpartition("\\")
    if not domain and target.domain is not None:
        # A member takes a name without a domain for one of its own accounts.
        domain = target.domain.workgroup
    return Account(name, password, domain)


def _attempt(check: Check, speaker: Speaker, target: Target, account: Account) -> Attempt:
    from harness.smb.checks import perform

    return record("the control client", lambda log: perform(check, speaker, target, account, log))
