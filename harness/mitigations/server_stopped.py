"""The server switched off, as the first hours of 2017 had it: nothing is safer, and nobody can work."""

from __future__ import annotations

from dataclasses import replace

from harness.mitigations.base import Expectation, Mitigation
from harness.model import Attempt, Finding
from harness.servers.base import Server, ServerState
from harness.servers.live import LiveServer


class ServerStopped(Mitigation):
    name = "server-stopped"
    title = "the SMB server stopped"
    stops_server = True
    expectation = Expectation("nobody connects", "there is nothing to connect to")

    def stops(self, seen: Attempt) -> str:
        return "the server is stopped: nothing listens on port 445"

    def on_server(self, state: ServerState, server: Server) -> ServerState:
        return replace(state, running=False)

    def verify(self, live: LiveServer) -> Finding:
        return Finding(not live.state.running, live.prove(serves=False))


MITIGATIONS = (ServerStopped(),)
