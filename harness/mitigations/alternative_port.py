"""The server moved from TCP port 445 to another one; whoever can be told of that port is told.

Clients that know no other port than 445 stay where they were, and nobody answers there.
"""

from __future__ import annotations

from dataclasses import replace

from harness.clients.base import Client, ClientSetting, attempt
from harness.errors import LabFault
from harness.mitigations._asked import try_session
from harness.mitigations.base import Expectation, Mitigation, NotApplicableError
from harness.model import (
    Attempt,
    Check,
    ClientPolicy,
    Dialect,
    Finding,
    Outcome,
    Side,
    StepName,
    Target,
    Tier,
)
from harness.servers import ports
from harness.servers.base import Server, ServerState
from harness.servers.live import LiveServer
from harness.smb.out_of_time import once_more
from harness.system.deadline import pace


class AlternativePort(Mitigation):
    name = "alternative-port"
    title = f"another TCP port than 445 (smb ports = {ports.ALTERNATIVE}); clients that can be told are told"
    sides = frozenset({Side.SERVER, Side.CLIENT})
    labs = frozenset({Tier.LOCAL})
    at = frozenset({StepName.CONNECT})
    foretold = False
    expectation = Expectation(
        "Windows before 11 24H2 and Server 2025 knows port 445 alone and is lost; Windows 11 24H2 and Server "
        "2025 (New-SmbMapping -TcpPort), mount.cifs (port=), smbclient (-p), and programs that take a port "
        "in the server's address stay",
        "Microsoft, 'Configure alternative SMB ports'; mount.cifs(8), port; smbclient(1), -p",
    )

    def on_server(self, state: ServerState, server: Server) -> ServerState:
        if state.conf.sections:
            raise NotApplicableError(
                "where a configuration that was brought along listens is the lab's to say"
            )
        if server.in_domain is not None and server.in_domain.is_controller:
            raise NotApplicableError("members look for their domain controller at port 445 alone")
        if state.quic is not None and state.quic.alone:
            raise NotApplicableError(ports.NONE_LEFT)
        return replace(state, conf=state.conf.with_globals(smb_ports=str(ports.ALTERNATIVE)))

    def acts_on(self, client: Client) -> bool:
        return ClientSetting.TCP_PORT in client.has

    def on_client(self, policy: ClientPolicy, client: Client) -> ClientPolicy:
        if self.acts_on(client):
            return replace(policy, port=ports.ALTERNATIVE)
        # Whose own settings are known, as every Windows' are, has none for it.
        if ClientSetting.REQUIRE_SIGNING not in client.has:
            raise NotApplicableError(f"whether {client.name} can be told of another port is not known here")
        return policy

    def cause(self, before: Attempt, refused: Attempt) -> str:
        if refused.step is not StepName.CONNECT:
            return ""
        return f"the server is at port {ports.ALTERNATIVE} now, and the client knows no other port than 445"

    def verify(self, live: LiveServer) -> Finding:
        answers = {port: self._answers(live.target, port) for port in (ports.USUAL, ports.ALTERNATIVE)}
        return Finding(
            answers[ports.ALTERNATIVE] and not answers[ports.USUAL],
            ", ".join(f"port {port} {'answers' if so else 'answers nobody'}" for port, so in answers.items()),
        )

    def verify_client(self, client: Client, policy: ClientPolicy, target: Target) -> Finding:
        def opens(times: float) -> Attempt:
            return attempt(client, Check.OPEN, replace(target, seconds=target.seconds * times), policy)

        seen = once_more(opens(pace()), opens)
        if seen.timed_out or seen.outcome is Outcome.FAULT:
            raise LabFault(f"{client.name} could not be looked at: {seen.note or seen.status}")
        reached = seen.step is not StepName.CONNECT
        said = "reaches the server" if reached else "reaches nobody"
        return Finding(
            reached and target.port == ports.ALTERNATIVE, f"{client.name} {said} at port {policy.port}"
        )

    @staticmethod
    def _answers(target: Target, port: int) -> bool:
        made = try_session(replace(target, port=port), dialects=tuple(Dialect))
        return made.step is not StepName.CONNECT


MITIGATIONS = (AlternativePort(),)
