"""What a client puts on the wire first: from data to the exact bytes of its NEGOTIATE.

[MS-CIFS] 2.2.4.52 (SMB_COM_NEGOTIATE), [MS-SMB2] 2.2.3 (SMB2 NEGOTIATE) and its contexts.
"""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass, replace
from enum import IntEnum

from harness.model import Dialect
from harness.smb.headers import SMB1_NEGOTIATE, Command, smb1_request, smb2_request

SMB2_ANY = "SMB 2.???"
SMB2_FIRST = "SMB 2.002"


class ContextKind(IntEnum):
    """The negotiate contexts that the harness speaks: [MS-SMB2] 2.2.3.1."""

    PREAUTH = 1
    ENCRYPTION = 2
    COMPRESSION = 3
    NETNAME = 5
    TRANSPORT = 6
    RDMA = 7
    SIGNING = 8
    POSIX = 0x100
    """Samba's and Linux's POSIX extensions; not in [MS-SMB2]."""


class _Algorithm(IntEnum):
    """A number on the wire that people know by a name such as "AES-128-GCM"."""

    @property
    def title(self) -> str:
        """E.g. "AES-128-GCM"."""
        return self.name.replace("_", "-")


class Cipher(_Algorithm):
    """[MS-SMB2] 2.2.3.1.2."""

    AES_128_CCM = 1
    AES_128_GCM = 2
    AES_256_CCM = 3
    AES_256_GCM = 4


class SigningAlgorithm(_Algorithm):
    """[MS-SMB2] 2.2.3.1.7."""

    HMAC_SHA256 = 0
    AES_CMAC = 1
    AES_GMAC = 2


class Compression(_Algorithm):
    """[MS-SMB2] 2.2.3.1.3. The harness offers it where a client does, and never compresses."""

    NONE = 0
    LZNT1 = 1
    LZ77 = 2
    LZ77_HUFFMAN = 3
    PATTERN_V1 = 4


class RdmaTransform(_Algorithm):
    """[MS-SMB2] 2.2.3.1.6."""

    NONE = 0
    ENCRYPTION = 1
    SIGNING = 2


class Hash(_Algorithm):
    """[MS-SMB2] 2.2.3.1.1."""

    SHA_512 = 1


SHA_512 = Hash.SHA_512
ALGORITHMS: dict[ContextKind, type[_Algorithm]] = {
    ContextKind.PREAUTH: Hash,
    ContextKind.ENCRYPTION: Cipher,
    ContextKind.COMPRESSION: Compression,
    ContextKind.RDMA: RdmaTransform,
    ContextKind.SIGNING: SigningAlgorithm,
}
"""What the numbers in a context mean; the other kinds hold none."""
CAP_ENCRYPTION = 0x40
_NEGOTIATE = struct.Struct("<HHHHL16s")
"""[MS-SMB2] 2.2.3: size, number of dialects, security mode, reserved, capabilities, ClientGuid."""
SIGNING_ENABLED = 1
SIGNING_REQUIRED = 2


@dataclass(frozen=True, slots=True)
class Context:
    """One negotiate context; ``algorithms`` in the client's order of preference."""

    kind: ContextKind
    algorithms: tuple[int, ...] = ()
    salt: int = 0
    """Random bytes in a PREAUTH context."""
    flags: int = 0
    """Of COMPRESSION (1: several algorithms may be chained) and of TRANSPORT."""
    data: bytes = b""
    """The whole content of a POSIX context; of ENCRYPTION what follows the ciphers; of NETNAME a name for the
    server that is always the same."""


@dataclass(frozen=True, slots=True)
class Smb1Hello:
    """The SMB1-framed NEGOTIATE. An SMB1-framed NEGOTIATE is not SMB1 use."""

    dialects: tuple[str, ...]
    flags: int = 0x18
    flags2: int = 0xC853
    tid: int = 0xFFFF
    pid: int = 0xFEFF
    uid: int = 0
    mid: int = 0
    pid_varies: bool = False
    """The process that speaks is told instead of ``pid``, whose recorded value means nothing."""
    hollow: bool = False
    """"NT LM 0.12" is only part of the frame: the client has no SMB1 and gives up when it is chosen."""

    @property
    def process(self) -> int:
        """The PID of every message; its lower half, for SMB1 has a field of its own for the upper one."""
        return os.getpid() & 0xFFFF if self.pid_varies else self.pid


@dataclass(frozen=True, slots=True)
class Smb2Hello:
    """The SMB2 NEGOTIATE, sent first or after the answer to an SMB1-framed one."""

    dialects: tuple[Dialect, ...]
    security_mode: int = SIGNING_ENABLED
    capabilities: int = 0
    contexts: tuple[Context, ...] = ()
    pid: int = 0xFEFF
    credit_charge: int = 0
    credits: int = 0
    flags: int = 0
    pid_varies: bool = False
    """The process that speaks is told instead of ``pid``, whose recorded value means nothing."""
    pads_last: bool = False
    """The last negotiate context is padded to eight bytes, too; [MS-SMB2] 2.2.3.1 asks that of the others."""
    unreleased: tuple[int, ...] = ()
    """Dialects of development versions of Windows that old Samba offers: no server chooses them."""

    @property
    def process(self) -> int:
        """The ProcessId of every message."""
        return os.getpid() if self.pid_varies else self.pid

    @property
    def revisions(self) -> tuple[int, ...]:
        """All dialects as they are sent."""
        return tuple(sorted((*(dialect.revision for dialect in self.dialects), *self.unreleased)))


@dataclass(frozen=True, slots=True)
class Opening:
    """What a client says first. With ``smb1`` set, ``smb2`` waits for the answer 2.FF."""

    smb1: Smb1Hello | None
    smb2: Smb2Hello | None

    def restricted(self, smb1: bool, lowest: Dialect, highest: Dialect) -> Opening:
        """The opening that an administrator's limits leave; either part may be gone.

        Without SMB1 its strings go, but the SMB1 frame stays as the way to SMB2, as Windows does. The
        strings of a hollow frame stay as they were recorded.
        """
        allowed = tuple(
            dialect
            for dialect in (self.smb2.dialects if self.smb2 else ())
            if lowest.revision <= dialect.revision <= highest.revision
        )
        hollow = self.smb1.hollow and bool(allowed) if self.smb1 else False
        strings = tuple(
            name
            for name in (self.smb1.dialects if self.smb1 else ())
            if _string_allowed(name, hollow or (smb1 and lowest is Dialect.NT1), allowed)
        )
        new_smb1 = replace(self.smb1, dialects=strings) if self.smb1 and strings else None
        new_smb2 = _with_dialects(self.smb2, allowed) if self.smb2 and allowed else None
        return Opening(new_smb1, new_smb2)

    def signing_required(self) -> Opening:
        """The same opening by a client that requires signing: [MS-SMB2] 3.2.4.2.2.2."""
        smb2_hello = replace(self.smb2, security_mode=SIGNING_REQUIRED) if self.smb2 else None
        return Opening(self.smb1, smb2_hello)


def _with_dialects(hello: Smb2Hello, allowed: tuple[Dialect, ...]) -> Smb2Hello:
    if allowed == hello.dialects:
        return hello
    return replace(hello, dialects=allowed, unreleased=())


def _string_allowed(name: str, smb1: bool, smb2_dialects: tuple[Dialect, ...]) -> bool:
    if name == SMB2_FIRST:
        return Dialect.SMB2_02 in smb2_dialects
    if name == SMB2_ANY:
        return any(dialect is not Dialect.SMB2_02 for dialect in smb2_dialects)
    return smb1


def smb1_negotiate(hello: Smb1Hello) -> bytes:
    """The bytes of SMB_COM_NEGOTIATE."""
    strings = b"".join(b"\x02" + name.encode("ascii") + b"\0" for name in hello.dialects)
    return smb1_request(
        *(SMB1_NEGOTIATE, hello.flags2, hello.tid, hello.process, hello.uid, hello.mid, b"", strings),
        flags=hello.flags,
    )


def smb2_negotiate(hello: Smb2Hello, message_id: int, guid: bytes, server: str) -> bytes:
    """The bytes of the SMB2 NEGOTIATE. ``guid`` is the ClientGuid (all zero for 2.0.2 alone)."""
    head = smb2_request(
        *(Command.NEGOTIATE, hello.credit_charge, message_id, hello.process, 0, 0),
        wanted=hello.credits,
        flags=hello.flags,
    )
    count = len(hello.revisions)
    fixed = _NEGOTIATE.pack(36, count, hello.security_mode, 0, hello.capabilities, guid)
    dialects = struct.pack(f"<{count}H", *hello.revisions)
    if Dialect.SMB3_11 not in hello.dialects:
        # ClientStartTime, which nobody sends any more: [MS-SMB2] 2.2.3.
        return head + fixed + bytes(8) + dialects
    used = len(head) + len(fixed) + 8 + len(dialects)
    padding = bytes(-used % 8)
    place = struct.pack("<LHH", used + len(padding), len(hello.contexts), 0)
    return head + fixed + place + dialects + padding + _contexts(hello, server)


def _contexts(hello: Smb2Hello, server: str) -> bytes:
    packed = []
    for context in hello.contexts:
        data = _content(context, server)
        packed.append(struct.pack("<HHL", context.kind, len(data), 0) + data)
    padded = [part + bytes(-len(part) % 8) for part in packed]
    return b"".join([*padded[:-1], (padded if hello.pads_last else packed)[-1]])


def _content(context: Context, server: str) -> bytes:
    count = len(context.algorithms)
    numbers = struct.pack(f"<{count}H", *context.algorithms)
    match context.kind:
        case ContextKind.PREAUTH:
            return struct.pack("<HH", count, context.salt) + numbers + os.urandom(context.salt)
        case ContextKind.ENCRYPTION | ContextKind.SIGNING:
            return struct.pack("<H", count) + numbers + context.data
        case ContextKind.COMPRESSION | ContextKind.RDMA:
            return struct.pack("<HHL", count, 0, context.flags) + numbers
        case ContextKind.NETNAME:
            return context.data or server.encode("utf-16le")
        case ContextKind.TRANSPORT:
            return struct.pack("<L", context.flags)
        case ContextKind.POSIX:
            return context.data
