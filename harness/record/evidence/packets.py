"""The packets of one cell as a pcapng file (draft-ietf-opsawg-pcapng) without its secrets.

Each phase is an interface of its own, which Wireshark can filter by:
``frame.interface_name == "applied"``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from operator import itemgetter
from typing import Final

from dpkt import pcapng

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
    return bytes(
        pcapng.SectionHeaderBlockLE(
            opts=_options(
                (pcapng.PCAPNG_OPT_COMMENT, title.encode("ascii", "backslashreplace")),
                (pcapng.PCAPNG_OPT_SHB_USERAPPL, software.encode("ascii", "backslashreplace")),
            )
        )
    )


def _interface(phase: Phase) -> bytes:
    return bytes(
        pcapng.InterfaceDescriptionBlockLE(
            linktype=_ETHERNET,
            snaplen=_SNAPSHOT,
            opts=_options(
                (pcapng.PCAPNG_OPT_IF_NAME, phase.value.encode()),
                (pcapng.PCAPNG_OPT_IF_DESCRIPTION, b"lo of the lab: SMB, and Kerberos"),
                (pcapng.PCAPNG_OPT_IF_TSRESOL, _NANOSECONDS),
            ),
        )
    )


def _options(*known: tuple[int, bytes]) -> list[pcapng.PcapngOptionLE]:
    made = [pcapng.PcapngOptionLE(code=code, data=data) for code, data in known]
    return [*made, pcapng.PcapngOptionLE(code=pcapng.PCAPNG_OPT_ENDOFOPT, len=0)]


def _packet(packet: Packet, interface: int) -> bytes:
    return bytes(
        pcapng.EnhancedPacketBlockLE(
            iface_id=interface,
            ts_high=packet.time >> 32,
            ts_low=packet.time & 0xFFFFFFFF,
            pkt_data=packet.frame,
        )
    )
