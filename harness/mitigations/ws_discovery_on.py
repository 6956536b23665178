"""WS-Discovery served beside Samba: what brings a server back into Network where NetBIOS browsing is gone."""

from __future__ import annotations

from dataclasses import replace

from harness.mitigations._found import asked_for
from harness.mitigations.base import Expectation, Mitigation
from harness.model import Finding, Segment
from harness.servers.base import Server, ServerState
from harness.servers.live import How, LiveServer


class WsDiscoveryOn(Mitigation):
    name = "ws-discovery-on"
    title = "WS-Discovery served beside Samba (wsdd): Windows without SMB1 finds the server in Network"
    how = How.RELOAD
    on_network = True
    expectation = Expectation(
        "who looks for servers by WS-Discovery finds this one; nobody loses anything",
        "wsdd(8); Microsoft, 'SMBv1 is not installed by default in Windows' (Explorer Network Browsing)",
    )

    def on_server(self, state: ServerState, server: Server) -> ServerState:
        return replace(state, ws_discovery=True)

    def verify(self, live: LiveServer) -> Finding:
        from harness.smb.discovery import asking

        def ask(segment: Segment, seconds: float) -> str:
            name, group = asking.device_at(segment, seconds)
            return f"the server says to be {name} of {group}"

        return asked_for(live, "WS-Discovery", ask)


MITIGATIONS = (WsDiscoveryOn(),)
