"""The server that an NTLMv2 proof is for is checked: SPN target name validation, which Windows has alone.

A proof that a relay picked up was made for another server. Samba checks it nowhere (measured: a proof for a
server that does not exist is taken).
"""

from __future__ import annotations

from dataclasses import replace

from harness.mitigations._asked import try_session
from harness.mitigations.base import Expectation, Mitigation, NotApplicableError
from harness.model import Attempt, Dialect, Finding, Outcome, StepName
from harness.servers.base import Server, ServerState
from harness.servers.live import LiveServer
from harness.smb.control import OTHER_SERVER


class SpnValidation(Mitigation):
    name = "spn-validation"
    aims = ("spn-not-validated",)
    title = "the name of the server in an NTLMv2 proof is checked (SmbServerNameHardeningLevel = 1)"
    expectation = Expectation(
        "whoever names no server, or this one by one of its names or addresses, stays; who names another, an "
        "alias that the server does not know of, or an empty name is refused, STATUS_ACCESS_DENIED",
        "Microsoft, 'Microsoft network server: Server SPN target name validation level'; documented only",
    )
    at = frozenset({StepName.SESSION_SETUP})
    foretold = False

    def on_server(self, state: ServerState, server: Server) -> ServerState:
        raise NotApplicableError(
            f"{server.name} takes a proof for any server: Samba has no such setting, and checks it nowhere"
        )

    def stops(self, seen: Attempt) -> str:
        from harness.smb.tap.fingerprint import NAMES_SERVER

        setup = next((step for step in seen.steps if step.name is StepName.SESSION_SETUP), None)
        _, says, form = (setup.detail if setup else "").partition(NAMES_SERVER)
        if not says:
            return ""
        if form.endswith("@realm"):
            return "the client names the server with a realm behind an @, which is no name of the server"
        return "the client names no host in its NTLMv2 proof" if form.endswith("/") else ""

    def verify(self, live: LiveServer) -> Finding:
        elsewhere = replace(live.target, name=OTHER_SERVER)
        own, other = (
            try_session(there, dialects=tuple(Dialect), spn="called") for there in (live.target, elsewhere)
        )
        return Finding(
            own.outcome is Outcome.OK and other.outcome is Outcome.REFUSED,
            f"a proof for its address: {own.status or own.outcome}; "
            f"a proof for {OTHER_SERVER}: {other.status or other.outcome}",
        )


MITIGATIONS = (SpnValidation(),)
