"""Signing required by the server."""

from __future__ import annotations

from dataclasses import replace

from harness.labs.base import LiveServer
from harness.mitigations.base import Expectation, Mitigation
from harness.model import Dialect, Finding
from harness.servers.base import Server, ServerState
from harness.smb.control import negotiate_only, try_session


class SigningRequired(Mitigation):
    name = "signing-required"
    title = "SMB signing required (server signing = mandatory)"
    expectation = Expectation(
        "clients that can sign stay; guests, who have no key to sign with, and clients without signing go",
        "smb.conf(5), server signing; [MS-SMB2] 3.3.5.5.3",
    )
    causes = {  # noqa: RUF012 (read only)
        "*:STATUS_ACCESS_DENIED": "the server takes only signed requests, and this session does not sign",
        "*:STATUS_INVALID_SIGNATURE": "the server takes only signed requests, and the signature is wrong",
    }

    def on_server(self, state: ServerState, server: Server) -> ServerState:  # noqa: ARG002
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
