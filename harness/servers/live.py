"""What a running server can do, whatever lab started it: what mitigations and exposures know of labs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol, runtime_checkable

from harness.model import Target
from harness.result import Recovery, ServerFact
from harness.servers.base import Server, ServerState


class How(Enum):
    """How a changed configuration reaches a running server; the later the stronger."""

    HANGUP = 1
    """The first process reads the configuration again (SIGHUP, as systemctl reload has it); what serves the
    connections that are open is told nothing."""
    RELOAD = 2
    """All processes read the configuration again; connections that are open stay open."""
    CLOSE_SHARE = 3
    """The same, and every share that is open is closed; its clients are still connected."""
    RESTART = 4
    """The server is stopped and started; every connection ends."""


@dataclass(frozen=True, slots=True)
class Software:
    """The server software that is really running: read from the process, not from a package list."""

    pid: int
    digest: str
    """SHA-256 of the running executable."""
    package: str
    """The package that this executable belongs to, with its version; "" when it cannot be told."""


@dataclass(frozen=True, slots=True)
class ShareInternals:
    """One share as the server itself reports it."""

    name: str
    settings: Mapping[str, str]
    """Every parameter of it, defaults included, by the names of smb.conf(5)."""
    mount: tuple[str, ...]
    """The options of the file system that its path is on, as the server sees it (proc(5), mountinfo)."""


@dataclass(frozen=True, slots=True)
class ServerInternals:
    """What only whoever runs a server knows of it. A field that cannot be told is empty or None."""

    platform: str
    """Its name (``harness.servers.platforms``)."""
    version: str
    """Of the server software, as its package says, without the distribution's part: "4.13.13"."""
    package: str = ""
    """The installed package with its version: "samba 2:4.13.13+dfsg-1~deb11u6"; "" when not known."""
    release: str = ""
    """The operating system's release: "debian 11"."""
    emulates: str = ""
    """What the server stands for while this software runs; "" for the real thing."""
    fixes: frozenset[str] | None = None
    """The CVE names in the package's changelog; None when there is no changelog."""
    settings: Mapping[str, str] = field(default_factory=dict)
    """[global], every parameter, defaults included."""
    shares: tuple[ShareInternals, ...] = ()
    confined: bool | None = None
    """It runs under a security module's rules for it (SELinux, AppArmor); None where they are not its own."""
    confinement: str = ""
    """What says so."""
    modules: frozenset[str] | None = None
    """Samba: the VFS modules that are installed; a share that wants another one does not work at all."""
    log: tuple[str, ...] = ()
    """Lines of its log about pipes that were refused, modules that were loaded, and panics."""
    files: Mapping[str, str] = field(default_factory=dict)
    """Windows: the versions of driver files, "srv.sys" -> "6.1.7601.23689"."""
    changelog_from: int = 0
    """The first year whose fixes the changelog tells all; 0: it is whole."""
    packages_read: bool = True
    """False: which package the software is of cannot be told, so ``package`` = "" does not mean "of none"."""


@runtime_checkable
class Accessible(Protocol):
    """A started server of which somebody may look at the configuration and the log while it runs."""

    def access(self) -> Mapping[str, str]:
        """What there is -> its path here, or the command line that leads to it."""


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

    def prove(self, *, serves: bool, served: bool = False) -> str:
        """Show that the server is healthy, or really down when it should be; says how.

        With ``serves`` the lab's own client must be able to list the share: so it must before a change and
        after its rollback. Without, a server that answers is healthy: a change may keep every client out.
        ``served``: a client was let in just now, so the lab's own need not be.
        Raises LabFault when it cannot be shown.
        """

    def software(self) -> Software:
        """What is running. Raises LabFault when nothing is."""

    def shipped(self, image: str) -> Software:
        """The software that an image installs (``pid`` 0). Raises LabFault when the lab has it not."""

    def fact(self) -> ServerFact:
        """What the server is, for the result document."""

    def internals(self) -> ServerInternals | None:
        """What can be told of the server from within; None when it is down or cannot be asked."""

    def complaints(self, before: ServerState) -> Sequence[str]:
        """What the server does not know or take of the settings that changed since ``before``.

        A sentence each, with the parameter's name; also of a server that did not come up with them. Raises
        LabFault when it cannot be asked.
        """


@runtime_checkable
class ReadsState(Protocol):
    """A server whose own software tells how it reads a configuration: testparm(1)."""

    def reads_state(self, state: ServerState) -> Mapping[str, Mapping[str, str]]:
        """Every section of smb.conf(5) in a state -> parameter in small letters -> value, defaults included.

        Raises LabFault when it cannot be asked.
        """


@runtime_checkable
class LogKeeper(Protocol):
    """A server whose log can be read while it runs."""

    def log_after(self, before: Mapping[str, int]) -> tuple[str, Mapping[str, int]]:
        """What its log got behind so many bytes of each file, and how many each has now.

        Raises OSError where a file cannot be read.
        """


@runtime_checkable
class TakesTurns(Protocol):
    """A server that can be changed for one job after the other, each time back to what it was."""

    def next_job(self) -> None:
        """From now on it is another job's: what its log says until now is of none that comes."""


@runtime_checkable
class OwnClock(Protocol):
    """A server whose machine has a clock of its own, by which it writes its log."""

    @property
    def ahead(self) -> float:
        """Seconds by which it is ahead of ours."""

    @property
    def within(self) -> float:
        """Seconds by which that may be wrong."""


@runtime_checkable
class OtherClients(Protocol):
    """A server whose clients come as somebody else than who shows that it serves."""

    @property
    def client_target(self) -> Target:
        """``LiveServer.target`` as clients get it: with the user that they come as."""


@runtime_checkable
class SeveralInOne(Protocol):
    """A running server that is several: the shares of a configuration, and the roles they tell apart."""

    def also(self, server: Server) -> LiveServer:
        """The same running server as another one of those; a change of either is a change of both."""


@runtime_checkable
class OneOfSeveral(Protocol):
    """One of the servers that a running server is (``SeveralInOne.also``)."""

    @property
    def first(self) -> LiveServer:
        """The running server as what it was started as."""


@runtime_checkable
class OwnAccounts(Protocol):
    """A member of a domain, which has an account of its own besides the domain's."""

    @property
    def own_target(self) -> Target:
        """``LiveServer.target`` with that account."""


@runtime_checkable
class HasDomain(Protocol):
    """A server whose clients depend on a domain controller, too."""

    def prove_domain(self, *, answers: bool) -> None:
        """Raises LabFault where the domain controller has ended; with ``answers`` also where its KDC gives no
        ticket, or its LDAP takes no bind."""


@runtime_checkable
class MayBeCutOff(Protocol):
    """A member of a domain whose domain controller may be told to refuse it."""

    def cut_off(self) -> str:
        """How the domain controller says that, by a change, it refuses this server; "" where it does not."""


@runtime_checkable
class TellsWhenServed(Protocol):
    """A server that knows since when nobody has been seen to be served."""

    served_at: float
    """When somebody was last let in and given what was asked for, by ``time.monotonic``: the lab's own client
    as the server came up, or a client that came later. Before it became what it is: minus infinity."""


@runtime_checkable
class TellsOfLack(Protocol):
    """A server that tells what the machine had too little of for it."""

    def lacked(self) -> str:
        """Processes or memory, with the line of its log that says so, since it was started; "" for nothing.

        Such a server goes on, and hangs up on some of its clients.
        """


class Front(Protocol):
    """A relay in front of a server, which speaks QUIC; without one there is nothing to show."""

    def alive(self) -> None:
        """Raises LabFault where it has ended that should serve."""

    def prove(self) -> str:
        """Show that a NEGOTIATE is answered through it; says so. Raises LabFault where none is."""


@runtime_checkable
class HasFront(Protocol):
    """A server that may have a relay in front of it."""

    @property
    def front(self) -> Front: ...


def target_of_clients(live: LiveServer) -> Target:
    """What clients are sent to: whose lists leave them out is proved to serve by somebody else."""
    return live.client_target if isinstance(live, OtherClients) else live.target
