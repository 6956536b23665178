"""mDNS served beside Samba: what lets Macs find a server in Finder, where only Windows did."""

from __future__ import annotations

from dataclasses import replace

from harness.errors import LabFault, Refused
from harness.mitigations.base import Expectation, Mitigation
from harness.model import Finding
from harness.servers.base import Server, ServerState
from harness.servers.live import How, LiveServer
from harness.smb.discovery import asking
from harness.system.deadline import pace


class MdnsOn(Mitigation):
    name = "mdns-on"
    title = "mDNS served beside Samba (Avahi): Macs find the server in Finder"
    how = How.RELOAD
    on_network = True
    expectation = Expectation(
        "who looks for servers by mDNS finds this one; nobody loses anything",
        "avahi.service(5); RFC 6763",
    )

    def on_server(self, state: ServerState, server: Server) -> ServerState:  # noqa: ARG002
        return replace(state, mdns=True)

    def verify(self, live: LiveServer) -> Finding:
        if live.target.segment is None:
            raise LabFault(f"{live.server.name} is on no network where mDNS could be asked for")
        try:
            name, host = asking.service_at(live.target.segment, _SECONDS * pace())
        except Refused as refusal:
            return Finding(False, f"asked for by mDNS: {refusal.detail}")
        return Finding(True, f"asked for by mDNS, the server offers SMB as {name}, at {host}")


_SECONDS = 1.0

MITIGATIONS = (MdnsOn(),)
