"""Signing required by the server."""

from __future__ import annotations

from dataclasses import replace

from harness.mitigations._asked import negotiate_only, try_session
from harness.mitigations.base import Expectation, Mitigation, dialect_of, session_of
from harness.model import Attempt, Dialect, Finding, StepName
from harness.servers.base import Server, ServerState
from harness.servers.live import LiveServer

_BEFORE_A_SESSION = (StepName.CONNECT, StepName.NEGOTIATE)


class SigningRequired(Mitigation):
    name = "signing-required"
    aims = ("smb1-signing-not-required", "smb2-signing-not-required")
    title = "SMB signing required (server signing = mandatory)"
    foretold = False
    expectation = Expectation(
        "clients that can sign stay; those of SMB2 and newer that do not sign go. Samba exempts guests, who "
        "have no key to sign with, and over SMB1 lets in clients that never sign",
        "smb.conf(5), server signing; [MS-SMB2] 3.3.5.5.3; guests: measured on Samba 4.13 and 4.22; SMB1: "
        "measured with curl on Samba 4.22",
    )

    def cause(self, before: Attempt, refused: Attempt) -> str:
        """Whether a client signs only where it must does not show before the change: the refusal decides."""
        if refused.status == "STATUS_INVALID_SIGNATURE":
            return "the server takes only signed requests, and does not accept this client's signature"
        if refused.step in _BEFORE_A_SESSION:
            return ""
        if refused.signed:
            # Measured on Samba 4.22, and in a public log of a Mac: guests that do not sign are let in.
            key = f"{session_of(before)} has no key that the server knows"
            return f"this client signs because the server demands it, and {key}" if before.keyless else ""
        if before.keyless:
            return f"the server takes only signed requests, and {session_of(before)} has no key to sign with"
        dialect = dialect_of(refused)
        over = f" over {dialect.in_words}" if dialect else ""
        return f"the server takes only signed requests, and this client does not sign{over}"

    def on_server(self, state: ServerState, server: Server) -> ServerState:
        return replace(state, conf=state.conf.with_globals(server_signing="mandatory"))

    def verify(self, live: LiveServer) -> Finding:
        answer = negotiate_only(live.target, tuple(Dialect))
        unsigned = try_session(live.target, dialects=tuple(Dialect), sign=False)
        return Finding(
            answer.signing_required,
            f"NEGOTIATE says signing {'required' if answer.signing_required else 'not required'}; "
            f"a session that does not sign: {unsigned.status or unsigned.outcome}",
        )


MITIGATIONS = (SigningRequired(),)
