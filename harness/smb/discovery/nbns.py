"""NetBIOS name queries and their answers: RFC 1002, 4.2.12 and 4.2.13. No I/O happens here."""

from __future__ import annotations

import socket
import struct
from dataclasses import dataclass, field
from typing import Final

from harness.smb.parsing import OEM
from harness.system.charsets import decoded

PORT: Final = 137
FILE_SERVER: Final = 0x20
"""The suffix of a name under which files are served."""
MASTER_BROWSER: Final = 0x1D
"""The suffix of a workgroup's name that its local master browser has: [MS-BRWS] 2.1."""

_HEAD: Final = struct.Struct(">HHHHHH")
_QUERY: Final = 0x0110
"""A request by broadcast, recursion desired."""
_POSITIVE: Final = 0x8500
_RESPONSE: Final = 0x8000
_RCODE: Final = 0x000F
_NB_IN: Final = struct.pack(">HH", 0x0020, 1)
_ENCODED: Final = 34
"""A name on the wire: the length of its one label, 32 letters, and the end."""


@dataclass(frozen=True, slots=True)
class Name:
    """A NetBIOS name: at most 15 characters, and the suffix that says what for."""

    text: str
    suffix: int
    charset: str = field(default=OEM, compare=False)
    """Python's codec of the network's names: smb.conf(5), dos charset."""

    def __str__(self) -> str:
        return f"{self.text}<{self.suffix:02x}>"


@dataclass(frozen=True, slots=True)
class Found:
    """A positive answer."""

    transaction: int
    name: Name
    addresses: tuple[str, ...]


def query(name: Name, transaction: int) -> bytes:
    """NAME QUERY REQUEST: who has this name?"""
    return _HEAD.pack(transaction, _QUERY, 1, 0, 0, 0) + _encoded(name) + _NB_IN


def queried(data: bytes) -> tuple[int, Name] | None:
    """The transaction and the name of a query; None for anything else."""
    if len(data) < _HEAD.size + _ENCODED + len(_NB_IN):
        return None
    transaction, flags, questions, *_ = _HEAD.unpack_from(data)
    name = _decoded(data[_HEAD.size :])
    if flags & _RESPONSE or questions != 1 or name is None:
        return None
    return transaction, name


def response(transaction: int, name: Name, address: str) -> bytes:
    """POSITIVE NAME QUERY RESPONSE: an address of that name."""
    entry = struct.pack(">LHH", 0, 6, 0) + socket.inet_aton(address)
    return _HEAD.pack(transaction, _POSITIVE, 0, 1, 0, 0) + _encoded(name) + _NB_IN + entry


def found(data: bytes, charset: str = OEM) -> Found | None:
    """A positive answer; None for anything else, whatever it is: everybody may send to this port."""
    begin = _HEAD.size + _ENCODED + len(_NB_IN)
    if len(data) < begin + 6:
        return None
    transaction, flags, questions, answers, *_ = _HEAD.unpack_from(data)
    name = _decoded(data[_HEAD.size :], charset)
    if not flags & _RESPONSE or flags & _RCODE or questions or not answers or name is None:
        return None
    _, length = struct.unpack_from(">LH", data, begin)
    entries = data[begin + 6 : begin + 6 + length]
    if len(entries) != length or length % 6:
        return None
    return Found(
        transaction,
        name,
        tuple(socket.inet_ntoa(entries[at + 2 : at + 6]) for at in range(0, length, 6)),
    )


def same(one: Name, other: Name) -> bool:
    """They are one name on the wire, where all letters are large, and 15 the most."""
    return _encoded(one) == _encoded(other)


def _encoded(name: Name) -> bytes:
    plain = name.text.upper().encode(name.charset, "replace")[:15].ljust(15) + bytes([name.suffix])
    return b"\x20" + bytes(0x41 + half for byte in plain for half in (byte >> 4, byte & 15)) + b"\0"


def _decoded(data: bytes, charset: str = OEM) -> Name | None:
    """A name without a scope, which is how every name of a workgroup is sent."""
    if data[:1] != b"\x20" or data[33:34] != b"\0":
        return None
    halves = [byte - 0x41 for byte in data[1:33]]
    if not all(0 <= half <= 15 for half in halves):
        return None
    plain = bytes(high << 4 | low for high, low in zip(halves[::2], halves[1::2], strict=True))
    return Name(decoded(plain[:15], charset).rstrip(" \0"), plain[15], charset)
