"""mDNS served beside Samba: what lets Macs find a server in Finder, where only Windows did."""

from __future__ import annotations

from dataclasses import replace

from harness.mitigations._found import asked_for
from harness.mitigations.base import Expectation, Mitigation
from harness.model import Finding, Segment
from harness.servers.base import Server, ServerState
from harness.servers.live import How, LiveServer


class MdnsOn(Mitigation):
    name = "mdns-on"
    title = "mDNS served beside Samba (Avahi): Macs find the server in Finder"
    how = How.RELOAD
    on_network = True
    expectation = Expectation(
        "who looks for servers by mDNS finds this one; nobody loses anything",
        "avahi.service(5); RFC 6763",
    )

    def on_server(self, state: ServerState, server: Server) -> ServerState:
        return replace(state, mdns=True)

    def verify(self, live: LiveServer) -> Finding:
        from harness.smb.discovery import asking

        def ask(segment: Segment, seconds: float) -> str:
            name, host = asking.service_at(segment, seconds)
            return f"the server offers SMB as {name}, at {host}"

        return asked_for(live, "mDNS", ask)


MITIGATIONS = (MdnsOn(),)
