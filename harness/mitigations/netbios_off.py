"""NetBIOS switched off beside Samba: no names, no browse list, no mailslots; nmbd ends."""

from __future__ import annotations

from dataclasses import replace

from harness.mitigations._found import asked_for
from harness.mitigations.base import Expectation, Mitigation, found_by_smb1
from harness.model import Attempt, Finding, Segment, StepName
from harness.servers.base import Server, ServerState
from harness.servers.live import LiveServer


class NetbiosOff(Mitigation):
    name = "netbios-off"
    title = "NetBIOS switched off (disable netbios = yes): no nmbd, no browse list, no mailslots"
    on_network = True
    at = frozenset({StepName.DISCOVER})
    expectation = Expectation(
        "who finds the server in Network by NetBIOS, which is Windows with SMB1, finds it no more; who uses "
        "WS-Discovery or mDNS, and who opens it by name or address over port 445, notices nothing",
        "smb.conf(5), disable netbios; nmbd(8)",
    )

    def on_server(self, state: ServerState, server: Server) -> ServerState:
        return replace(state, conf=state.conf.with_globals(disable_netbios="yes"))

    def stops(self, seen: Attempt) -> str:
        return "the server is in no browse list any more: NetBIOS is off" if found_by_smb1(seen) else ""

    def verify(self, live: LiveServer) -> Finding:
        """Whether somebody is the workgroup's master browser; it is asked for by broadcast."""

        from harness.smb.discovery import asking, nbns

        def ask(segment: Segment, seconds: float) -> str:
            master = nbns.Name(segment.workgroup, nbns.MASTER_BROWSER)
            return f"{master} is at {asking.address_of(segment, master, seconds)}"

        found = asked_for(live, "NetBIOS", ask)
        return replace(found, in_effect=not found.in_effect)


MITIGATIONS = (NetbiosOff(),)
