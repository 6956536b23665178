"""The packets of a pcapng file (draft-ietf-opsawg-pcapng): several sections and interfaces in one file.

dpkt's own reader takes the first interface's link type for all packets; captures of Windows and of "any"
have several.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Protocol

SECTION: Final = 0x0A0D0D0A
_INTERFACE: Final = 1
_OLD_PACKET: Final = 2
_SIMPLE_PACKET: Final = 3
_PACKET: Final = 6
_LITTLE: Final = b"\x4d\x3c\x2b\x1a"
_BIG: Final = b"\x1a\x2b\x3c\x4d"
_RESOLUTION: Final = 9
_OFFSET: Final = 14
_MOST_INTERFACES: Final = 4096


class Source(Protocol):
    """Where the bytes come from."""

    def read(self, size: int) -> bytes:
        """``size`` bytes, fewer only at the end."""


class Malformed(ValueError):
    """The file breaks the format here."""


@dataclass(frozen=True, slots=True)
class _Interface:
    link: int
    per_second: float
    offset: int


def packets(source: Source) -> Iterator[tuple[float, int, bytes]]:
    """Time (seconds since 1970), link type and bytes of each packet.

    Ends at the end of the file. Raises Malformed or struct.error where it cannot go on.
    """
    order = "<"
    interfaces: list[_Interface] = []
    while len(head := source.read(8)) == 8:
        kind = int.from_bytes(head[:4], "little")
        if kind == SECTION:
            magic = source.read(4)
            if magic not in (_LITTLE, _BIG):
                raise Malformed("a section without byte order")
            order = "<" if magic == _LITTLE else ">"
            interfaces = []
            _body(source, order, head, 4)
            continue
        (kind,) = struct.unpack_from(f"{order}I", head)
        body = _body(source, order, head, 0)
        if kind == _INTERFACE:
            if len(interfaces) >= _MOST_INTERFACES:
                raise Malformed("too many interfaces")
            interfaces.append(_interface(body, order))
        elif kind in (_PACKET, _OLD_PACKET):
            form = f"{order}IIII4x" if kind == _PACKET else f"{order}HxxIII4x"
            number, high, low, size = struct.unpack_from(form, body)
            if number >= len(interfaces):
                raise Malformed(f"a packet of interface {number}, which there is not")
            one = interfaces[number]
            time = one.offset + (high << 32 | low) / one.per_second
            yield time, one.link, body[20 : 20 + size]
        elif kind == _SIMPLE_PACKET and interfaces:
            (size,) = struct.unpack_from(f"{order}I", body)
            yield 0.0, interfaces[0].link, body[4 : 4 + size]


def _body(source: Source, order: str, head: bytes, read: int) -> bytes:
    """The rest of a block without its closing length; ``read`` bytes of its body are read already."""
    (size,) = struct.unpack_from(f"{order}I", head, 4)
    if size < 12 + read:
        raise Malformed(f"a block of {size} bytes")
    rest = source.read(size - 8 - read)
    if len(rest) < size - 8 - read:
        raise Malformed(f"{len(rest)} of {size - 8 - read} bytes of a block are there")
    return rest[:-4]


def _interface(body: bytes, order: str) -> _Interface:
    (link,) = struct.unpack_from(f"{order}H", body)
    per_second, offset = 1e6, 0
    at = 8
    while at + 4 <= len(body):
        code, length = struct.unpack_from(f"{order}HH", body, at)
        value = body[at + 4 : at + 4 + length]
        if code == _RESOLUTION and value:
            # The top bit tells powers of two from powers of ten.
            base, power = (2, value[0] & 0x7F) if value[0] & 0x80 else (10, min(value[0], 18))
            per_second = float(base**power)
        elif code == _OFFSET and len(value) == 8:
            (offset,) = struct.unpack(f"{order}q", value)
        elif code == 0:
            break
        at += 4 + (length + 3) // 4 * 4
    return _Interface(link, per_second, offset)
