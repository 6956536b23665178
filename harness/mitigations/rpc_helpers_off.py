"""Samba's RPC helpers not started: what is left of an upgrade to 4.16 or newer that did not install them."""

from __future__ import annotations

from dataclasses import replace

from harness.mitigations.base import Expectation, Mitigation
from harness.mitigations.nt_pipe_support_off import LISTING, asks_for_names, needs_pipe, pipe_refused, prints
from harness.model import Attempt, Finding
from harness.servers.base import Server, ServerState
from harness.servers.live import LiveServer

_OLDER = ("bullseye", "bullseye-security")


class RpcHelpersOff(Mitigation):
    name = "rpc-helpers-off"
    title = "samba-dcerpcd not started (rpc start on demand helpers = no, and nobody starts it)"
    expectation = Expectation(
        "from Samba 4.16 on no share list, for srvsvc is served by samba-dcerpcd; a share opened by its path "
        "stays",
        "smb.conf(5), rpc start on demand helpers; samba-dcerpcd(8)",
    )
    at = LISTING

    def on_server(self, state: ServerState, server: Server) -> ServerState:
        return replace(state, conf=state.conf.with_globals(rpc_start_on_demand_helpers="no"))

    def ignored_by(self, server: Server) -> str:
        """Samba 4.13 serves srvsvc itself, and does not know the setting (both came with 4.16)."""
        return "Samba 4.13 ignores it" if server.image in _OLDER else ""

    def stops(self, seen: Attempt) -> str:
        return _nothing(seen) if needs_pipe(seen) else ""

    def cause(self, before: Attempt, refused: Attempt) -> str:
        if refused.step not in self.at:
            return ""
        return _nothing(before if prints(before) else refused)

    def verify(self, live: LiveServer) -> Finding:
        return pipe_refused(live)


def _nothing(seen: Attempt) -> str:
    names = asks_for_names(seen)
    pipe = "lsarpc, which tells the names of owners" if names else "srvsvc, which lists the shares"
    if prints(seen):
        pipe = "spoolss, which takes jobs for printers"
    return f"nothing serves the pipe {pipe}: samba-dcerpcd is not running"


MITIGATIONS = (RpcHelpersOff(),)
