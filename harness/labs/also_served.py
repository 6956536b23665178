"""A running Samba as another of the servers that its configuration makes: another share, or another role."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from harness.labs import people
from harness.labs.network.quic_front import QuicFront
from harness.labs.samba_conf import Account
from harness.model import Target
from harness.result import Recovery, ServerFact
from harness.servers.base import Server, ServerState
from harness.servers.live import How, LiveServer, LogKeeper, ReadsState, ServerInternals, Software
from harness.servers.roles import BroughtServer


class Running(LiveServer, ReadsState, LogKeeper, Protocol):
    """The running Samba, which answers for each of the servers that it is."""

    @property
    def front(self) -> QuicFront:
        """The relay before all of them."""

    def proved(self, server: Server, target: Target, *, serves: bool, served: bool) -> str:
        """``LiveServer.prove`` of one of them."""

    def complained(self, server: Server, target: Target, before: ServerState) -> Sequence[str]:
        """``LiveServer.complaints`` of one of them."""


class AlsoServed:
    """Implements ``harness.servers.live.LiveServer``: all but share and user is the running one's."""

    def __init__(self, running: Running, server: BroughtServer, account: Account) -> None:
        self.server = server
        self._running = running
        self._user, self._client = people.users(server, account)

    @property
    def target(self) -> Target:
        """See ``LiveServer.target``."""
        return replace(self._running.target, share=self.server.share, user=self._user)

    @property
    def client_target(self) -> Target:
        """See ``OtherClients``."""
        return self._running.front.of_clients(replace(self.target, user=self._client))

    @property
    def front(self) -> QuicFront:
        """See ``HasFront.front``."""
        return self._running.front

    @property
    def state(self) -> ServerState:
        """See ``LiveServer.state``."""
        return self._running.state

    @property
    def pristine(self) -> Recovery | None:
        """See ``LiveServer.pristine``."""
        return self._running.pristine

    @property
    def brought_back(self) -> Recovery | None:
        """See ``LiveServer.brought_back``."""
        return self._running.brought_back

    @property
    def first(self) -> LiveServer:
        """See ``OneOfSeveral``."""
        return self._running

    def become(self, state: ServerState, how: How) -> None:
        """See ``LiveServer.become``."""
        self._running.become(state, how)

    def prove(self, *, serves: bool, served: bool = False) -> str:
        """See ``LiveServer.prove``: of this share, and whom it lets in."""
        return self._running.proved(self.server, self.target, serves=serves, served=served)

    def software(self) -> Software:
        """See ``LiveServer.software``."""
        return self._running.software()

    def shipped(self, image: str) -> Software:
        """See ``LiveServer.shipped``."""
        return self._running.shipped(image)

    def fact(self) -> ServerFact:
        """See ``LiveServer.fact``."""
        return replace(
            self._running.fact(),
            name=self.server.name,
            title=self.server.title,
            role=self.server.role,
            called=self.server.called,
        )

    def internals(self) -> ServerInternals | None:
        """See ``LiveServer.internals``."""
        return self._running.internals()

    def complaints(self, before: ServerState) -> Sequence[str]:
        """See ``LiveServer.complaints``."""
        return self._running.complained(self.server, self.target, before)

    def reads_state(self, state: ServerState) -> Mapping[str, Mapping[str, str]]:
        """See ``ReadsState``."""
        return self._running.reads_state(state)

    def log_after(self, before: Mapping[str, int]) -> tuple[str, Mapping[str, int]]:
        """See ``LogKeeper``."""
        return self._running.log_after(before)
