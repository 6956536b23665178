"""Packets of TCP and UDP over IPv4 as a lab records them: Ethernet frames with a time, by connection."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import Final, NamedTuple

End = tuple[str, int]
"""An address and a port."""

_ETHERNET: Final = 14
_IPV4: Final = 0x0800
_TCP: Final = 6
_UDP: Final = 17
SYN: Final = 0x02
ACK: Final = 0x10


class Packet(NamedTuple):
    """One frame."""

    time: int
    """Nanoseconds since 1970."""
    frame: bytes


@dataclass(slots=True)
class Connection:
    """One TCP connection of a client to a server, or what it said over UDP, as far as it was recorded."""

    client: End
    server: End
    opening: int | None = None
    """The client's first sequence number; None where its first packet was not seen."""
    packets: list[Packet] = field(default_factory=list)
    size: int = 0
    """Bytes of these packets."""
    left_out: int = 0
    """Packets that were seen and not kept, for they were too many."""

    @property
    def began(self) -> float:
        """Seconds since 1970, of its first packet."""
        return self.packets[0].time / 1e9 if self.packets else 0.0


class Head(NamedTuple):
    """What the headers of a frame say."""

    source: End
    target: End
    sequence: int
    flags: int
    payload: int
    """Where in the frame the payload begins."""
    size: int
    """Bytes of payload, by the IP header: a frame may be padded."""
    datagram: bool = False
    """UDP: there is no sequence, and each packet stands for itself."""

    @property
    def opens(self) -> bool:
        """A client's first packet."""
        return self.flags & (SYN | ACK) == SYN


_PORTS: Final = struct.Struct(">HHIIBB")
_ENDS: Final = struct.Struct(">HH")
_DATAGRAM: Final = 8
"""Bytes of the header of UDP."""


def head(frame: bytes) -> Head | None:
    """The headers of a frame; None for what is no TCP or UDP over IPv4 (RFC 791, 9293, 768), or cut off."""
    if len(frame) < _ETHERNET + 28 or int.from_bytes(frame[12:14], "big") != _IPV4:
        return None
    ip = (frame[_ETHERNET] & 0x0F) * 4
    tcp = _ETHERNET + ip
    fragment = int.from_bytes(frame[20:22], "big") & 0x1FFF
    header = {_TCP: 20, _UDP: _DATAGRAM}.get(frame[23], 0)
    if frame[_ETHERNET] >> 4 != 4 or ip < 20 or not header or fragment or len(frame) < tcp + header:
        return None
    datagram = frame[23] == _UDP
    if datagram:
        source, target = _ENDS.unpack_from(frame, tcp)
        sequence, flags, payload = 0, 0, tcp + _DATAGRAM
    else:
        source, target, sequence, _, offset, flags = _PORTS.unpack_from(frame, tcp)
        payload = tcp + (offset >> 4) * 4
    # Where the kernel's offload made one frame of many, the total length may be 0 (RFC 791 has 16 bits).
    total = int.from_bytes(frame[16:18], "big") or len(frame) - _ETHERNET
    end = min(len(frame), _ETHERNET + total)
    return Head(
        (_dotted(frame, 26), source),
        (_dotted(frame, 30), target),
        sequence,
        flags,
        payload,
        max(0, end - payload),
        datagram,
    )


def _dotted(frame: bytes, at: int) -> str:
    return f"{frame[at]}.{frame[at + 1]}.{frame[at + 2]}.{frame[at + 3]}"
