"""The room of ways into a guest: run a command there, leave a file there."""

from __future__ import annotations

from pathlib import Path

from harness.model import GuestRoute
from harness.remote.base import Remote
from harness.remote.ssh import SshRemote


def connect(route: GuestRoute, known_hosts: Path | None = None) -> Remote:
    """The way into a guest that its route names. Nothing is sent yet. ``known_hosts``: see ``SshRemote``."""
    if route.communicator == "winrm":
        # Imported here: only Windows guests need it, and it brings an HTTP library.
        from harness.remote.winrm import WinRmRemote

        return WinRmRemote(route)
    return SshRemote(route, known_hosts)
