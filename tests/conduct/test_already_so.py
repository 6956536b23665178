"""What was in force before a change, or is not heeded by a server, neither takes effect nor is taken back."""

from __future__ import annotations

import io
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from conducting import Stage, conduct
from known import CATALOGUE

from harness.conduct.workers import Pool
from harness.errors import UsageError
from harness.labs.local import LocalLab
from harness.mitigations.base import Expectation, Mitigation
from harness.model import Effect, Finding
from harness.planning import planner
from harness.report.documents import result as document
from harness.report.page import console_for
from harness.report.terminal import render
from harness.result import RunResult
from harness.servers.base import Server, ServerState
from harness.servers.live import LiveServer

LOGON = "logon with NTLMv1: STATUS_LOGON_FAILURE; with NTLMv2: ok"


class Setting(Mitigation):
    """One setting, and a verify that is true whatever the server does."""

    title = "one setting"
    expectation = Expectation("", "")

    def __init__(self, name: str, **settings: str) -> None:
        self.name = name
        self._settings = settings

    def on_server(self, state: ServerState, server: Server) -> ServerState:  # noqa: ARG002
        return replace(state, conf=state.conf.with_globals(**self._settings))

    def verify(self, live: LiveServer) -> Finding:  # noqa: ARG002
        return Finding(True, "nothing was looked at")


SETTINGS = (
    Setting("weak", nt_pipe_support="no"),
    Setting("clients-only", client_min_protocol="SMB3"),
    Setting("clients-too", client_min_protocol="SMB3", nt_pipe_support="no"),
)
WITH_SETTINGS = replace(
    CATALOGUE, mitigations={**CATALOGUE.mitigations, **{one.name: one for one in SETTINGS}}
)


def shown(result: RunResult, *, details: bool) -> str:
    page = io.StringIO()
    render(result, console_for(page, {"COLUMNS": "250"}), details=details)
    return re.sub(r"\s+", " ", page.getvalue())


@pytest.mark.local_lab
def test_what_was_so_before_is_no_proof(lab: LocalLab, pool: Pool, tmp_path: Path) -> None:
    both = "ntlmv2-only+nt-pipe-support-off"
    result = conduct(
        tmp_path,
        [
            "ntlmv2-only:samba-4.13:windows-7:open",
            f"{both}:samba-4.13:windows-7:browse",
            "weak:samba-4.13:windows-7:browse",
        ],
        Stage(lab),
        pool,
        catalogue=WITH_SETTINGS,
    )
    assert [cell.effect for cell in result.cells] == [Effect.KEPT, Effect.LOST, Effect.LOST]
    whole, part, weak = (
        next(one for one in result.applied if one.mitigation == name)
        for name in ("ntlmv2-only", both, "weak")
    )
    # Samba's default is ntlm auth = ntlmv2-only.
    assert (whole.took_effect, whole.undone) == ("", "")
    assert [(one.what, one.seen) for one in whole.already] == [("ntlmv2-only", LOGON)]
    assert "NTLM" not in part.took_effect + part.undone
    assert "srvsvc" in part.took_effect
    assert "srvsvc" in part.undone
    assert [one.what for one in part.already] == ["ntlmv2-only"]
    assert (weak.took_effect, weak.undone, len(weak.already)) == ("", "", 1)
    told = {one["mitigation"]: one for one in json.loads(document.render_json(result))["applied"]}
    assert told["ntlmv2-only"]["took_effect"] == told["ntlmv2-only"]["undone"] == ""
    assert told["ntlmv2-only"]["already"] == [{"what": "ntlmv2-only", "seen": LOGON}]
    details = shown(result, details=True)
    assert f"already so: changes nothing here: {LOGON}" in details
    assert f"ntlmv2-only: seen before the change too, which proves nothing: {LOGON}" in details
    assert "seen before the change too, which proves nothing: nothing was looked at" in details
    assert details.count("took effect: ") == details.count("taken back: ") == 1
    assert "NOT SHOWN" not in details
    first = shown(result, details=False)
    assert "ntlmv2-only on samba-4.13: already so: changes nothing here; " in first
    assert "not proven that it was made: verify sees the same without it; " in first
    assert "already so: ntlmv2-only; " in first


def test_what_only_clients_heed_is_not_applicable_to_a_server() -> None:
    with pytest.raises(UsageError, match="client min protocol has no effect on a server"):
        planner.from_selectors(WITH_SETTINGS, ["clients-only:samba-4.13:windows-7:open"])
    made = planner.from_selectors(WITH_SETTINGS, ["clients-too,clients-only+weak:samba-4.13:windows-7:open"])
    assert [cell.mitigation for cell in made.cells] == ["clients-too", "clients-only+weak"]
    assert [one.part for one in made.left_out] == ["clients-only"]
