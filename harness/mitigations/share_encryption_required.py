"""SMB3 encryption required by one share; the rest of the server stays as it was."""

from __future__ import annotations

from dataclasses import replace

from harness.mitigations._asked import try_session
from harness.mitigations.base import Expectation, Mitigation
from harness.mitigations.encryption_required import cannot_encrypt, does_not_encrypt, needs_smb3
from harness.model import Attempt, Check, Dialect, Finding, Outcome, StepName
from harness.servers.base import Server, ServerState
from harness.servers.live import LiveServer


class ShareEncryptionRequired(Mitigation):
    name = "share-encryption-required"
    title = "SMB encryption required for the share (smb encrypt = required in its section)"
    expectation = Expectation(
        "clients with an account and SMB 3 encryption stay; older ones and guests, who have no key, are "
        "refused at the share, and go on seeing the list of shares",
        "smb.conf(5), server smb encrypt; [MS-SMB2] 2.2.10 (SMB2_SHAREFLAG_ENCRYPT_DATA), 3.2.4.1.8",
    )
    # Over SMB1 the share is connected all the same, and nothing can be opened in it (measured on Samba 4.22).
    at = frozenset({StepName.TREE_CONNECT, StepName.LIST, StepName.QUERY_SECURITY, StepName.CREATE})

    def on_server(self, state: ServerState, server: Server) -> ServerState:
        needs_smb3(server)
        return replace(state, conf=state.conf.with_share(smb_encrypt="required"))

    def stops(self, seen: Attempt) -> str:
        if not any(step.name is StepName.TREE_CONNECT and step.ok for step in seen.steps):
            return ""  # IPC$ alone, for the list of shares
        return cannot_encrypt("the share", seen)

    def cause(self, before: Attempt, refused: Attempt) -> str:
        return super().cause(before, refused) or does_not_encrypt("the share", refused)

    def verify(self, live: LiveServer) -> Finding:
        """The share refuses who cannot encrypt and lets in who can; IPC$ takes both, so it is the share."""
        plain = try_session(live.target, dialects=tuple(Dialect), encrypt=False)
        pipes = try_session(live.target, Check.BROWSE, dialects=tuple(Dialect), encrypt=False)
        sealed = try_session(live.target, dialects=tuple(Dialect))
        refused = plain.outcome is Outcome.REFUSED and plain.step is StepName.TREE_CONNECT
        # Where all are guests nobody has a key to encrypt with, and the refusal alone decides.
        possible = bool(sealed.encrypted) or live.server.unknown_user
        return Finding(
            refused and possible,
            f"the share without encryption: {plain.status or plain.outcome} at {plain.step or 'no step'}; "
            f"with it: {sealed.status or sealed.cipher or 'ok, not encrypted'}; "
            f"the list of shares without it: {pipes.status or pipes.outcome}",
        )


MITIGATIONS = (ShareEncryptionRequired(),)
