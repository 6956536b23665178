"""Network devices of the lab's own namespace and their addresses: rtnetlink(7), without a program for it."""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from harness.errors import LabFault

# linux/netlink.h, linux/rtnetlink.h, linux/if_link.h, linux/if_addr.h, linux/veth.h
_NEWLINK, _DELLINK, _NEWADDR, _DELADDR = 16, 17, 20, 21
_REQUEST_AND_ACK, _NEW = 0x05, 0x0600
_ERROR = 2
_IFLA_IFNAME, _IFLA_LINKINFO, _INFO_KIND, _INFO_DATA, _VETH_PEER = 3, 18, 1, 2, 1
_IFA_ADDRESS, _IFA_LOCAL, _IFA_BROADCAST = 1, 2, 4
_HEAD = struct.Struct("=LHHLL")
_LINK = struct.Struct("=BxHiLL")
_ADDRESS = struct.Struct("=BBBBI")
_UP = 1
DISCOVER: Final = "leave the check discover out, which alone needs it"


def make_pair(mine: str, peer: str) -> None:
    """Two veth devices that are each other's other end, not yet used. Raises LabFault."""
    other = _attribute(_VETH_PEER, _LINK.pack(0, 0, 0, 0, 0) + _text(_IFLA_IFNAME, peer))
    pair = _text(_INFO_KIND, "veth") + _attribute(_INFO_DATA, other)
    request = _LINK.pack(0, 0, 0, 0, 0) + _text(_IFLA_IFNAME, mine) + _attribute(_IFLA_LINKINFO, pair)
    _ask("make a pair of network devices (veth)", _NEWLINK, request, _NEW, DISCOVER)


def give(device: str, address: str, bits: int, broadcast: str, hint: str = "") -> None:
    """An address of a network of so many bits to a device. Raises LabFault, with ``hint``."""
    request = _on(device, address, bits) + _attribute(_IFA_BROADCAST, socket.inet_aton(broadcast))
    _ask("give it an address", _NEWADDR, request, _NEW, hint)


@contextmanager
def address_on(device: str, address: str, bits: int, broadcast: str) -> Iterator[None]:
    """A further address of a device, gone at the end. Raises LabFault."""
    give(device, address, bits, broadcast)
    try:
        yield
    finally:
        _ask("take an address back", _DELADDR, _on(device, address, bits))


def use(device: str) -> None:
    """Raises LabFault."""
    _ask("use it", _NEWLINK, _LINK.pack(0, 0, socket.if_nametoindex(device), _UP, _UP), hint=DISCOVER)


def remove(device: str) -> None:
    """Raises LabFault."""
    _ask("remove a network", _DELLINK, _LINK.pack(0, 0, socket.if_nametoindex(device), 0, 0))


def _on(device: str, address: str, bits: int) -> bytes:
    packed = socket.inet_aton(address)
    request = _ADDRESS.pack(socket.AF_INET, bits, 0, 0, socket.if_nametoindex(device))
    return request + _attribute(_IFA_LOCAL, packed) + _attribute(_IFA_ADDRESS, packed)


def _ask(what: str, kind: int, body: bytes, flags: int = 0, hint: str = "") -> None:
    """One request. Raises LabFault for what the kernel refuses."""
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
        raise LabFault(f"the lab cannot {what}: {os.strerror(-code)}", hint)


def _attribute(kind: int, value: bytes) -> bytes:
    return struct.pack("=HH", 4 + len(value), kind) + value + b"\0" * (-len(value) % 4)


def _text(kind: int, value: str) -> bytes:
    return _attribute(kind, value.encode() + b"\0")
