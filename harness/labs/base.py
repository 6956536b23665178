"""What every lab offers: the one protocol that mitigations and the conductor speak, whatever the tier."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from harness.model import Target
from harness.result import Recovery, ServerFact
from harness.servers.base import Server, ServerState


class How(Enum):
    """How a changed configuration reaches a running server; the later the stronger."""

    RELOAD = 1
    """The configuration is read again; connections that are open stay open."""
    RESTART = 2
    """The server is stopped and started; every connection ends."""


@dataclass(frozen=True, slots=True)
class Software:
    """The server software that is really running: read from the process, not from a package list."""

    pid: int
    digest: str
    """SHA-256 of the running executable."""
    package: str
    """The package that this executable belongs to, with its version; "" when it cannot be told."""


class LiveServer(Protocol):
    """One started server of a lab."""

    @property
    def server(self) -> Server: ...

    @property
    def state(self) -> ServerState: ...

    @property
    def target(self) -> Target: ...

    @property
    def pristine(self) -> Recovery | None:
        """How it was made as it came from its vendor; None in a lab that makes every server anew."""

    @property
    def brought_back(self) -> Recovery | None:
        """How the last change was taken back, where the lab had more than one way."""

    def become(self, state: ServerState, how: How) -> None:
        """Change the server. Returns when it serves again (or is down, when ``state.running`` is False).

        Raises LabFault when it does not come back.
        """

    def prove(self, *, serves: bool) -> str:
        """Show that the server is healthy, or really down when it should be; says how.

        With ``serves`` the lab's own client must be able to list the share: so it must before a change and
        after its rollback. Without, a server that answers is healthy: a change may keep every client out.
        Raises LabFault when it cannot be shown.
        """

    def software(self) -> Software:
        """What is running. Raises LabFault when nothing is."""

    def shipped(self, image: str) -> Software:
        """The software that an image installs (``pid`` 0). Raises LabFault when the lab has it not."""

    def fact(self) -> ServerFact:
        """What the server is, for the result document."""

    def complaints(self) -> Sequence[str]:
        """What the server's log says about parameters that it does not know or ignores."""


class Lab(Protocol):
    """Where servers and clients live."""

    @property
    def name(self) -> str: ...

    def serve(self, server: Server) -> AbstractContextManager[LiveServer]:
        """Start a server of its own; it is stopped when the context ends, on every path."""
