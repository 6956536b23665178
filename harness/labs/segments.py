"""A server's own small network inside the lab, where broadcasts and multicasts go round: for ``discover``.

Neither nmbd nor wsdd works on the loopback device (measured). A pair of veth devices, both in the lab's own
namespace, does, for an ordinary user too: what is sent to all on one end comes back to every socket there.
Its addresses are of 198.18.0.0/15, which is for tests inside a closed network (RFC 2544, RFC 6890).
"""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import IPv4Address
from typing import Final

from harness.errors import LabFault
from harness.model import Segment
from harness.servers.base import Server, parameter_key

SEGMENT_BITS: Final = 29
WORKGROUP: Final = "WORKGROUP"
"""Samba's own default: smb.conf(5), workgroup."""

_FIRST: Final = int(IPv4Address("198.18.0.0"))
_MOST: Final = 1 << SEGMENT_BITS - 15
"""So many there are in a network of 15 bits."""

# linux/netlink.h, linux/rtnetlink.h, linux/if_link.h, linux/if_addr.h, linux/veth.h
_NEWLINK, _DELLINK, _NEWADDR = 16, 17, 20
_REQUEST_AND_ACK, _NEW = 0x05, 0x0600
_ERROR = 2
_IFLA_IFNAME, _IFLA_LINKINFO, _INFO_KIND, _INFO_DATA, _VETH_PEER = 3, 18, 1, 2, 1
_IFA_ADDRESS, _IFA_LOCAL, _IFA_BROADCAST = 1, 2, 4
_HEAD = struct.Struct("=LHHLL")
_LINK = struct.Struct("=BxHiLL")
_ADDRESS = struct.Struct("=BBBBI")
_UP = 1


@contextmanager
def segment_for(of: Server, number: int) -> Iterator[Segment | None]:
    """The network of the ``number``-th server of a lab, where it is to be found in one; gone at the end.

    Raises LabFault where the kernel makes none.
    """
    if not of.on_network:
        yield None
        return
    named = {parameter_key(name): value for name, value in of.conf.globals.items()}
    workgroup = named.get("workgroup", WORKGROUP).strip()
    first = _FIRST + (number % _MOST << 32 - SEGMENT_BITS)
    mine, peer = f"rehearse{2 * number}", f"rehearse{2 * number + 1}"
    server, client, broadcast = (str(IPv4Address(first + at)) for at in (1, 2, 7))
    _make(mine, peer, [server, client, broadcast])
    try:
        yield Segment(mine, server, client, broadcast, workgroup)
    finally:
        _ask("remove a network", _DELLINK, _LINK.pack(0, 0, socket.if_nametoindex(mine), 0, 0))


def _make(mine: str, peer: str, addresses: list[str]) -> None:
    server, client, broadcast = map(socket.inet_aton, addresses)
    other = _attribute(_VETH_PEER, _LINK.pack(0, 0, 0, 0, 0) + _text(_IFLA_IFNAME, peer))
    pair = _text(_INFO_KIND, "veth") + _attribute(_INFO_DATA, other)
    request = _LINK.pack(0, 0, 0, 0, 0) + _text(_IFLA_IFNAME, mine) + _attribute(_IFLA_LINKINFO, pair)
    _ask("make a pair of network devices (veth)", _NEWLINK, request, _NEW)
    index = socket.if_nametoindex(mine)
    for address in (server, client):
        request = _ADDRESS.pack(socket.AF_INET, SEGMENT_BITS, 0, 0, index)
        request += _attribute(_IFA_LOCAL, address) + _attribute(_IFA_ADDRESS, address)
        _ask("give it an address", _NEWADDR, request + _attribute(_IFA_BROADCAST, broadcast), _NEW)
    for name in (mine, peer):
        _ask("use it", _NEWLINK, _LINK.pack(0, 0, socket.if_nametoindex(name), _UP, _UP))


def _ask(what: str, kind: int, body: bytes, flags: int = 0) -> None:
    """One request of rtnetlink(7). Raises LabFault for what the kernel refuses."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as kernel:
        kernel.settimeout(5.0)
        try:
            kernel.send(_HEAD.pack(_HEAD.size + len(body), kind, flags | _REQUEST_AND_ACK, 1, 0) + body)
            answer = kernel.recv(65535)
        except OSError as error:
            raise LabFault(f"the lab cannot {what}: {error.strerror or error}") from error
    _, said, *_ = _HEAD.unpack_from(answer)
    (code,) = struct.unpack_from("=i", answer, _HEAD.size)
    if said != _ERROR or code:
        raise LabFault(
            f"the lab cannot {what}: {os.strerror(-code)}",
            "leave the check discover out, which alone needs it",
        )


def _attribute(kind: int, value: bytes) -> bytes:
    return struct.pack("=HH", 4 + len(value), kind) + value + b"\0" * (-len(value) % 4)


def _text(kind: int, value: str) -> bytes:
    return _attribute(kind, value.encode() + b"\0")
