"""Only AES-256 for encryption. Samba 4.13 ignores the setting, which must come out as a fault."""

from __future__ import annotations

from dataclasses import replace

from harness.labs.base import LiveServer
from harness.mitigations.base import Expectation, Mitigation, NotApplicableError
from harness.model import Dialect, Finding
from harness.servers.base import Server, ServerState
from harness.smb.control import negotiate_only

_OLDER = ("bullseye", "bullseye-security")


class Aes256Only(Mitigation):
    name = "aes256-only"
    title = "only AES-256 ciphers (server smb3 encryption algorithms)"
    expectation = Expectation(
        "clients that know no AES-256 cipher cannot encrypt any more; without encryption they stay",
        "smb.conf(5), server smb3 encryption algorithms (Samba 4.15 and later)",
    )

    def on_server(self, state: ServerState, server: Server) -> ServerState:
        if server.highest is not Dialect.SMB3_11:
            raise NotApplicableError(f"{server.emulates or server.name} speaks at most SMB {server.highest}")
        settings = {"server_smb3_encryption_algorithms": "AES-256-GCM, AES-256-CCM"}
        return replace(state, conf=state.conf.with_globals(**settings))

    def ignored_by(self, server: Server) -> str:
        """Samba 4.13 does not know the setting (it came with 4.15)."""
        return "Samba 4.13 ignores it" if server.image in _OLDER else ""

    def verify(self, live: LiveServer) -> Finding:
        answer = negotiate_only(live.target, (Dialect.SMB3_11,), ciphers=("AES-128-GCM",))
        chosen = answer.cipher or "no cipher"
        return Finding(
            answer.dialect is Dialect.SMB3_11 and answer.cipher is None,
            f"offered AES-128-GCM alone at SMB 3.1.1: {answer.status}, {chosen}",
        )


MITIGATIONS = (Aes256Only(),)
