"""``nt pipe support = no``: the stop-gap that Samba's advisory for CVE-2017-7494 named."""

from __future__ import annotations

from dataclasses import replace

from harness.mitigations._asked import try_session
from harness.mitigations.base import Expectation, Mitigation
from harness.model import Attempt, Check, Dialect, Finding, Outcome, StepName
from harness.servers.base import Server, ServerState
from harness.servers.live import How, LiveServer

_BEFORE_PIPES = (StepName.CONNECT, StepName.NEGOTIATE, StepName.SESSION_SETUP, StepName.TREE_CONNECT_IPC)
LISTING = frozenset({StepName.CREATE_PIPE, StepName.ENUMERATE_SHARES, StepName.LOOKUP_SIDS, StepName.PRINT})


class NtPipeSupportOff(Mitigation):
    aims = ("cve-2017-7494",)
    expectation = Expectation(
        "no named pipe opens, so nobody can list the shares over srvsvc; a share opened by its path stays",
        "smb.conf(5), nt pipe support; measured on Samba 4.13 to 4.25",
    )
    at = LISTING

    def __init__(self, name: str, title: str, how: How) -> None:
        self.name = name
        self.title = title
        self.how = how

    def on_server(self, state: ServerState, server: Server) -> ServerState:
        return replace(state, conf=state.conf.with_globals(nt_pipe_support="no"))

    def stops(self, seen: Attempt) -> str:
        return _no_pipe(seen) if needs_pipe(seen) else ""

    def cause(self, before: Attempt, refused: Attempt) -> str:
        if refused.step not in self.at:
            return ""
        return _no_pipe(before if prints(before) else refused)

    def verify(self, live: LiveServer) -> Finding:
        return pipe_refused(live)


def asks_for_names(seen: Attempt) -> bool:
    """The pipe that it wants is lsarpc, for the name of an owner; else it is srvsvc, for the shares."""
    return any(step.name is StepName.QUERY_SECURITY for step in seen.steps)


def prints(seen: Attempt) -> bool:
    """The pipe that it wants is spoolss, for a job."""
    return any(step.name is StepName.PRINT for step in seen.steps)


def _no_pipe(seen: Attempt) -> str:
    what = "the owner's name needs lsarpc" if asks_for_names(seen) else "share listing needs srvsvc"
    if prints(seen):
        what = "printing needs spoolss"
    return f"the server refuses every named pipe (nt pipe support = no); {what}"


def needs_pipe(seen: Attempt) -> bool:
    """Whether it took a pipe: the shares listed over srvsvc, and not in passing, or a name asked on lsarpc.

    RAP over SMB1 is another way; a client that opens a share may list them besides.
    """
    done = {step.name for step in seen.steps if step.ok}
    if StepName.LOOKUP_SIDS in done:
        return True
    return StepName.CREATE_PIPE in done and StepName.TREE_CONNECT not in done


def pipe_refused(live: LiveServer) -> Finding:
    """The pipe is opened as the user; where he does not come so far, as anonymous.

    IPC$ lets an anonymous session in unless it is told not to (smb.conf(5), restrict anonymous), even
    where guests are refused (measured on Samba 4.13 and 4.22).
    """
    seen = try_session(live.target, Check.BROWSE, dialects=tuple(Dialect))
    who = ""
    if _kept_out(seen):
        user = f"{seen.status} at {seen.step}"
        seen = try_session(live.target, Check.BROWSE, dialects=tuple(Dialect), auth="anonymous")
        who = f" as anonymous (the user gets {user})"
    refused = seen.outcome is Outcome.REFUSED and seen.step is StepName.CREATE_PIPE
    answer = seen.status if seen.outcome is Outcome.REFUSED else seen.outcome
    where = f" at {seen.step}: nobody gets as far as a pipe" if _kept_out(seen) else ""
    return Finding(
        refused,
        f"opening the pipe srvsvc on a new connection{who}: {answer}{where}",
        visible=not _kept_out(seen),
    )


def _kept_out(seen: Attempt) -> bool:
    """Refused before a pipe could be asked for."""
    return seen.outcome is Outcome.REFUSED and seen.step in _BEFORE_PIPES


MITIGATIONS = (
    NtPipeSupportOff("nt-pipe-support-off", "nt pipe support = no in smb.conf, Samba restarted", How.RESTART),
    NtPipeSupportOff(
        "nt-pipe-support-off-reload",
        "nt pipe support = no in smb.conf, configuration reloaded (smbcontrol smbd reload-config)",
        How.RELOAD,
    ),
)
