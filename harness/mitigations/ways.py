"""A change of smb.conf(5) made in a way of its own: ``smb3-only@reload``, ``signing-required@close-share``.

The way says how the changed file reaches the running smbd, and with that what becomes of people who are
connected. Everything else is as the change itself has it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from harness.clients.base import Client
from harness.mitigations.base import Mitigation, NotApplicableError
from harness.model import Attempt, ClientPolicy, Finding, Side, Target
from harness.servers.base import Server, ServerState
from harness.servers.live import How, LiveServer

MARK: Final = "@"
"""Between a change and its way."""
WAYS: Final[Mapping[str, tuple[How, str]]] = {
    "sighup": (How.HANGUP, "SIGHUP to the first smbd process, as systemctl reload smbd sends it"),
    "reload": (How.RELOAD, "smbcontrol smbd reload-config"),
    "close-share": (How.CLOSE_SHARE, "smbcontrol smbd reload-config, then smbcontrol smbd close-share '*'"),
    "restart": (How.RESTART, "Samba restarted"),
}
"""Each way, and what an administrator does for it."""


def apart(part: str) -> tuple[str, str]:
    """A part of a change's name without its way, and the way; "" where it has none."""
    name, _, way = part.rpartition(MARK)
    return (name, way) if name and way in WAYS else (part, "")


class InItsWay(Mitigation):
    """A change whose configuration reaches the server in a certain way."""

    def __init__(self, change: Mitigation, way: str) -> None:
        self.change = change
        self.name = f"{change.name}{MARK}{way}"
        self.how, done = WAYS[way]
        self.title = f"{change.title}; put into force by: {done}"
        self.sides, self.expectation, self.aims = change.sides, change.expectation, change.aims
        self.at, self.foretold, self.on_network = change.at, change.foretold, change.on_network
        self.watched, self.offers_quic = change.watched, change.offers_quic

    def changed(self, state: ServerState, server: Server) -> ServerState:
        if Side.SERVER not in self.sides:
            raise NotApplicableError(f"{self.change.name} is made on clients: no server reads it again")
        if not server.platform.reads_again:
            raise NotApplicableError(f"{server.platform} has one way alone to be changed")
        after = super().changed(state, server)
        if self.how is not How.RESTART and (
            after.image != state.image or not after.running or after.quic != state.quic
        ):
            raise NotApplicableError(f"{self.change.name} takes more than that smb.conf is read again")
        return after

    def on_server(self, state: ServerState, server: Server) -> ServerState:
        return self.change.on_server(state, server)

    def acts_on(self, client: Client) -> bool:
        return self.change.acts_on(client)

    def on_client(self, policy: ClientPolicy, client: Client) -> ClientPolicy:
        return self.change.on_client(policy, client)

    def verify(self, live: LiveServer) -> Finding:
        return self.change.verify(live)

    def verify_client(self, client: Client, policy: ClientPolicy, target: Target) -> Finding:
        return self.change.verify_client(client, policy, target)

    def ignored_by(self, server: Server) -> str:
        return self.change.ignored_by(server)

    def stops(self, seen: Attempt) -> str:
        return self.change.stops(seen)

    def cause(self, before: Attempt, refused: Attempt) -> str:
        return self.change.cause(before, refused)
