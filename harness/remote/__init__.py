"""The room of ways into a guest: run a command there, leave a file there."""

from __future__ import annotations

from pathlib import Path

from harness.model import GuestRoute
from harness.remote.base import Remote


def connect(route: GuestRoute, known_hosts: Path | None = None) -> Remote:
    """The way into a guest that its route names. Nothing is sent yet. ``known_hosts``: see ``SshRemote``."""
    # Imported here: whoever has no guests, as the workers of the local lab, need not keep these libraries.
    if route.communicator == "winrm":
        from harness.remote.winrm import WinRmRemote

        return WinRmRemote(route)
    from harness.remote.ssh import SshRemote

    return SshRemote(route, known_hosts)
