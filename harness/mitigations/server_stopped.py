"""The server switched off, as the first hours of 2017 had it: nothing is safer, and nobody can work."""

from __future__ import annotations

from dataclasses import replace

from harness.mitigations.base import Expectation, Mitigation, NotApplicableError
from harness.model import Attempt, Finding
from harness.servers.base import Server, ServerState
from harness.servers.live import LiveServer
from harness.windows.releases import BY_NAME, SCRIPTED


class ServerStopped(Mitigation):
    name = "server-stopped"
    title = "the SMB server stopped"
    expectation = Expectation("nobody connects", "there is nothing to connect to")

    def stops(self, seen: Attempt) -> str:  # noqa: ARG002 (whoever it is)
        return "the server is stopped: nothing listens on port 445"

    def on_server(self, state: ServerState, server: Server) -> ServerState:  # noqa: ARG002
        return replace(state, running=False)

    def on_windows(self, state: ServerState, server: Server) -> ServerState:
        # Its service is stopped by the lab: there is no setting to change.
        if BY_NAME[server.name] not in SCRIPTED:
            raise NotApplicableError(f"nothing can be run in {server.name} by us")
        return replace(state, running=False)

    def verify(self, live: LiveServer) -> Finding:
        return Finding(not live.state.running, live.prove(serves=False))


MITIGATIONS = (ServerStopped(),)
