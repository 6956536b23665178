"""The three messages of NTLM as bytes: [MS-NLMP] 2.2.1. What is in them is ``harness.smb.ntlm``'s."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from harness.smb.parsing import OEM, cut, expect

SIGNATURE = b"NTLMSSP\0"
NEGOTIATE_VERSION = 0x02000000
"""The message tells a version: [MS-NLMP] 2.2.2.5."""
UNICODE = 0x00000001
"""Names are in UTF-16, else in the character set of the machine."""

Version = tuple[int, int, int]
"""Major, minor, build: [MS-NLMP] 2.2.2.10."""

_REVISION = 15
_NEGOTIATE = struct.Struct("<8sLL8x8x")
_CHALLENGE = struct.Struct("<8sL8xL8s8xHHL")
_FIELD = struct.Struct("<HHL")
_MIC = bytes(16)


@dataclass(frozen=True, slots=True)
class Challenge:
    """What a server asks with: [MS-NLMP] 2.2.1.2."""

    flags: int
    challenge: bytes
    target_info: bytes
    """AV pairs: [MS-NLMP] 2.2.2.1; empty where the server sends none."""


def negotiate(flags: int, version: Version) -> bytes:
    """NEGOTIATE_MESSAGE with neither domain nor workstation: [MS-NLMP] 2.2.1.1.

    The version is told where the flags say so, and is zero else.
    """
    return _NEGOTIATE.pack(SIGNATURE, 1, flags) + _version(flags, version)


def challenge(message: bytes, what: str) -> Challenge:
    """Read a CHALLENGE_MESSAGE: [MS-NLMP] 2.2.1.2. Raises LabFault, naming ``what``, when it is none."""
    expect(len(message) >= _CHALLENGE.size, what, message[:12].hex())
    signature, kind, flags, asked, length, _, offset = _CHALLENGE.unpack_from(message)
    expect(signature == SIGNATURE and kind == 2, what, message[:12].hex())
    return Challenge(flags, asked, cut(message, offset, length, what))


def authenticate(
    flags: int,
    version: Version,
    *,
    lm: bytes,
    nt: bytes,
    domain: str,
    user: str,
    workstation: str,
    session_key: bytes,
) -> bytes:
    """AUTHENTICATE_MESSAGE: [MS-NLMP] 2.2.1.3. The flags say how names are written, and whether a version is.

    Its message integrity code is zero: no AV pair announces one, so servers do not check it.
    """
    charset = "utf-16le" if flags & UNICODE else OEM
    names = [name.encode(charset, "replace") for name in (domain, user, workstation)]
    payload = [*names, lm, nt, session_key]
    fixed = 12 + 6 * _FIELD.size + 4 + 8 + len(_MIC)
    offsets = [fixed + sum(map(len, payload[:number])) for number in range(len(payload))]
    fields = [_FIELD.pack(len(part), len(part), at) for part, at in zip(payload, offsets, strict=True)]
    # The header's order is not the payload's: responses first there.
    header = fields[3:5] + fields[:3] + fields[5:]
    return b"".join(
        [
            struct.pack("<8sL", SIGNATURE, 3),
            *header,
            struct.pack("<L", flags),
            _version(flags, version),
            _MIC,
            *payload,
        ]
    )


def _version(flags: int, version: Version) -> bytes:
    if not flags & NEGOTIATE_VERSION:
        return bytes(8)
    return struct.pack("<BBH3xB", *version, _REVISION)
