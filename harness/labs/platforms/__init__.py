"""How a lab makes the running server of a platform: one file a platform, of the same name as the platform's.

It offers ``PART``. What it starts is loaded where it is started: the local lab needs nothing of Vagrant's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from harness.errors import LabFault
from harness.labs.home import Home
from harness.labs.samba_conf import Account
from harness.model import GuestRoute
from harness.remote.base import Remote
from harness.servers.base import Server
from harness.servers.live import LiveServer
from harness.servers.platform import Platform
from harness.windows.fingerprint import Fingerprint

if TYPE_CHECKING:
    from harness.labs.vagrant.machine import Machine

Runners = tuple[tuple[str, tuple[str, ...]], ...]
"""The images of client programs, and the command line that runs a program in each (``Target.roots``)."""


@dataclass(frozen=True, slots=True)
class LocalBench:
    """What the local lab gives a server."""

    home: Home
    account: Account
    root: Callable[[str], Path]
    """Where an image is mounted."""
    runners: Runners
    mount: Callable[[str, Mapping[str, str]], Path]
    """The same with these files instead of the image's own: path -> text."""
    template: Path | None
    """Where the template of the lab's domain is (``labs.domain``); None where it could not be made."""


@dataclass(frozen=True, slots=True)
class Beside:
    """What the vagrant lab has for what runs beside a guest: in its own namespace, on the guests' bridge."""

    template: Path | None
    """As in ``LocalBench``."""
    mount: Callable[[str, Mapping[str, str]], Path]
    """As in ``LocalBench``."""
    folder: Path
    """For what is kept there; programs of an image see it at ``home.INSIDE``."""
    address: Callable[[], AbstractContextManager[str]]
    """An address on the bridge, for one alone until the context ends. Raises LabFault."""


@dataclass(frozen=True, slots=True)
class GuestBench:
    """What the vagrant lab gives a server in a guest."""

    account: Account
    evidence: Path
    runners: Runners
    clients: Callable[[], tuple[GuestRoute, ...]]
    """The guests of the clients; they are started when this is called."""
    known_hosts: Path
    fingerprints: MutableMapping[str, Fingerprint]
    """What each Windows under change was set to when it was fresh."""
    beside: Beside | None
    """None where the guests are another machine's, and do not reach this one."""


class LocalServer(LiveServer, Protocol):
    """A server of the local lab, made and not yet started."""

    def start(self) -> None:
        """Returns when it serves. Raises LabFault when it does not come up."""

    def dispose(self) -> None:
        """End it and all that it started; also where ``start`` failed."""


class LabPart:
    """The part of a platform that labs have. What it does not override, it cannot."""

    def local(self, server: Server, bench: LocalBench) -> LocalServer:  # noqa: ARG002
        """A server of the local lab, not yet started. Raises LabFault."""
        raise _no_way(server, "local")

    def in_guest(
        self,
        server: Server,
        machine: Machine,  # noqa: ARG002
        bench: GuestBench,  # noqa: ARG002
    ) -> AbstractContextManager[LiveServer]:
        """A started server in a guest; its context ends it, or leaves it to the next restore of the guest.

        Raises LabFault.
        """
        raise _no_way(server, "vagrant")

    def outfit(self, account: Account, remote: Remote) -> None:
        """Make a guest ready to serve, once, before its snapshot is taken. Raises LabFault."""


def part_of(platform: Platform) -> LabPart:
    """What labs have of a platform; where there is no such file, a part that can serve nothing."""
    name = f"{__name__}.{platform.name}"
    part = import_module(name).PART if find_spec(name) else LabPart()
    if not isinstance(part, LabPart):
        raise TypeError(f"{name}.PART is no LabPart")
    return part


def _no_way(server: Server, lab: str) -> LabFault:
    return LabFault(f"the {lab} lab has no way to serve {server.name}: it is of platform {server.platform}")
