"""Refusals wait for their proof, share it, and are faults without it."""

from __future__ import annotations

import os
import signal
from dataclasses import replace

import pytest

from harness.belief import SOON, Belief
from harness.deadline import wait_for
from harness.labs.base import LiveServer
from harness.labs.local import LocalLab
from harness.labs.samba import SambaServer
from harness.model import Attempt, CellId, Outcome, Side, StepName
from harness.servers import servers
from harness.smb import health
from harness.workers import Done

pytestmark = pytest.mark.local_lab

DENIED = Attempt(Outcome.REFUSED, step=StepName.CREATE_PIPE, status="STATUS_ACCESS_DENIED", side=Side.SERVER)
CELLS = [CellId("none", "samba-4.22", "windows-7", str(number)) for number in range(5)]


@pytest.fixture
def probes(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every health probe that is made, by its address. They are real."""
    made: list[str] = []
    real = health.probe

    def spy(address: str, port: int = 445, seconds: float = 2.0) -> str:
        made.append(address)
        return real(address, port, seconds)

    monkeypatch.setattr(health, "probe", spy)
    return made


def test_answered_refusals_share_one_probe(lab: LocalLab, probes: list[str]) -> None:
    kept: dict[CellId, Attempt] = {}
    with lab.serve(servers()["samba-4.22"]) as live:
        belief = Belief(live, kept.__setitem__)
        assert belief.patience is None
        belief.hear(CELLS[0], Done(Attempt(Outcome.OK)))
        assert list(kept) == CELLS[:1]
        for cell in CELLS[1:]:
            belief.hear(cell, Done(DENIED, None))
        assert list(kept) == CELLS[:1], "not before the server was shown healthy"
        assert belief.patience is not None
        assert belief.patience <= SOON
        belief.settle()
        assert belief.patience is None
        belief.settle()
    assert probes == [live.target.address]
    assert [kept[cell] for cell in CELLS[1:]] == [DENIED] * 4


@pytest.mark.parametrize("status", ["CLOSED", "RESET", "TIMEOUT", "STATUS_ACCESS_DENIED"])
def test_through_a_tunnel_what_the_server_did_not_answer_is_not_sure(lab: LocalLab, status: str) -> None:
    kept: dict[CellId, Attempt] = {}
    beside = replace(CELLS[0], client="linux-cifs-kernel-2.1")
    made = replace(DENIED, status=status)
    with lab.serve(servers()["samba-4.22"]) as live:
        assert isinstance(live, SambaServer)
        live.target = replace(live.target, tunnel="host")
        belief = Belief(live, kept.__setitem__)
        for cell in (CELLS[0], beside):
            belief.hear(cell, Done(made, True))
        belief.hear(CELLS[1], Done(Attempt(Outcome.OK)))
    assert kept[beside] == made, "a client in a guest is beside the server"
    assert kept[CELLS[1]].unsure == ""
    answered = status.startswith("STATUS_")
    assert (kept[CELLS[0]].unsure == "") is answered
    assert kept[CELLS[0]].status == status


def test_what_was_vouched_for_needs_no_other_probe(lab: LocalLab, probes: list[str]) -> None:
    kept: dict[CellId, Attempt] = {}
    with lab.serve(servers()["samba-4.22"]) as live:
        belief = Belief(live, kept.__setitem__)
        belief.hear(CELLS[0], Done(DENIED, True, "answered 2.FF"))
        belief.hear(CELLS[1], Done(DENIED, False, "the server is not healthy: TIMEOUT"))
        assert belief.patience is None
    assert probes == []
    assert kept[CELLS[0]] == DENIED
    assert kept[CELLS[1]].outcome is Outcome.FAULT
    assert "not healthy right after: the server is not healthy: TIMEOUT" in kept[CELLS[1]].note


def test_a_server_that_died_after_its_answers_refused_nobody(lab: LocalLab) -> None:
    kept: dict[CellId, Attempt] = {}
    with lab.serve(servers()["samba-4.22"]) as live:
        belief = Belief(live, kept.__setitem__)
        for cell in CELLS[:2]:
            belief.hear(cell, Done(DENIED, None))
        os.kill(live.software().pid, signal.SIGKILL)
        wait_for("its end", lambda: _is_gone(live), 5.0)
        belief.settle()
    assert {made.outcome for made in kept.values()} == {Outcome.FAULT}
    assert all("smbd of samba-4.22 is gone (ended with -9)" in made.note for made in kept.values())


def _is_gone(live: LiveServer) -> bool:
    assert isinstance(live, SambaServer)
    return live._process is not None and live._process.poll() is not None


@pytest.mark.parametrize("healthy", [True, None])
def test_a_server_that_says_that_it_is_in_trouble_refused_nobody(lab: LocalLab, healthy: bool | None) -> None:
    kept: dict[CellId, Attempt] = {}
    with lab.serve(servers()["samba-4.22"]) as live:
        belief = Belief(live, kept.__setitem__)
        belief.hear(CELLS[0], Done(replace(DENIED, status="STATUS_INSUFF_SERVER_RESOURCES"), healthy))
        belief.settle()
    assert kept[CELLS[0]].outcome is Outcome.FAULT
    assert kept[CELLS[0]].side is None
    assert "STATUS_INSUFF_SERVER_RESOURCES at create-pipe: the server was in trouble" in kept[CELLS[0]].note


def test_a_suspended_server_refused_nobody(lab: LocalLab) -> None:
    kept: dict[CellId, Attempt] = {}
    with lab.serve(servers()["samba-4.22"]) as live:
        belief = Belief(live, kept.__setitem__)
        belief.hear(CELLS[0], Done(replace(DENIED), None))
        pid = live.software().pid
        os.kill(pid, signal.SIGSTOP)
        try:
            belief.settle()
        finally:
            os.kill(pid, signal.SIGCONT)
    assert kept[CELLS[0]].outcome is Outcome.FAULT
    assert "TIMEOUT" in kept[CELLS[0]].note
