"""SMB1 removed from the client: "SMB 1.0/CIFS File Sharing Support" switched off in Windows, and reboot."""

from __future__ import annotations

from dataclasses import replace

from harness.clients.base import Client
from harness.mitigations.base import Expectation, Mitigation, NotApplicableError, dialect_of, found_by_smb1
from harness.model import Attempt, ClientPolicy, Dialect, Finding, Side, StepName, Target


class Smb1ClientOff(Mitigation):
    name = "smb1-client-off"
    title = "SMB1 removed from the client"
    sides = frozenset({Side.CLIENT})
    watched = True
    expectation = Expectation(
        "a client without SMB1 cannot reach a server that speaks nothing else",
        "Microsoft, 'SMBv1 is not installed by default in Windows'",
    )
    at = frozenset({StepName.NEGOTIATE, StepName.DISCOVER})

    def on_client(self, policy: ClientPolicy, client: Client) -> ClientPolicy:
        if client.smb1_removable:
            raise NotApplicableError(client.smb1_removable)
        return replace(policy, smb1=False)

    def stops(self, seen: Attempt) -> str:
        if found_by_smb1(seen):
            return (
                "the client's Computer Browser, which filled Network over SMB1, went with its SMB1, "
                "and nothing answers WS-Discovery in its place"
            )
        if dialect_of(seen) is Dialect.NT1:
            return "this client and this server have only SMB1 in common, and the client has it no more"
        return ""

    def verify_client(self, client: Client, policy: ClientPolicy, target: Target) -> Finding:
        offer = client.offer(policy, target)
        said = ", ".join(offer.smb1_dialects) or "no SMB1-framed NEGOTIATE"
        return Finding(not offer.speaks_smb1, f"{client.name} offers on the wire: {said}")


MITIGATIONS = (Smb1ClientOff(),)
