"""What a platform is: the family of a server's software, and all that differs with it.

One file in ``harness.servers.platforms`` is one platform; its running server is made by the file of the same
name in ``harness.labs.platforms``. Nobody else asks which platform a server is of: they ask the platform.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Protocol

if TYPE_CHECKING:
    # A server has a platform, and a platform speaks of servers.
    from harness.servers.base import Server, ServerState
    from harness.servers.live import How

Say = Callable[..., str]
"""Words of the reader's language by their key (``settings.restart``), with places that are filled by name
(``harness.report.language.Language``)."""


class NotApplicableError(Exception):
    """This mitigation cannot be made on this server or client; the text says why. Not a fault."""


@dataclass(frozen=True, slots=True)
class Doing:
    """One thing that an administrator does, and undoes."""

    where: str
    """What is done where, in words: "in [global] of smb.conf"."""
    do: tuple[str, ...] = ()
    """Lines to copy; none where the words say it all."""
    undo: tuple[str, ...] = ()
    undo_where: str = ""
    """What undoes it, in words."""
    language: str = ""
    """Of the lines: ini, sh, powershell."""
    copies: bool = False
    """It keeps a copy of smb.conf, and what undoes the rest is to put that back."""


class Change(Protocol):
    """What a platform must know of a mitigation (``harness.mitigations.base.Mitigation``)."""

    @property
    def name(self) -> str: ...

    @property
    def how(self) -> How: ...

    @property
    def stops_server(self) -> bool: ...

    def on_server(self, state: ServerState, server: Server) -> ServerState: ...


class Machine(Protocol):
    """What a platform must know of a virtual machine (``harness.labs.guests.Guest``)."""

    @property
    def name(self) -> str: ...

    @property
    def image(self) -> str | None: ...

    @property
    def can(self) -> Sequence[str]: ...


class Platform(ABC):
    """One platform. It has no state: two of the same name are the same."""

    name: ClassVar[str]
    """In guests.yaml, in files of known holes, after ``--platform``; and of its file."""
    boot_seconds: ClassVar[int] = 300
    """The most that a guest may take to boot, in seconds: Linux took 26 to 35 under emulation on an idle
    machine (measured)."""
    linux: ClassVar[bool] = True
    """Its guests run Linux: the lab enters them by SSH with a key of its own and prepares them."""
    has_images: ClassVar[bool] = False
    """Its packages come from an image (``harness.labs.images``), and a guest names the image that it has."""
    reads_again: ClassVar[bool] = False
    """A server of it can be made to read its configuration again in more than one way (``How``)."""
    many_sessions: ClassVar[bool] = False
    """One connection carries one session after another, each answered as on one of its own (measured)."""
    who_connects: ClassVar[str] = ""
    """The key of the words that tell an administrator how to see who connects today; "" for no such words."""

    def __str__(self) -> str:
        return self.name

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Platform) and other.name == self.name

    def __hash__(self) -> int:
        return hash(self.name)

    @property
    def ability(self) -> str:
        """What a guest that can serve it says of itself in guests.yaml (``can``)."""
        return f"serve-{self.name}"

    @abstractmethod
    def changed(self, change: Change, state: ServerState, server: Server) -> ServerState:
        """The state of a server of this platform with a change. Raises NotApplicableError with the reason."""

    @abstractmethod
    def doings(
        self, change: Change, before: ServerState, after: ServerState, server: Server, say: Say
    ) -> Iterable[Doing]:
        """The change from one state to the other as an administrator makes and undoes it."""

    def served_by(self, guest: Machine, server: Server) -> bool:  # noqa: ARG002
        """Whether this guest, which can serve the platform, is the one for that server."""
        return True

    def has_packages(self, guest: Machine, image: str) -> bool:  # noqa: ARG002
        """Whether a guest can have the packages of an image (``ServerState.image``)."""
        return True
