"""A client's fingerprint: the fields of NEGOTIATE and SESSION_SETUP that tell kinds of client apart.

Nothing that names a person or proves who it is has a place here: no user, domain or computer name, no
challenge and no response. Every reader raises struct.error or IndexError for a message that is cut off.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import Final

from harness.smb.parsing import OEM
from harness.smb.tap import kerberos
from harness.smb.tap.kerberos import Spnego
from harness.system.charsets import decoded

_NTLMSSP: Final = b"NTLMSSP\x00"
_VERSION_FLAG: Final = 0x02000000
_VERSION: Final = 8
"""Bytes of the version field."""
_NTLMV2: Final = 44
"""Bytes before the AV pairs of an NTLMv2 response: [MS-NLMP] 2.2.2.7, 2.2.2.8."""
_MIC: Final = 72
_MOST_PAIRS: Final = 32
AV_OF_CLIENTS: Final = {6: "flags", 8: "single host", 9: "target name", 10: "channel bindings"}
"""[MS-NLMP] 2.2.2.1, of which a client adds these (3.1.5.1.2); the others are the server's, sent back."""
_TARGET_NAME: Final = 9
NAMES_SERVER: Final = "its NTLMv2 proof is for "
NAMES_NONE: Final = "its NTLMv2 proof names no server"
_BINDINGS: Final = 10
_LONGEST_NAME: Final = 1024
_REVISIONS: Final = (b"\0\0\0\x0f", b"\x0f\0\0\0")
"""How a version ends: three zero bytes and NTLMSSP_REVISION_W2K3 ([MS-NLMP] 2.2.2.10). macOS has them the
other way round in some messages (captures of it)."""
_FIELDS: Final = {1: (16, 24), 3: (12, 20, 28, 36, 44, 52)}
"""Message -> where the lengths and offsets of its payload stand."""
_MOST_CONTEXTS: Final = 16
_MOST_ALGORITHMS: Final = 32
_PREAUTH: Final = 1
_ALGORITHMS: Final = {2: 2, 8: 2, 3: 8, 7: 8}
"""Kind of context -> where its numbers begin: ENCRYPTION, SIGNING, COMPRESSION, RDMA_TRANSFORM."""
_COMPRESSION: Final = 3
_TRANSPORT: Final = 6
_POSIX: Final = 0x100
_POSIX_MEANING: Final = bytes.fromhex("93ad25509cb411e7b42383de968bcd7c")
"""What every client that has these extensions sends; other bytes may be anything, and are not kept."""


@dataclass(frozen=True, slots=True)
class Smb1Fingerprint:
    """The header of SMB_COM_NEGOTIATE ([MS-CIFS] 2.2.3.1)."""

    flags: int
    flags2: int
    """0x0010 ("signature required") is set by everybody and says nothing (measured on captures)."""
    tid: int
    pid: int = field(compare=False)
    """Often the number of the process that speaks: connections that differ in nothing else are one form."""
    uid: int
    mid: int = field(compare=False)


@dataclass(frozen=True, slots=True)
class ContextFingerprint:
    """One negotiate context ([MS-SMB2] 2.2.3.1); the name in a NETNAME context is not kept."""

    kind: int
    algorithms: tuple[int, ...] = ()
    salt: int = 0
    """Length of the salt, bytes."""
    flags: int = 0
    """Of COMPRESSION and TRANSPORT."""
    data: bytes = b""
    """Of POSIX: a constant that says which extensions are meant."""


@dataclass(frozen=True, slots=True)
class Smb2Fingerprint:
    """The SMB2 NEGOTIATE ([MS-SMB2] 2.2.3) without client GUID and salt, which are random."""

    security_mode: int
    capabilities: int
    contexts: tuple[ContextFingerprint, ...]
    pid: int = field(compare=False)
    credit_charge: int
    credits: int
    flags: int


@dataclass(frozen=True, slots=True)
class ProofFingerprint:
    """How an NTLMv2 response is made ([MS-NLMP] 2.2.2.7): ids of its parts, never their content."""

    own_pairs: tuple[int, ...]
    """The AV pairs that clients add to those of the server, as they follow each other (``AV_OF_CLIENTS``)."""
    mic: bool
    """The message has an integrity code: [MS-NLMP] 2.2.1.3. Asked for by a server that tells the time."""
    target: str | None = None
    """The form of the service principal name in MsvAvTargetName, as "cifs/host.domain" or "cifs/address"; a
    server can check it (SPN target name validation). None where the client sends none."""
    bound: bool = False
    """Its channel bindings are not all zero: it is bound to a channel below."""

    @property
    def names_server(self) -> str:
        """For which server it is, in words."""
        return NAMES_NONE if self.target is None else NAMES_SERVER + self.target


@dataclass(frozen=True, slots=True)
class NtlmFingerprint:
    """An NTLM message of the client ([MS-NLMP] 2.2.1)."""

    message: int
    """1 NEGOTIATE, 3 AUTHENTICATE."""
    flags: int
    version: tuple[int, int, int] | None
    """Major, minor, build as the client claims; macOS and Samba claim to be Windows 7 here. None also where
    the flag says that there is one and the payload begins in its place."""
    bare: bool
    """Not wrapped in SPNEGO."""
    proof: ProofFingerprint | None = None
    """Of an AUTHENTICATE with an NTLMv2 response."""


@dataclass(frozen=True, slots=True)
class SessionFingerprint:
    """A SESSION_SETUP. The security mode of the SMB2 one is left out: it follows the server."""

    ntlm: NtlmFingerprint | None = None
    spnego: Spnego | None = None
    """The mechanisms that it lists, and the clear fields of its Kerberos token."""
    extended: bool = True
    """False: SMB1 without extended security, plain challenge and response."""
    binding: bool = False
    """SMB2_SESSION_FLAG_BINDING: a further channel of a session that exists ([MS-SMB2] 2.2.5)."""
    flags2: int = 0
    capabilities: int = 0
    max_mpx: int = 0
    native_os: str = ""
    native_lanman: str = ""
    smb1: bool = False


def smb1_negotiate(frame: bytes) -> Smb1Fingerprint:
    """Of a whole SMB1 message."""
    flags, flags2 = struct.unpack_from("<BH", frame, 9)
    return Smb1Fingerprint(flags, flags2, *struct.unpack_from("<4H", frame, 24))


def smb2_negotiate(message: bytes) -> Smb2Fingerprint:
    """Of a whole SMB2 message. Contexts behind one that is cut off are left out."""
    (credit_charge,) = struct.unpack_from("<H", message, 6)
    wanted, flags = struct.unpack_from("<HI", message, 14)
    (pid,) = struct.unpack_from("<I", message, 32)
    count, mode, capabilities = struct.unpack_from("<HH2xI", message, 66)
    dialects = struct.unpack_from(f"<{count}H", message, 100)
    contexts = _contexts(message) if 0x0311 in dialects else ()
    return Smb2Fingerprint(mode, capabilities, contexts, pid, credit_charge, wanted, flags)


def _contexts(message: bytes) -> tuple[ContextFingerprint, ...]:
    at, count = struct.unpack_from("<IH", message, 92)
    found: list[ContextFingerprint] = []
    for _ in range(min(count, _MOST_CONTEXTS)):
        if at + 8 > len(message):
            break
        kind, length = struct.unpack_from("<HH", message, at)
        found.append(_context(kind, message[at + 8 : at + 8 + length]))
        at += 8 + (length + 7) // 8 * 8
    return tuple(found)


def _context(kind: int, data: bytes) -> ContextFingerprint:
    """[MS-SMB2] 2.2.3.1.1 to 2.2.3.1.7; of a context that is cut off or unknown only its kind."""
    if kind == _PREAUTH and len(data) >= 4:
        number, salt = struct.unpack_from("<HH", data)
        return ContextFingerprint(kind, _numbers(data, 4, number), min(salt, 256))
    if kind in _ALGORITHMS and len(data) >= _ALGORITHMS[kind]:
        (number,) = struct.unpack_from("<H", data)
        flags = int.from_bytes(data[4:8], "little") if kind == _COMPRESSION else 0
        return ContextFingerprint(kind, _numbers(data, _ALGORITHMS[kind], number), flags=flags)
    if kind == _TRANSPORT and len(data) >= 4:
        return ContextFingerprint(kind, flags=int.from_bytes(data[:4], "little"))
    if kind == _POSIX and data == _POSIX_MEANING:
        return ContextFingerprint(kind, data=data)
    return ContextFingerprint(kind)


def _numbers(data: bytes, at: int, count: int) -> tuple[int, ...]:
    count = min(count, (len(data) - at) // 2, _MOST_ALGORITHMS)
    return struct.unpack_from(f"<{count}H", data, at)


def ntlm(blob: bytes) -> NtlmFingerprint | None:
    """The NTLM message in a security blob, if there is one of the client's."""
    at = blob.find(_NTLMSSP)
    if at < 0:
        return None
    message = blob[at:]
    kind = int.from_bytes(message[8:12], "little")
    where, version_at = {1: (12, 32), 3: (60, 64)}.get(kind, (0, 0))
    # The flags of an AUTHENTICATE are as optional as its version: the oldest clients have names there.
    if not where or len(message) < where + 4 or _payload(message, kind) < where + 4:
        return None
    (flags,) = struct.unpack_from("<I", message, where)
    version = None
    if flags & _VERSION_FLAG and _payload(message, kind) >= version_at + _VERSION:
        major, minor, build, end = struct.unpack_from(
            "<BBH4s", message.ljust(version_at + _VERSION), version_at
        )
        version = (major, minor, build) if end in _REVISIONS else None
    return NtlmFingerprint(kind, flags, version, at == 0, _proof(message) if kind == 3 else None)


def names_server(message: bytes) -> tuple[str, ...]:
    """What an NTLM message says of the server that it is meant for, in words; nothing without NTLMv2.

    A Windows server can check it (SmbServerNameHardeningLevel); Samba checks it nowhere.
    """
    seen = ntlm(message)
    return (seen.proof.names_server,) if seen and seen.proof else ()


def _proof(message: bytes) -> ProofFingerprint | None:
    """Of an AUTHENTICATE; None without an NTLMv2 response: an older one has 24 bytes."""
    length, where = struct.unpack_from("<H2xI", message, _FIELDS[3][1])
    response = message[where : where + length]
    if len(response) <= _NTLMV2:
        return None
    own = []
    target, bound = None, False
    at = _NTLMV2
    for _ in range(_MOST_PAIRS):
        kind, size = struct.unpack_from("<HH", response.ljust(at + 4, b"\0"), at)
        if kind == 0:
            break
        own += [kind] if kind in AV_OF_CLIENTS else []
        value = response[at + 4 : at + 4 + min(size, _LONGEST_NAME)]
        if kind == _TARGET_NAME:
            target = kerberos.form(*value.decode("utf-16-le", "replace").split("/"))
        bound |= kind == _BINDINGS and any(value)
        at += 4 + size
    has_mic = _payload(message, 3) >= _MIC + 16 and any(message[_MIC : _MIC + 16])
    return ProofFingerprint(tuple(own[: len(AV_OF_CLIENTS)]), has_mic, target, bound)


def _payload(message: bytes, kind: int) -> int:
    """Where the first name or response of an NTLM message begins; its length where it has none."""
    begins = [len(message)]
    for where in _FIELDS[kind]:
        if where + 8 <= len(message):
            length, offset = struct.unpack_from("<H2xI", message, where)
            begins += [offset] if length else []
    return min(begins)


def smb1_session(frame: bytes, words: bytes, data: int) -> SessionFingerprint:
    """Of SESSION_SETUP_ANDX: [MS-SMB] 2.2.4.6.1 with, [MS-CIFS] 2.2.4.53.1 without extended security."""
    (flags2,) = struct.unpack_from("<H", frame, 10)
    unicode = bool(flags2 & 0x8000)
    # What follows in the message, such as the share of a TREE_CONNECT_ANDX, is none of these strings.
    frame = frame[: data + int.from_bytes(frame[data - 2 : data], "little")]
    if len(words) == 24:
        max_mpx, blob, capabilities = struct.unpack_from("<6xH6xH4xI", words)
        token = frame[data : data + blob]
        system, lanman = _strings(frame, data + blob, 2, unicode=unicode)
        return SessionFingerprint(
            ntlm(token),
            kerberos.spnego(token),
            True,
            False,
            flags2,
            capabilities,
            max_mpx,
            system,
            lanman,
            True,
        )
    if len(words) == 26:
        max_mpx, lm, nt, capabilities = struct.unpack_from("<6xH6xHH4xI", words)
        # Account and domain stand before these two and are not kept.
        _, _, system, lanman = _strings(frame, data + lm + nt, 4, unicode=unicode)
        return SessionFingerprint(
            None, None, False, False, flags2, capabilities, max_mpx, system, lanman, smb1=True
        )
    return SessionFingerprint(None, None, False, False, flags2, smb1=True)


def _strings(frame: bytes, at: int, count: int, *, unicode: bool) -> tuple[str, ...]:
    """That many terminated strings; UTF-16 ones are aligned to the header ([MS-CIFS] 2.2.1.1.2)."""
    found: list[str] = []
    if unicode:
        at += at % 2
    size, zero = (2, b"\0\0") if unicode else (1, b"\0")
    for _ in range(count):
        end = at
        while end + size <= len(frame) and frame[end : end + size] != zero:
            end += size
        raw = frame[at:end]
        found.append(raw.decode("utf-16-le", "replace") if unicode else decoded(raw, OEM))
        at = end + size
    return tuple(found)
