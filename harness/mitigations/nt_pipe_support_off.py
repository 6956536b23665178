"""``nt pipe support = no``: the stop-gap that Samba's advisory for CVE-2017-7494 named."""

from __future__ import annotations

from harness.labs.base import How, LiveServer
from harness.mitigations.base import Expectation, Mitigation
from harness.model import Check, Dialect, Finding, Outcome, StepName
from harness.servers.base import Server, ServerState
from harness.smb.control import try_session


class NtPipeSupportOff(Mitigation):
    expectation = Expectation(
        "no named pipe opens, so nobody can list the shares over srvsvc; a share opened by its path stays",
        "smb.conf(5), nt pipe support; measured on Samba 4.13 to 4.25",
    )
    causes = {  # noqa: RUF012 (read only)
        "create-pipe:STATUS_ACCESS_DENIED": "the server refuses every named pipe (nt pipe support = no); "
        "share listing needs srvsvc",
    }

    def __init__(self, name: str, title: str, how: How) -> None:
        self.name = name
        self.title = title
        self.how = how

    def on_server(self, state: ServerState, server: Server) -> ServerState:  # noqa: ARG002
        return ServerState(state.image, state.conf.with_globals(nt_pipe_support="no"), state.running)

    def verify(self, live: LiveServer) -> Finding:
        seen = try_session(live.target, Check.BROWSE, dialects=tuple(Dialect))
        refused = seen.outcome is Outcome.REFUSED and seen.step is StepName.CREATE_PIPE
        answer = seen.status if seen.outcome is Outcome.REFUSED else seen.outcome
        return Finding(refused, f"opening the pipe srvsvc on a new connection: {answer}")


MITIGATIONS = (
    NtPipeSupportOff("nt-pipe-support-off", "nt pipe support = no in smb.conf, Samba restarted", How.RESTART),
    NtPipeSupportOff(
        "nt-pipe-support-off-reload",
        "nt pipe support = no in smb.conf, configuration reloaded (smbcontrol smbd reload-config)",
        How.RELOAD,
    ),
)
