"""How somebody logs in to a guest by hand: the command line of ssh(1), which uses nothing of the user's."""

from __future__ import annotations

from pathlib import Path

from harness.model import GuestRoute


def by_ssh(way: GuestRoute, known_hosts: Path, *, terminal: bool, through: str = "") -> list[str]:
    """The words before those of a command there. ``through``: the command that leads to the guest's network.

    The list of host keys is the lab's own; neither the user's nor their ssh_config(5) is read or written.
    """
    words = ["ssh", "-q", *(["-t"] if terminal else []), "-i", way.key, "-p", str(way.port)]
    words += ["-F", "none", "-o", f"UserKnownHostsFile={known_hosts}", "-o", "IdentitiesOnly=yes"]
    if through:
        words += ["-o", f"ProxyCommand={through}"]
    return [*words, "-o", "StrictHostKeyChecking=accept-new", f"{way.user}@{way.address}"]
