"""What every way into a guest offers: run a command, leave a file, hang up."""

from __future__ import annotations

from typing import Protocol

from harness.model import GuestRoute
from harness.system.process import Result, keep_secret

PUBLIC = "vagrant"
"""The password that every public box brings along: no secret, and a word that much else contains."""


def hide(route: GuestRoute) -> None:
    """Keep a guest's password out of logs and errors, unless everybody knows it."""
    if route.password not in (PUBLIC, route.user):
        keep_secret(route.password)


class Remote(Protocol):
    """One guest of the lab that commands can be sent to. May be used from several threads."""

    @property
    def name(self) -> str:
        """The guest, as the Vagrantfile calls it."""

    def run(self, command: str, *, timeout: float, stdin: str = "") -> Result:
        """Run a command line of the guest's own shell to its end, at most ``timeout`` seconds.

        ``Result.status`` is its exit status, negative for a signal, None when it did not end in time.
        Raises LabFault when the guest cannot be reached or the connection breaks while it runs.
        """

    def put(self, path: str, data: bytes) -> None:
        """Write a file of the guest, whole. Raises LabFault when that is not possible."""

    def close(self) -> None:
        """Hang up. Never raises; a later ``run`` connects again."""
