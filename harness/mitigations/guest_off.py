"""Guest logons switched off on the server."""

from __future__ import annotations

from dataclasses import replace

from harness.mitigations._asked import try_session
from harness.mitigations.base import Expectation, Mitigation
from harness.model import Attempt, Dialect, Finding, Outcome
from harness.servers.base import Server, ServerState
from harness.servers.live import LiveServer


class GuestOff(Mitigation):
    name = "guest-off"
    aims = ("guest-writable", "guest-logon")
    title = "no guests (map to guest = Never, guest ok = no)"
    expectation = Expectation(
        "whoever has no account on the server is refused; accounts stay",
        "smb.conf(5), map to guest and guest ok",
    )

    def stops(self, seen: Attempt) -> str:
        if seen.auth == "guest":
            return "the user has no account on the server, which no longer lets unknown users in as guests"
        if seen.auth == "anonymous":
            return "the share no longer lets anybody in without an account, and this client gave none"
        return ""

    def on_server(self, state: ServerState, server: Server) -> ServerState:
        conf = state.conf.with_globals(map_to_guest="Never").with_share(guest_ok="no")
        return replace(state, conf=conf)

    def verify(self, live: LiveServer) -> Finding:
        seen = try_session(live.target, dialects=tuple(Dialect), auth="guest")
        return Finding(
            seen.outcome is Outcome.REFUSED, f"logon of an unknown user: {seen.status or seen.outcome}"
        )


MITIGATIONS = (GuestOff(),)
