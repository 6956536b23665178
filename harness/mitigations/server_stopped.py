"""The server switched off, as the first hours of 2017 had it: nothing is safer, and nobody can work."""

from __future__ import annotations

from dataclasses import replace

from harness.labs.base import LiveServer
from harness.mitigations.base import Expectation, Mitigation
from harness.model import Finding
from harness.servers.base import Server, ServerState


class ServerStopped(Mitigation):
    name = "server-stopped"
    title = "Samba stopped"
    expectation = Expectation("nobody connects", "there is nothing to connect to")
    causes = {  # noqa: RUF012 (read only)
        "connect:RESET": "Samba is stopped: nothing listens on port 445",
    }

    def on_server(self, state: ServerState, server: Server) -> ServerState:  # noqa: ARG002
        return replace(state, running=False)

    def verify(self, live: LiveServer) -> Finding:
        return Finding(not live.state.running, live.prove(serves=False))


MITIGATIONS = (ServerStopped(),)
