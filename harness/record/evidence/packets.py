"""The packets of one cell as a pcapng file (draft-ietf-opsawg-pcapng) without its secrets.

Each phase is an interface of its own, which Wireshark can filter by:
``frame.interface_name == "applied"``.

It is written here, where few fields are needed: dpkt takes 40 ms of the processor to load, and five
times as long for a packet (measured; the bytes are the same).
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from operator import itemgetter
from typing import Final

from harness.model import Phase
from harness.smb import secrets
from harness.smb.packets import Connection, Head, Packet, head

_LONGEST: Final = 64 * 2**20
"""Bytes of a stream: numbers that lead further are none of a client's."""
_TURN: Final = 1 << 32
_HALF: Final = 1 << 31
_ETHERNET: Final = 1
_SNAPSHOT: Final = 262144
"""The most that Wireshark takes of a packet."""
_NANOSECONDS: Final = b"\x09"
_AROUND: Final = 32
"""Bytes of an Enhanced Packet Block (draft-ietf-opsawg-pcapng 4.3) beside its frame, which ends at four."""
# Types of blocks and codes of options: draft-ietf-opsawg-pcapng 4.1 to 4.3. All numbers are little-endian.
_SECTION, _INTERFACE, _PACKET = 0x0A0D0D0A, 1, 6
_END, _COMMENT, _NAME, _DESCRIPTION, _APPLICATION, _RESOLUTION = 0, 1, 2, 3, 4, 9
_BYTE_ORDER: Final = 0x1A2B3C4D
_NOT_SAID: Final = -1
"""The length of a section that is not told."""


@dataclass(frozen=True, slots=True)
class Recording:
    """A pcapng file, and what is not in it."""

    data: bytes
    packets: int
    left_out: int
    """Packets that were seen and are not in it, for they were too many."""


def write(
    phases: Mapping[Phase, tuple[float, Iterable[Connection]]], title: str, software: str, most: int
) -> Recording:
    """The connections of a cell's phases, each with the time (seconds since 1970) when its attempt began.

    A connection that was open before belongs to each phase with what was sent then.
    """
    order = list(phases)
    connections = list(_shared(phases))
    begin = [_section(title, software), *(_interface(phase) for phase in order)]
    room = most - sum(map(len, begin))
    # First which of them have room, in the order of time: what is left out is copied nowhere.
    seen = [
        (packet.time, which, at, len(packet.frame))
        for which, (connection, _) in enumerate(connections)
        for at, packet in enumerate(connection.packets)
    ]
    seen.sort(key=itemgetter(0))
    places: list[dict[int, int]] = [{} for _ in connections]
    for place, (_, which, at, size) in enumerate(seen):
        room -= _AROUND + size + -size % 4
        if room < 0:
            break
        places[which][at] = place
    blocks = [b""] * sum(map(len, places))
    for (connection, whose), kept in zip(connections, places, strict=True):
        for at, packet in enumerate(without_secrets(connection) if kept else ()):
            if at in kept:
                begun = [phase for phase in whose if phases[phase][0] <= packet.time / 1e9] or whose[:1]
                blocks[kept[at]] = _packet(packet, order.index(begun[-1]))
    left_out = sum(connection.left_out for connection, _ in connections) + len(seen) - len(blocks)
    return Recording(b"".join([*begin, *blocks]), len(blocks), left_out)


def _shared(
    phases: Mapping[Phase, tuple[float, Iterable[Connection]]],
) -> Iterator[tuple[Connection, list[Phase]]]:
    """Each connection once, with the phases that it was used in."""
    whose: dict[int, tuple[Connection, list[Phase]]] = {}
    for phase, (_, connections) in phases.items():
        for one in connections:
            whose.setdefault(id(one), (one, []))[1].append(phase)
    yield from whose.values()


def without_secrets(connection: Connection) -> Iterator[Packet]:
    """The packets of a connection, each as long as it was, with zeros where secrets were."""
    frames, times, heads = [], [], []
    for packet in connection.packets:
        frames.append(bytearray(packet.frame))
        times.append(packet.time)
        heads.append(head(packet.frame))
    for frame, found in zip(frames, heads, strict=True):
        if found is not None and found.datagram:
            said = bytearray(frame[found.payload : found.payload + found.size])
            secrets.blank(said)
            frame[found.payload : found.payload + found.size] = said
    for from_server in (False, True):
        own = {
            at: found
            for at, found in enumerate(heads)
            if found is not None
            and not found.datagram
            and found.size
            and (found.source == connection.server) is from_server
        }
        _blank(frames, own)
    for time, frame in zip(times, frames, strict=True):
        yield Packet(time, bytes(frame))


def _blank(frames: list[bytearray], own: Mapping[int, Head]) -> None:
    """Put one direction together by its sequence numbers, and take its secrets out of every frame."""
    if not own:
        return
    first = next(iter(own.values())).sequence
    places = {at: (one.sequence - first + _HALF) % _TURN - _HALF for at, one in own.items()}
    lowest = min(places.values())
    places = {at: place - lowest for at, place in places.items()}
    length = max(place + own[at].size for at, place in places.items())
    if length > _LONGEST:
        # No order can be told: nothing of what was said is kept.
        for at, one in own.items():
            frames[at][one.payload :] = bytes(len(frames[at]) - one.payload)
        return
    stream = bytearray(length)
    for at, place in places.items():
        begin, end = own[at].payload, own[at].payload + own[at].size
        stream[place : place + own[at].size] = frames[at][begin:end]
    if not secrets.blank(stream):
        return
    for at, place in places.items():
        begin, end = own[at].payload, own[at].payload + own[at].size
        frames[at][begin:end] = stream[place : place + own[at].size]


def _section(title: str, software: str) -> bytes:
    begun = struct.pack("<IHHq", _BYTE_ORDER, 1, 0, _NOT_SAID)
    told = {_COMMENT: title, _APPLICATION: software}
    return _block(
        _SECTION,
        begun + _options({code: text.encode("ascii", "backslashreplace") for code, text in told.items()}),
    )


def _interface(phase: Phase) -> bytes:
    options = _options(
        {
            _NAME: phase.value.encode(),
            _DESCRIPTION: b"lo of the lab: SMB, and Kerberos",
            _RESOLUTION: _NANOSECONDS,
        }
    )
    return _block(_INTERFACE, struct.pack("<HHI", _ETHERNET, 0, _SNAPSHOT) + options)


def _options(known: Mapping[int, bytes]) -> bytes:
    made = [struct.pack("<HH", code, len(data)) + _padded(data) for code, data in known.items()]
    return b"".join([*made, struct.pack("<HH", _END, 0)])


def _packet(packet: Packet, interface: int) -> bytes:
    size = len(packet.frame)
    begun = struct.pack("<IIIII", interface, packet.time >> 32, packet.time & 0xFFFFFFFF, size, size)
    return _block(_PACKET, begun + _padded(packet.frame))


def _block(kind: int, body: bytes) -> bytes:
    """A block; its length stands at both ends of it."""
    size = len(body) + 12
    return struct.pack("<II", kind, size) + body + struct.pack("<I", size)


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)
