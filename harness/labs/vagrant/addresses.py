"""Where the guests are: one host-only network, whose addresses go by the order of the catalogue.

The Vagrantfile counts in the same way, so that both know a guest's address.
"""

from __future__ import annotations

from collections.abc import Iterable

from harness.labs.vagrant.libvirt import Lease

NETWORK = "192.168.59"
"""The first three numbers of every address: a network that VirtualBox allows without configuration too."""
HOST = f"{NETWORK}.1"
"""The lab host on it."""
BITS = 24
"""Of that network."""
BROADCAST = f"{NETWORK}.255"
BESIDE = tuple(f"{NETWORK}.{number}" for number in range(2, 10))
"""For servers that run on the lab host beside a guest: the domain controller of a member."""
REMOTE_NETWORKS = tuple(f"192.168.{number}" for number in (59, 60, 61, 62, 63, 56, 57, 58))
"""The networks that are tried on another machine, where somebody else may have one of them."""
FIRST = 10
MOST = 180
"""So many guests have an address before those that are given out by chance."""


def leases(names: Iterable[str], network: str = NETWORK) -> list[Lease]:
    """The address of each guest, by the order of the catalogue; ``network``: its first three numbers."""
    return [
        Lease(name, f"52:54:00:59:00:{FIRST + index:02x}", f"{network}.{FIRST + index}")
        for index, name in enumerate(names)
        if index < MOST
    ]
