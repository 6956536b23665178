"""What a client puts on the wire first: from data to the exact bytes of its NEGOTIATE.

[MS-CIFS] 2.2.4.52 (SMB_COM_NEGOTIATE), [MS-SMB2] 2.2.3 (SMB2 NEGOTIATE) and its contexts.
"""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass, replace
from enum import IntEnum

from impacket import smb
from impacket import smb3structs as smb2

from harness.model import Dialect

SMB1_MAGIC = b"\xffSMB"
SMB2_MAGIC = b"\xfeSMB"
SMB2_ANY = "SMB 2.???"
SMB2_FIRST = "SMB 2.002"


class ContextKind(IntEnum):
    """The negotiate contexts that the harness speaks: [MS-SMB2] 2.2.3.1."""

    PREAUTH = 1
    ENCRYPTION = 2
    NETNAME = 5
    SIGNING = 8


class Cipher(IntEnum):
    """[MS-SMB2] 2.2.3.1.2."""

    AES_128_CCM = 1
    AES_128_GCM = 2
    AES_256_CCM = 3
    AES_256_GCM = 4

    @property
    def title(self) -> str:
        """E.g. "AES-128-GCM"."""
        return self.name.replace("_", "-")


class SigningAlgorithm(IntEnum):
    """[MS-SMB2] 2.2.3.1.7."""

    HMAC_SHA256 = 0
    AES_CMAC = 1
    AES_GMAC = 2


SHA_512 = 1
CAP_ENCRYPTION = 0x40
SIGNING_ENABLED = 1
SIGNING_REQUIRED = 2


@dataclass(frozen=True, slots=True)
class Context:
    """One negotiate context; ``algorithms`` in the client's order of preference."""

    kind: ContextKind
    algorithms: tuple[int, ...] = ()
    salt: int = 0
    """Random bytes in a PREAUTH context."""


@dataclass(frozen=True, slots=True)
class Smb1Hello:
    """The SMB1-framed NEGOTIATE. An SMB1-framed NEGOTIATE is not SMB1 use."""

    dialects: tuple[str, ...]
    flags: int = 0x18
    flags2: int = 0xC853
    tid: int = 0xFFFF
    pid: int = 0xFEFF


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


@dataclass(frozen=True, slots=True)
class Opening:
    """What a client says first. With ``smb1`` set, ``smb2`` waits for the answer 2.FF."""

    smb1: Smb1Hello | None
    smb2: Smb2Hello | None

    def restricted(self, smb1: bool, lowest: Dialect, highest: Dialect) -> Opening:
        """The opening that an administrator's limits leave; either part may be gone.

        Without SMB1 its strings go, but the SMB1 frame stays as the way to SMB2, as Windows does.
        """
        allowed = tuple(
            dialect
            for dialect in (self.smb2.dialects if self.smb2 else ())
            if lowest.revision <= dialect.revision <= highest.revision
        )
        strings = tuple(
            name
            for name in (self.smb1.dialects if self.smb1 else ())
            if _string_allowed(name, smb1 and lowest is Dialect.NT1, allowed)
        )
        new_smb1 = replace(self.smb1, dialects=strings) if self.smb1 and strings else None
        new_smb2 = replace(self.smb2, dialects=allowed) if self.smb2 and allowed else None
        return Opening(new_smb1, new_smb2)

    def signing_required(self) -> Opening:
        """The same opening by a client that requires signing: [MS-SMB2] 3.2.4.2.2.2."""
        smb2_hello = replace(self.smb2, security_mode=SIGNING_REQUIRED) if self.smb2 else None
        return Opening(self.smb1, smb2_hello)


def _string_allowed(name: str, smb1: bool, smb2_dialects: tuple[Dialect, ...]) -> bool:
    if name == SMB2_FIRST:
        return Dialect.SMB2_02 in smb2_dialects
    if name == SMB2_ANY:
        return any(dialect is not Dialect.SMB2_02 for dialect in smb2_dialects)
    return smb1


def smb1_negotiate(hello: Smb1Hello) -> bytes:
    """The bytes of SMB_COM_NEGOTIATE."""
    packet = smb.NewSMBPacket()
    packet["Flags1"] = hello.flags
    packet["Flags2"] = hello.flags2
    packet["Tid"] = hello.tid
    packet["Pid"] = hello.pid
    command = smb.SMBCommand(smb.SMB.SMB_COM_NEGOTIATE)
    command["Data"] = b"".join(b"\x02" + name.encode("ascii") + b"\0" for name in hello.dialects)
    packet.addCommand(command)
    return bytes(packet.getData())


def smb2_negotiate(hello: Smb2Hello, message_id: int, guid: bytes, server: str) -> bytes:
    """The bytes of the SMB2 NEGOTIATE. ``guid`` is the ClientGuid (all zero for 2.0.2 alone)."""
    body = smb2.SMB2Negotiate()
    body["DialectCount"] = len(hello.dialects)
    body["SecurityMode"] = hello.security_mode
    body["Capabilities"] = hello.capabilities
    body["ClientGuid"] = guid
    body["Dialects"] = [dialect.revision for dialect in hello.dialects]
    if Dialect.SMB3_11 in hello.dialects:
        _add_contexts(body, hello, server)
    packet = smb2.SMB2Packet()
    packet["CreditCharge"] = hello.credit_charge
    packet["CreditRequestResponse"] = hello.credits
    packet["Flags"] = hello.flags
    packet["MessageID"] = message_id
    packet["Reserved"] = hello.pid
    packet["Data"] = body.getData()
    return bytes(packet.getData())


def _add_contexts(body: smb2.SMB2Negotiate, hello: Smb2Hello, server: str) -> None:
    used = 64 + 36 + 2 * len(hello.dialects)
    place = smb2.SMB311ContextData()
    place["NegotiateContextOffset"] = used + -used % 8
    place["NegotiateContextCount"] = len(hello.contexts)
    body["ClientStartTime"] = place.getData()
    body["Padding"] = b"\0" * (-used % 8)
    packed = [_context(context, server) for context in hello.contexts]
    # Every context but the last is padded to eight bytes.
    body["NegotiateContextList"] = (
        b"".join(part + b"\0" * (-len(part) % 8) for part in packed[:-1]) + packed[-1]
    )


def _context(context: Context, server: str) -> bytes:
    numbers = struct.pack(f"<{len(context.algorithms)}H", *context.algorithms)
    if context.kind is ContextKind.PREAUTH:
        data = struct.pack("<HH", len(context.algorithms), context.salt) + numbers + os.urandom(context.salt)
    elif context.kind is ContextKind.NETNAME:
        data = server.encode("utf-16le")
    else:
        data = struct.pack("<H", len(context.algorithms)) + numbers
    packed = smb2.SMB2NegotiateContext()
    packed["ContextType"] = context.kind
    packed["DataLength"] = len(data)
    packed["Data"] = data
    return bytes(packed.getData())
