"""SMB3 encryption required by the server."""

from __future__ import annotations

from dataclasses import replace

from harness.labs.base import LiveServer
from harness.mitigations.base import Expectation, Mitigation, NotApplicableError
from harness.model import Dialect, Finding, Outcome
from harness.servers.base import Server, ServerState
from harness.smb.control import try_session


class EncryptionRequired(Mitigation):
    name = "encryption-required"
    # "smb encrypt" is the name that every release knows; 4.14 and later call it "server smb encrypt".
    title = "SMB encryption required (smb encrypt = required)"
    expectation = Expectation(
        "only SMB 3 clients stay: Windows 8 and newer, smbclient 4.1 and newer",
        "smb.conf(5), server smb encrypt",
    )
    causes = {  # noqa: RUF012 (read only)
        "*:STATUS_ACCESS_DENIED": "the server demands encryption, which this client's dialect does not have",
        "*:CLOSED": "the server demands encryption, which this client's dialect does not have, and hangs up",
    }

    def on_server(self, state: ServerState, server: Server) -> ServerState:
        needs_smb3(server)
        return replace(state, conf=state.conf.with_globals(smb_encrypt="required"))

    def verify(self, live: LiveServer) -> Finding:
        plain = try_session(live.target, dialects=tuple(Dialect), encrypt=False)
        sealed = try_session(live.target, dialects=tuple(Dialect), encrypt=True)
        # Where all are guests nobody has a key to encrypt with, and the refusal alone decides.
        possible = sealed.outcome is Outcome.OK or live.server.unknown_user
        return Finding(
            plain.outcome is Outcome.REFUSED and possible,
            f"a session without encryption: {plain.status or plain.outcome}; "
            f"with it: {sealed.status or sealed.cipher or sealed.outcome}",
        )


def needs_smb3(server: Server) -> None:
    """Raises NotApplicableError for a server without a dialect that can be encrypted."""
    if server.highest in (Dialect.NT1, Dialect.SMB2_02, Dialect.SMB2_10):
        raise NotApplicableError(f"{server.emulates or server.name} speaks at most SMB {server.highest}")


MITIGATIONS = (EncryptionRequired(),)
