"""NTLMv1 refused by the server."""

from __future__ import annotations

from dataclasses import replace

from harness.mitigations._asked import try_session
from harness.mitigations.base import Expectation, Mitigation, NotApplicableError
from harness.model import Attempt, Dialect, Finding, Outcome, StepName
from harness.servers.base import Server, ServerState
from harness.servers.live import LiveServer


class NtlmV2Only(Mitigation):
    name = "ntlmv2-only"
    aims = ("lm-accepted", "ntlmv1-accepted")
    title = "only NTLMv2 accepted (ntlm auth = ntlmv2-only)"
    expectation = Expectation(
        "clients that answer with NTLMv1 (Windows XP by default, old scanners) fail to log on",
        "smb.conf(5), ntlm auth; Windows LmCompatibilityLevel defaults",
    )
    at = frozenset({StepName.SESSION_SETUP})

    def on_server(self, state: ServerState, server: Server) -> ServerState:
        if server.unknown_user:
            raise NotApplicableError("nobody logs on with a password there: every user is a guest")
        return replace(state, conf=state.conf.with_globals(ntlm_auth="ntlmv2-only"))

    def stops(self, seen: Attempt) -> str:
        if seen.auth in ("NTLMv1", "LM"):
            return f"the client answers with {seen.auth}, which the server refuses like a wrong password"
        return ""

    def verify(self, live: LiveServer) -> Finding:
        old = try_session(live.target, dialects=tuple(Dialect), auth="NTLMv1")
        new = try_session(live.target, dialects=tuple(Dialect), auth="NTLMv2")
        return Finding(
            old.outcome is Outcome.REFUSED and new.outcome is not Outcome.REFUSED,
            f"logon with NTLMv1: {old.status or old.outcome}; with NTLMv2: {new.status or new.outcome}",
        )


MITIGATIONS = (NtlmV2Only(),)
