"""Packets of TCP and UDP over IPv4 as a lab records them: Ethernet frames with a time, by connection."""

from __future__ import annotations

import struct
import zlib
from array import array
from collections.abc import Iterable, Iterator, Sequence
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


_BLOCK: Final = 2**20
"""Bytes of frames that are packed together."""
_TRIED: Final = 2**15
"""Bytes by which it is seen whether packing is worth it: what is encrypted takes as much room as before."""


class Packets:
    """Packets one after the other, in little more memory than their bytes: each is made when it is asked for.

    As objects of their own they took twice as much and more: most have 60 to 200 bytes, and Python's part is
    150 of each. What a client wrote or read in one large file is packed, where that halves it.
    """

    __slots__ = ("_ends", "_kept", "_times")

    def __init__(self, packets: Iterable[Packet] = ()) -> None:
        self._kept: tuple[tuple[tuple[int, bytes], ...], bytearray] = (), bytearray()
        """Blocks of what came first, each with how many packets had come by its end, and the frames of what
        came since; in one, for whoever reads meanwhile."""
        self._times = array("q")
        self._ends = array("q")
        """Where in the bytes of its block each frame ends."""
        for one in packets:
            self.append(one)

    def append(self, packet: Packet) -> None:
        """Take one more; by one thread at a time. Whoever reads meanwhile has it or does not."""
        blocks, frames = self._kept
        frames += packet.frame
        self._times.append(packet.time)
        self._ends.append(len(frames))
        if len(frames) >= _BLOCK:
            self._kept = (*blocks, (len(self._ends), _packed(frames))), bytearray()

    def times(self) -> Sequence[int]:
        """Nanoseconds since 1970, of each."""
        return self._times

    def __len__(self) -> int:
        return len(self._ends)

    def __iter__(self) -> Iterator[Packet]:
        # First how many: all of these are in what is looked at next, whatever comes meanwhile.
        every = len(self._ends)
        blocks, latest = self._kept
        at = 0
        for many, packed in (*blocks, (every, None)):
            frames, begin = latest if packed is None else _unpacked(packed), 0
            for number in range(at, min(many, every)):
                end = self._ends[number]
                yield Packet(self._times[number], bytes(frames[begin:end]))
                begin = end
            at = many


def _packed(frames: bytearray) -> bytes:
    tried = frames[:_TRIED]
    packed = zlib.compress(frames, 1) if 2 * len(zlib.compress(tried, 1)) < len(tried) else frames
    return bytes(packed if len(packed) < _BLOCK else frames)


def _unpacked(block: bytes) -> bytes:
    return zlib.decompress(block) if len(block) < _BLOCK else block


@dataclass(slots=True)
class Connection:
    """One TCP connection of a client to a server, or what it said over UDP, as far as it was recorded."""

    client: End
    server: End
    opening: int | None = None
    """The client's first sequence number; None where its first packet was not seen."""
    packets: Packets = field(default_factory=Packets)
    size: int = 0
    """Bytes of these packets."""
    left_out: int = 0
    """Packets that were seen and not kept, for they were too many."""
    noticed: int = 0
    """When its first packet was seen, kept or not, in nanoseconds since 1970."""

    @property
    def began(self) -> float:
        """The same in seconds."""
        return self.noticed / 1e9


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
