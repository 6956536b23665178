"""What Kerberos and SPNEGO are written in, read as far as it makes sense: ITU-T X.690 by asn1crypto.

Only the outer pieces of a message are looked at, one level at a time: what is encrypted stays closed, and a
piece that is cut off or makes no sense ends the reading of its level, never with an exception.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from harness.system.later import Later

parser: Any = Later("asn1crypto.parser")

SEQUENCE: Final = 0x30
OID: Final = 0x06
OCTETS: Final = 0x04
_CONTEXT: Final = 0xA0
_HIGH: Final = 0x1F
"""A tag number above 30 follows in octets of its own."""
_MOST: Final = 256
"""Pieces of one level that are looked at."""
_NUMBERS: Final = {0x02, 0x0A}
"""INTEGER and ENUMERATED."""


@dataclass(frozen=True, slots=True)
class Piece:
    """One tag, length and value."""

    tag: int
    """The identifier octet: class, form and number (X.690 8.1.2)."""
    content: bytes
    size: int
    """Bytes of all of it."""
    wide: bool
    """Its length takes more bytes than it needs, as BER allows and DER does not (X.690 10.1)."""


def pieces(data: bytes) -> Iterator[Piece]:
    """The pieces that follow each other in ``data``."""
    at = 0
    for _ in range(_MOST):
        if at >= len(data):
            return
        if data[at] & _HIGH == _HIGH:
            return  # neither has any, and asn1crypto takes time with the square of their length
        try:
            _, _, _, head, content, tail = parser.parse(data[at:])
        except (ValueError, IndexError, RecursionError):
            return
        yield Piece(head[0], content, len(head) + len(content) + len(tail), _is_wide(head, content))
        at += len(head) + len(content) + len(tail)


def first(data: bytes, tag: int) -> bytes | None:
    """The content of the first piece where it has that tag."""
    piece = next(pieces(data), None)
    return piece.content if piece and piece.tag == tag else None


def fields(data: bytes) -> dict[int, bytes]:
    """The fields of a SEQUENCE by the numbers of their explicit tags, each with its own tag and length.

    All that Kerberos and SPNEGO say is said so; empty where it is none.
    """
    content = first(data, SEQUENCE)
    return {
        piece.tag & 0x1F: piece.content for piece in pieces(content or b"") if piece.tag & 0xE0 == _CONTEXT
    }


def number(data: bytes | None, default: int = 0) -> int:
    """An INTEGER or ENUMERATED; ``default`` where it is none."""
    piece = next(pieces(data or b""), None)
    return default if piece is None or piece.tag not in _NUMBERS else _number(piece.content)


def bits(data: bytes | None) -> int:
    """A BIT STRING of 32 flags as a number, the first flag as its highest bit (RFC 4120, 5.2.8)."""
    content = first(data or b"", 0x03) or b""
    return int.from_bytes(content[1:5].ljust(4, b"\0"), "big")


def texts(data: bytes) -> tuple[str, ...]:
    """The strings of a SEQUENCE OF KerberosString (RFC 4120, 5.2.1)."""
    content = first(data, SEQUENCE) or b""
    return tuple(piece.content.decode("utf-8", "replace") for piece in pieces(content) if piece.tag == 0x1B)


def numbers(data: bytes | None) -> tuple[int, ...]:
    """The integers of a SEQUENCE OF Int32."""
    content = first(data or b"", SEQUENCE) or b""
    return tuple(_number(piece.content) for piece in pieces(content) if piece.tag in _NUMBERS)


def oid(content: bytes) -> str:
    """An object identifier in dotted form (X.690 8.19); "" for what is none."""
    parts: list[int] = []
    value = 0
    for byte in content[:32]:
        value = value << 7 | byte & 0x7F
        if not byte & 0x80:
            parts.append(value)
            value = 0
    if not parts or content[-1] & 0x80:
        return ""
    top = min(parts[0] // 40, 2)
    return ".".join(map(str, (top, parts[0] - 40 * top, *parts[1:])))


def _number(content: bytes) -> int:
    """Of at most 64 bits, as all numbers of Kerberos are."""
    return int.from_bytes(content[-8:], "big", signed=True)


def _is_wide(head: bytes, content: bytes) -> bool:
    if len(head) < 3 or head[1] == 0x80:
        return False
    needed = 0 if len(content) < 0x80 else (len(content).bit_length() + 7) // 8
    return len(head) - 2 > needed
