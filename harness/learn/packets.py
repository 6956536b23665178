"""The layers below what is said: link, tags, IP or IPv6, TCP; and UDP, over which a KDC may be asked.

IP, IPv6, TCP and UDP headers are read by dpkt, which is only shown the first ``_HEAD`` bytes of a packet: it
copies the rest of the packet for each header that it unwraps, and hostile packets hold thousands of them.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

import dpkt

from harness.model import CLOSED, RESET
from harness.smb.tap.kdc import PORT as KDC_PORT

PORTS: Final = frozenset({445, 139})
"""Direct TCP, and the NetBIOS session service (RFC 1001)."""
_HEAD: Final = 256
"""Bytes in which the headers of an honest packet end: the longest IP and TCP headers are 60 each."""
_SMALLEST: Final = 4 + 32 + 3
"""Bytes of the smallest message with its frame."""
_MOST_SERVERS: Final = 64
"""Servers on other ports that are followed."""
_TAGS: Final = {0x8100, 0x88A8, 0x9100}
"""IEEE 802.1Q, 802.1ad, and what was used before 802.1ad."""
_MOST_TAGS: Final = 4
_IP_TYPES: Final = {0x0800, 0x86DD}
# Link types of tcpdump.org/linktypes.html: where the network header begins, or where its type stands.
_RAW: Final = {12: 0, 14: 0, 101: 0, 228: 0, 229: 0, 0: 4, 108: 4}
_TYPED: Final = {1: (12, 14), 113: (14, 16), 276: (0, 20)}


@dataclass(frozen=True, slots=True)
class Segment:
    """One TCP segment. ``data`` is shorter than ``length`` where the capture cut the packet off."""

    time: float
    """Seconds since 1970."""
    source: tuple[bytes, int]
    """Packed address and port."""
    target: tuple[bytes, int]
    sequence: int
    syn: bool
    opens: bool
    """SYN without ACK: the source opens the connection."""
    ends: str
    """RESET or CLOSED where the source ends its direction, else ""."""
    data: bytes
    length: int
    serves: tuple[bool, bool]
    """Whether source and target are ends of a server: of SMB, by port or by what was said there, or a KDC."""
    kdc: bool = False
    """The server is a Kerberos KDC, by its port."""


@dataclass(frozen=True, slots=True)
class Datagram:
    """One UDP datagram to or from a KDC."""

    time: float
    """Seconds since 1970."""
    source: tuple[bytes, int]
    target: tuple[bytes, int]
    data: bytes

    @property
    def from_kdc(self) -> bool:
        """The KDC sent it."""
        return self.source[1] == KDC_PORT


class Servers:
    """Which ends are SMB servers: of the usual ports, and any where a NEGOTIATE was asked or answered."""

    def __init__(self) -> None:
        self._others: set[tuple[bytes, int]] = set()
        self._ports = {port.to_bytes(2, "big") for port in (*PORTS, KDC_PORT)}

    def knows(self, end: tuple[bytes, int]) -> bool:
        """True for a server's end."""
        return end[1] in PORTS or end in self._others

    def may_speak(self, frame: bytes) -> bool:
        """False for a packet that cannot matter: a quick look that spares the reading."""
        head = frame[: _HEAD + 64]
        return b"SMB" in head or any(port in head for port in self._ports)

    def look(self, source: tuple[bytes, int], target: tuple[bytes, int], data: bytes) -> None:
        """Know the server again whose NEGOTIATE this is: [MS-CIFS] 2.2.3.1, [MS-SMB2] 2.2.1.2."""
        if len(data) < _SMALLEST or data[0] or not _SMALLEST - 4 <= int.from_bytes(data[1:4], "big") <= 65536:
            return
        if data[4:9] == b"\xffSMBr":
            answer = bool(data[13] & 0x80)
        elif data[4:10] == b"\xfeSMB@\0" and data[16:18] == b"\0\0":
            answer = bool(data[20] & 1)
        else:
            return
        if len(self._others) < _MOST_SERVERS:
            self._others.add(source if answer else target)
            self._ports.add((source if answer else target)[1].to_bytes(2, "big"))


class Fragment(Exception):
    """The packet is a fragment of a larger one."""


class UnknownLink(Exception):
    """The link type is none that can be read."""


def spoken(time: float, link: int, frame: bytes, servers: Servers) -> Segment | Datagram | None:
    """The segment or datagram in a packet; None when it is none of ours or makes no sense.

    Raises Fragment or UnknownLink.
    """
    start = _network(link, frame)
    if start is None or len(frame) <= start:
        return None
    head = frame[start : start + _HEAD]
    try:
        if head[0] >> 4 == 4:
            found = _ip4(head)
        elif head[0] >> 4 == 6:
            found = _ip6(head)
        else:
            return None
    except (dpkt.Error, struct.error, IndexError, KeyError, AttributeError, ValueError):
        return None  # what dpkt throws at headers that make no sense
    if found is None:
        return None
    addresses, tcp, offset, end = found
    source, target = (addresses[0], tcp.sport), (addresses[1], tcp.dport)
    end = end or len(frame) - start  # 0: the network card cuts the packet later (TSO)
    if isinstance(tcp, dpkt.udp.UDP):
        return Datagram(time, source, target, frame[start + offset + 8 : start + end])
    offset += tcp.off * 4
    if tcp.off < 5 or end < offset:
        return None
    data = frame[start + offset : start + end]
    if not servers.knows(source) and not servers.knows(target):
        servers.look(source, target, data)
    serves = servers.knows(source), servers.knows(target)
    kdc = not any(serves)
    if kdc:
        serves = source[1] == KDC_PORT, target[1] == KDC_PORT
    if not any(serves):
        return None
    syn = bool(tcp.flags & dpkt.tcp.TH_SYN)
    return Segment(
        time,
        source,
        target,
        tcp.seq,
        syn,
        syn and not tcp.flags & dpkt.tcp.TH_ACK,
        RESET if tcp.flags & dpkt.tcp.TH_RST else CLOSED if tcp.flags & dpkt.tcp.TH_FIN else "",
        data,
        end - offset,
        serves,
        kdc,
    )


Found = tuple[tuple[bytes, bytes], dpkt.tcp.TCP | dpkt.udp.UDP, int, int]
"""Addresses of source and target, TCP or UDP header, from the IP header: where that begins, its end."""


def _ip4(head: bytes) -> Found | None:
    ip = dpkt.ip.IP(head)
    if ip.p == dpkt.ip.IP_PROTO_TCP and (ip.offset or ip.mf):
        raise Fragment
    if not _ours(ip.data):
        return None
    if ip.mf:
        raise Fragment
    return (bytes(ip.src), bytes(ip.dst)), ip.data, ip.hl * 4, ip.len


def _ip6(head: bytes) -> Found | None:
    ip = dpkt.ip6.IP6(head)
    extensions = ip.all_extension_headers
    if any(isinstance(one, dpkt.ip6.IP6FragmentHeader) for one in extensions):
        raise Fragment
    if not _ours(ip.data):
        return None
    offset = 40 + sum(one.length for one in extensions)
    return (bytes(ip.src), bytes(ip.dst)), ip.data, offset, 40 + ip.plen if ip.plen else 0


def _ours(layer: object) -> bool:
    """TCP, or UDP of a KDC."""
    if isinstance(layer, dpkt.udp.UDP):
        return KDC_PORT in (layer.sport, layer.dport)
    return isinstance(layer, dpkt.tcp.TCP)


def _network(link: int, frame: bytes) -> int | None:
    """Where the IP header begins; None when the packet holds something else."""
    if link in _RAW:
        return _RAW[link]
    if link not in _TYPED:
        raise UnknownLink
    where, start = _TYPED[link]
    kind = int.from_bytes(frame[where : where + 2], "big")
    for _ in range(_MOST_TAGS):
        if kind not in _TAGS:
            break
        kind = int.from_bytes(frame[start + 2 : start + 4], "big")
        start += 4
    return start if kind in _IP_TYPES else None
