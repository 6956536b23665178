"""The NEGOTIATE step: send a client's opening, read what the server chose."""

from __future__ import annotations

import hashlib
import struct
import uuid
from dataclasses import dataclass, field

from harness.errors import Refused
from harness.model import NO_DIALECT, Dialect, Side
from harness.smb import status
from harness.smb.headers import (
    IS_ANSWER,
    SMB1_MAGIC,
    SMB1_NEGOTIATE,
    SMB2_MAGIC,
    Command,
    smb1_answer,
    smb2_answer,
)
from harness.smb.offer import (
    CAP_ENCRYPTION,
    SIGNING_REQUIRED,
    Cipher,
    Compression,
    ContextKind,
    Opening,
    SigningAlgorithm,
    Smb1Hello,
    Smb2Hello,
    smb1_negotiate,
    smb2_negotiate,
)
from harness.smb.parsing import cut, expect, garbage, reading
from harness.smb.wire import Wire

_WILDCARD = 0x02FF
_NT_LM = "NT LM 0.12"
# Samba's own name for the same dialect; it chooses this one when a client offers both (measured).
_ALSO_NT_LM = "NT LANMAN 1.0"
# [MS-CIFS] 2.2.4.52.2: dialect, security mode, requests at once, virtual circuits, buffer, raw, session key,
# capabilities, time, time zone, length of the challenge.
_SMB1_ANSWER = struct.Struct("<HBHHLLLLQHB")
# [MS-SMB2] 2.2.4: size, security mode, dialect, number of contexts, server, capabilities, largest
# transaction, read and write, time, start time, security buffer, contexts.
_SMB2_ANSWER = struct.Struct("<HHHH16sLLLLQQHHL")
_SECURITY_BUFFER = 64 + 56
"""Where its place and length stand in the whole answer."""


@dataclass(frozen=True, slots=True)
class Smb1Chosen:
    """The server chose SMB1: [MS-CIFS] 2.2.4.52.2, [MS-SMB] 2.2.4.5.2."""

    hello: Smb1Hello
    security_mode: int
    capabilities: int
    session_key: int
    max_buffer: int
    challenge: bytes
    """Eight bytes where the server has no extended security, else empty."""

    dialect = Dialect.NT1

    @property
    def signing_required(self) -> bool:
        """The server accepts signed requests only."""
        return bool(self.security_mode & 0x08)

    @property
    def signing_offered(self) -> bool:
        """The server can sign."""
        return bool(self.security_mode & 0x0C)

    @property
    def signing(self) -> str:
        """As in ``Attempt.server_signing``."""
        return "required" if self.signing_required else "enabled" if self.signing_offered else "none"

    @property
    def agreed_cipher(self) -> str:
        """SMB1 has none."""
        return ""

    @property
    def extended_security(self) -> bool:
        """The session is set up by SPNEGO."""
        return bool(self.capabilities & 0x80000000)


@dataclass(frozen=True, slots=True)
class Smb2Chosen:
    """The server chose a dialect of SMB2: [MS-SMB2] 2.2.4."""

    hello: Smb2Hello
    dialect: Dialect
    security_mode: int
    capabilities: int
    max_transact: int
    max_read: int
    max_write: int
    cipher: Cipher | None
    """None where the connection cannot be encrypted."""
    signing_algorithm: SigningAlgorithm
    preauth: bytes
    """The preauthentication integrity hash so far; empty below 3.1.1."""
    next_message_id: int
    compression: Compression | None = None
    """What the server would compress with; None where it does not compress, or was not asked."""
    reply: bytes = field(default=b"", repr=False)
    """The whole answer as it came."""

    @property
    def signing_required(self) -> bool:
        """The server accepts signed requests only (sessions of guests apart)."""
        return bool(self.security_mode & SIGNING_REQUIRED)

    @property
    def signing(self) -> str:
        """As in ``Attempt.server_signing``: every SMB2 server can sign."""
        return "required" if self.signing_required else "enabled"

    @property
    def mechanisms(self) -> tuple[str, ...]:
        """What the server lists in SPNEGO, the preferred one first: names of ``tap.kerberos.MECHANISMS``.

        Empty where it lists none, as it may ([MS-SPNG] 2.2.1, NegTokenInit2).
        """
        from harness.smb.tap.kerberos import spnego

        what = "the security buffer of NEGOTIATE"
        with reading(what):
            at, length = struct.unpack_from("<HH", self.reply, _SECURITY_BUFFER)
            said = spnego(cut(self.reply, at, length, what))
        return said.mechanisms if said else ()

    @property
    def agreed_cipher(self) -> str:
        """As in ``Attempt.agreed_cipher``."""
        return self.cipher.title if self.cipher else ""


Chosen = Smb1Chosen | Smb2Chosen


def negotiate(wire: Wire, opening: Opening, server: str) -> Chosen:
    """Open as a client does and read the answer; sends the second NEGOTIATE after 2.FF.

    Raises Refused with NO_DIALECT or the server's NTSTATUS, LabFault for an answer that is none.
    """
    if opening.smb1 is None:
        if opening.smb2 is None:
            raise Refused(NO_DIALECT, Side.CLIENT, "the client's own limits leave it no dialect to offer")
        return _smb2(wire, opening.smb2, 0, server)
    wire.send(smb1_negotiate(opening.smb1))
    reply = wire.receive()
    if reply[:4] == SMB1_MAGIC:
        return read_smb1(reply, opening.smb1)
    revision = _revision(reply)
    if opening.smb2 is None:
        raise Refused(NO_DIALECT, Side.CLIENT, "the server chose SMB2, which was not offered")
    if revision != _WILDCARD:
        return read_smb2(reply, opening.smb2, b"", 1)
    return _smb2(wire, opening.smb2, 1, server)


def _smb2(wire: Wire, hello: Smb2Hello, message_id: int, server: str) -> Smb2Chosen:
    # ClientGuid must be zero when 2.0.2 is all that is offered: [MS-SMB2] 2.2.3.
    guid = b"\0" * 16 if hello.dialects == (Dialect.SMB2_02,) else uuid.uuid4().bytes_le
    request = smb2_negotiate(hello, message_id, guid, server)
    wire.send(request)
    return read_smb2(wire.receive(), hello, request, message_id + 1)


def older_dialect(reply: bytes, hello: Smb1Hello) -> str:
    """The dialect string that an answer to an SMB1-framed NEGOTIATE picks, however old it is.

    Raises Refused with NO_DIALECT when it picks none, LabFault for an answer that is none.
    """
    what = "the SMB1 answer to NEGOTIATE"
    with reading(what):
        expect(reply[:4] == SMB1_MAGIC, what, f"it begins {reply[:4].hex()}")
        head = smb1_answer(reply)
        expect(head.command == SMB1_NEGOTIATE and head.flags & 0x80 != 0, what, "another message")
        (index,) = struct.unpack_from("<H", head.words)
        if index == 0xFFFF:
            raise Refused(NO_DIALECT, detail="the server answered DialectIndex 0xFFFF")
        expect(index < len(hello.dialects), what, f"dialect {index} of {len(hello.dialects)}")
        return str(hello.dialects[index])


def answered(reply: bytes, opening: Smb1Hello) -> str:
    """The dialect that an answer to an SMB1-framed NEGOTIATE picks, as text. Raises as ``negotiate``."""
    if reply[:4] == SMB1_MAGIC:
        return str(read_smb1(reply, opening).dialect)
    revision = _revision(reply)
    return "2.FF" if revision == _WILDCARD else str(_dialect(revision, "the answer to NEGOTIATE"))


def read_smb1(reply: bytes, hello: Smb1Hello) -> Smb1Chosen:
    """Read an SMB1 NEGOTIATE answer. Raises Refused when no dialect was chosen."""
    what = "the SMB1 answer to NEGOTIATE"
    with reading(what):
        head = smb1_answer(reply)
        expect(head.command == SMB1_NEGOTIATE, what, f"command {head.command:#x}")
        if head.status != status.SUCCESS:
            raise Refused(status.name(head.status))
        (index,) = struct.unpack_from("<H", head.words)
        if index == 0xFFFF:
            raise Refused(NO_DIALECT, detail="the server answered DialectIndex 0xFFFF")
        expect(index < len(hello.dialects), what, f"dialect {index} of {len(hello.dialects)}")
        if hello.dialects[index] not in (_NT_LM, _ALSO_NT_LM):
            raise Refused(
                NO_DIALECT, Side.CLIENT, f"the server chose {hello.dialects[index]!r}, older than {_NT_LM}"
            )
        _, mode, _, _, buffer, _, key, capabilities, _, _, length = _SMB1_ANSWER.unpack_from(head.words)
        extended = capabilities & 0x80000000
        challenge = b"" if extended else cut(head.data, 0, length, what)
        expect(bool(extended) or len(challenge) == 8, what, f"a challenge of {len(challenge)} bytes")
        return Smb1Chosen(hello, mode, capabilities, key, buffer, challenge)


def read_smb2(reply: bytes, hello: Smb2Hello, request: bytes, next_message_id: int) -> Smb2Chosen:
    """Read an SMB2 NEGOTIATE answer. ``request`` is what it answers (for the integrity hash)."""
    what = "the SMB2 answer to NEGOTIATE"
    with reading(what):
        dialect = _dialect(_revision(reply), what)
        _, mode, _, count, _, capabilities, *most, _, _, _, contexts_at = _SMB2_ANSWER.unpack_from(reply, 64)
        if dialect not in hello.dialects:
            raise Refused(NO_DIALECT, Side.CLIENT, f"the server chose {dialect}, which was not offered")
        cipher = None
        signing = SigningAlgorithm.HMAC_SHA256 if dialect.revision < 0x0300 else SigningAlgorithm.AES_CMAC
        preauth = b""
        compression = None
        if dialect is Dialect.SMB3_11:
            contexts = read_contexts(reply, contexts_at, count)
            # [MS-SMB2] 3.2.5.2: without it nobody may go on.
            expect(ContextKind.PREAUTH in contexts, what, "it has no preauthentication integrity context")
            chosen = contexts.get(ContextKind.ENCRYPTION, 0)
            cipher = Cipher(chosen) if chosen else None
            compression = Compression(contexts.get(ContextKind.COMPRESSION, 0)) or None
            signing = SigningAlgorithm(contexts.get(ContextKind.SIGNING, signing))
            preauth = hashlib.sha512(b"\0" * 64 + request).digest()
            preauth = hashlib.sha512(preauth + reply).digest()
        elif dialect.revision >= 0x0300 and capabilities & hello.capabilities & CAP_ENCRYPTION:
            cipher = Cipher.AES_128_CCM
        return Smb2Chosen(
            hello,
            dialect,
            mode,
            capabilities,
            min(most[0], 65536),
            most[1],
            most[2],
            cipher,
            signing,
            preauth,
            next_message_id,
            compression,
            reply,
        )


def read_contexts(reply: bytes, offset: int, count: int) -> dict[int, int]:
    """The first algorithm in each negotiate context of an answer, by context type. Raises LabFault."""
    what = "a negotiate context"
    found: dict[int, int] = {}
    with reading(what):
        for _ in range(count):
            kind, length = struct.unpack("<HH", cut(reply, offset, 4, what))
            data = cut(reply, offset + 8, length, what)
            if kind == ContextKind.PREAUTH:
                expect(struct.unpack_from("<H", data, 4)[0] == 1, what, "an unknown hash algorithm")
                found[kind] = 1
            elif kind == ContextKind.COMPRESSION:
                # The algorithms come after their number, padding and flags: [MS-SMB2] 2.2.4.1.3.
                found[kind] = struct.unpack_from("<H", data, 8)[0]
            elif kind in (ContextKind.ENCRYPTION, ContextKind.SIGNING):
                found[kind] = struct.unpack_from("<H", data, 2)[0]
            offset += 8 + length + -length % 8
    return found


def _revision(reply: bytes) -> int:
    what = "the answer to NEGOTIATE"
    with reading(what):
        expect(reply[:4] == SMB2_MAGIC, what, f"it begins {reply[:4].hex()}")
        head = smb2_answer(reply)
        expect(head.command == Command.NEGOTIATE, what, f"command {head.command:#x}")
        expect(bool(head.flags & IS_ANSWER), what, "it is not an answer")
        if head.status != status.SUCCESS:
            raise Refused(status.name(head.status))
        return int(struct.unpack_from("<H", reply, 64 + 4)[0])


def _dialect(revision: int, what: str) -> Dialect:
    try:
        return Dialect.from_revision(revision)
    except KeyError:
        raise garbage(what, f"dialect revision {revision:#06x}") from None
