"""NTLM refused altogether by a server that has no Kerberos: the "NTLM off" of a stand-alone server."""

from __future__ import annotations

from dataclasses import replace

from harness.mitigations._asked import try_session
from harness.mitigations.base import Expectation, Mitigation, NotApplicableError
from harness.model import Attempt, Dialect, Finding, Outcome, StepName
from harness.servers.base import Server, ServerState
from harness.servers.live import LiveServer
from harness.smb.status import NTLM_BLOCKED


class NtlmOff(Mitigation):
    name = "ntlm-off"
    aims = ("ntlm-accepted",)
    title = "no NTLM accepted (ntlm auth = disabled)"
    expectation = Expectation(
        "nobody with an account logs on to a stand-alone server: it has no Kerberos",
        "smb.conf(5), ntlm auth",
    )
    at = frozenset({StepName.SESSION_SETUP})

    def on_server(self, state: ServerState, server: Server) -> ServerState:
        if server.unknown_user:
            raise NotApplicableError("nobody logs on with a password there: every user is a guest")
        if server.in_domain and not server.in_domain.is_controller:
            raise NotApplicableError("a member has two places to do it: ntlm-off-member and ntlm-off-domain")
        return replace(state, conf=state.conf.with_globals(ntlm_auth="disabled"))

    def stops(self, seen: Attempt) -> str:
        if (seen.auth or "").startswith(("NTLM", "LM")):
            return (
                "the server accepts no NTLM (ntlm auth = disabled), and the client has no Kerberos ticket to "
                "offer instead"
            )
        return ""

    def verify(self, live: LiveServer) -> Finding:
        new = try_session(live.target, dialects=tuple(Dialect), auth="NTLMv2")
        return Finding(
            new.outcome is Outcome.REFUSED and new.status == NTLM_BLOCKED,
            f"logon with NTLMv2: {new.status or new.outcome}",
        )


MITIGATIONS = (NtlmOff(),)
