"""Only AES-256 for encryption. Samba 4.13 ignores the setting, which must come out as a fault."""

from __future__ import annotations

from dataclasses import replace

from harness.mitigations._asked import negotiate_only
from harness.mitigations.base import Expectation, Mitigation, NotApplicableError, dialect_of
from harness.model import Attempt, Dialect, Finding, Side, StepName
from harness.servers.base import Server, ServerState
from harness.servers.live import LiveServer

_OLDER = ("bullseye", "bullseye-security")


class Aes256Only(Mitigation):
    name = "aes256-only"
    aims = ("aes128-accepted",)
    title = "only AES-256 ciphers (server smb3 encryption algorithms)"
    at = frozenset({StepName.NEGOTIATE})
    expectation = Expectation(
        "clients of SMB 3.0 and 3.0.2, which have AES-128-CCM alone, are refused at NEGOTIATE; clients of "
        "3.1.1 without AES-256 cannot encrypt any more, and most stay without encryption; older ones stay",
        "smb.conf(5), server smb3 encryption algorithms (Samba 4.15 and later); measured on Samba 4.22: "
        "STATUS_INVALID_PARAMETER at NEGOTIATE",
    )

    def on_server(self, state: ServerState, server: Server) -> ServerState:
        if server.highest is not Dialect.SMB3_11:
            raise NotApplicableError(f"{server.emulates or server.name} speaks at most SMB {server.highest}")
        settings = {"server_smb3_encryption_algorithms": "AES-256-GCM, AES-256-CCM"}
        return replace(state, conf=state.conf.with_globals(**settings))

    def ignored_by(self, server: Server) -> str:
        """Samba 4.13 does not know the setting (it came with 4.15)."""
        return "Samba 4.13 ignores it" if server.image in _OLDER else ""

    def stops(self, seen: Attempt) -> str:
        dialect = dialect_of(seen)
        if dialect in (Dialect.SMB3_00, Dialect.SMB3_02):
            return (
                f"{dialect.in_words} encrypts with AES-128-CCM alone, and the server allows only AES-256: it "
                "refuses the NEGOTIATE, even of a client that would not encrypt"
            )
        return ""

    def cause(self, before: Attempt, refused: Attempt) -> str:
        if refused.agreed_cipher == "" and before.agreed_cipher and refused.side is Side.CLIENT:
            return (
                "the server allows only AES-256, which this client does not offer: the server's answer names "
                "no cipher, and the client gives up"
            )
        return super().cause(before, refused)

    def verify(self, live: LiveServer) -> Finding:
        answer = negotiate_only(live.target, (Dialect.SMB3_11,), ciphers=("AES-128-GCM",))
        chosen = answer.cipher or "no cipher"
        return Finding(
            answer.dialect is Dialect.SMB3_11 and answer.cipher is None,
            f"offered AES-128-GCM alone at SMB 3.1.1: {answer.status}, {chosen}",
        )


MITIGATIONS = (Aes256Only(),)
