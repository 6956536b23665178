"""SMB3 encryption required by the server."""

from __future__ import annotations

from dataclasses import replace

from harness.mitigations._asked import try_session
from harness.mitigations.base import (
    Expectation,
    Mitigation,
    NotApplicableError,
    dialect_of,
    is_older,
    session_of,
)
from harness.model import Attempt, Dialect, Finding, Outcome
from harness.servers.base import Server, ServerState
from harness.servers.live import LiveServer


def cannot_encrypt(who: str, seen: Attempt) -> str:
    """Why a session like this cannot be encrypted as ``who`` demands; "" where it can."""
    dialect = dialect_of(seen)
    if dialect is not None and is_older(seen, Dialect.SMB3_00):
        return f"{who} demands encryption, which {dialect.in_words} does not have"
    if seen.keyless:
        return f"{who} demands encryption, and {session_of(seen)} has no key to encrypt with"
    if seen.agreed_cipher == "":
        return f"{who} demands encryption, and this client offers no cipher that the server allows"
    return ""


def does_not_encrypt(who: str, refused: Attempt) -> str:
    """Why a client was refused that could have encrypted; "" where that was not it."""
    if not refused.agreed_cipher or refused.encrypted:
        return ""
    return f"{who} demands encryption; {refused.agreed_cipher} was agreed on, and this client does not use it"


class EncryptionRequired(Mitigation):
    name = "encryption-required"
    aims = ("encryption-not-required",)
    # "smb encrypt" is the name that every release knows; 4.14 and later call it "server smb encrypt".
    title = "SMB encryption required (smb encrypt = required)"
    expectation = Expectation(
        "only accounts of SMB 3 clients that can encrypt stay: Windows 8 and newer, smbclient 4.1 and newer; "
        "guests go, whose sessions have no key",
        "smb.conf(5), server smb encrypt; [MS-SMB2] 3.3.5.5.3",
    )

    def on_server(self, state: ServerState, server: Server) -> ServerState:
        needs_smb3(server)
        return replace(state, conf=state.conf.with_globals(smb_encrypt="required"))

    def stops(self, seen: Attempt) -> str:
        return cannot_encrypt("the server", seen)

    def cause(self, before: Attempt, refused: Attempt) -> str:
        return super().cause(before, refused) or does_not_encrypt("the server", refused)

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
