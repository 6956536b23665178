"""A server's own small network inside the lab, where broadcasts and multicasts go round: for ``discover``.

Neither nmbd nor wsdd works on the loopback device (measured). A pair of veth devices, both in the lab's own
namespace, does, for an ordinary user too: what is sent to all on one end comes back to every socket there.
Its addresses are of 198.18.0.0/15, which is for tests inside a closed network (RFC 2544, RFC 6890).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import IPv4Address
from typing import Final

from harness.labs.network import netlink
from harness.model import Segment
from harness.servers.base import Server, parameter_key

SEGMENT_BITS: Final = 29
WORKGROUP: Final = "WORKGROUP"
"""Samba's own default: smb.conf(5), workgroup."""

_FIRST: Final = int(IPv4Address("198.18.0.0"))
_MOST: Final = 1 << SEGMENT_BITS - 15
"""So many there are in a network of 15 bits."""


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
    _make(mine, peer, server, client, broadcast)
    try:
        yield Segment(mine, server, client, broadcast, workgroup)
    finally:
        netlink.remove(mine)


def _make(mine: str, peer: str, server: str, client: str, broadcast: str) -> None:
    netlink.make_pair(mine, peer)
    for address in (server, client):
        netlink.give(mine, address, SEGMENT_BITS, broadcast, netlink.DISCOVER)
    for name in (mine, peer):
        netlink.use(name)
