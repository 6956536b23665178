"""Refusals wait for their proof, share it, and are faults without it."""

from __future__ import annotations

import os
import signal
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from conducting import hear_looks
from known import CATALOGUE

from harness.conduct.refusals import AT_ONCE, SOON, Verification, believed
from harness.conduct.workers import Done
from harness.errors import LabFault
from harness.labs.home import Home
from harness.labs.local import LocalLab
from harness.labs.samba import SambaServer
from harness.labs.samba_trouble import Trouble
from harness.model import STATUS_OK, TIMEOUT, Attempt, CellId, Outcome, Side, Step, StepName
from harness.servers.live import LiveServer
from harness.smb.served import UNANSWERED
from harness.system.deadline import wait_for

pytestmark = pytest.mark.local_lab

DENIED = Attempt(Outcome.REFUSED, step=StepName.CREATE_PIPE, status="STATUS_ACCESS_DENIED", side=Side.SERVER)
LISTED = Attempt(Outcome.OK, steps=(Step(StepName.CREATE_PIPE, STATUS_OK, 1.0),))
CELLS = [CellId("none", "samba-4.13", "windows-7", str(number)) for number in range(5)]


@pytest.fixture
def probes(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every look of the lab's own client, by the server's address."""
    made: list[str] = []
    hear_looks(monkeypatch, lambda target: made.append(target.address))
    return made


def test_a_refusal_without_a_domain_controller_is_a_fault() -> None:
    """Whatever else of the server is well: its domain controller has ended, or leaves a client unanswered."""

    class Member:
        def __init__(self, ended: str, unanswering: str, refuses: str = "") -> None:
            self.state = CATALOGUE.servers["samba-ad-member"].state
            self._ended, self._unanswering, self._refuses = ended, unanswering, refuses

        def cut_off(self) -> str:
            return self._refuses

        def prove_domain(self, *, answers: bool) -> None:
            if why := self._ended or (answers and self._unanswering):
                raise LabFault(str(why))

    silent = replace(DENIED, step=StepName.KERBEROS_AS, status=TIMEOUT)
    for made, ended, unanswering, wanted in (
        (DENIED, "", "its KDC is mute", Outcome.REFUSED),
        (silent, "", "", Outcome.REFUSED),
        (silent, "", "its KDC is mute", Outcome.FAULT),
        (DENIED, "it is gone", "", Outcome.FAULT),
    ):
        live = cast(LiveServer, Member(ended, unanswering))
        judged = believed(Done(made, True), live)
        assert judged.outcome is wanted
        assert (ended or unanswering) in judged.note or wanted is Outcome.REFUSED
    # Cut off by a change, as the domain controller says: nobody else comes through with NTLM to show it well.
    alone = replace(DENIED, status="STATUS_NO_LOGON_SERVERS")
    for ended, unanswering, refuses, wanted in (
        ("", "", "WITH SIGNED schannel", Outcome.REFUSED),
        ("", "", "", Outcome.FAULT),
        ("", "its KDC is mute", "WITH SIGNED schannel", Outcome.FAULT),
        ("it is gone", "", "WITH SIGNED schannel", Outcome.FAULT),
    ):
        live = cast(LiveServer, Member(ended, unanswering, refuses))
        assert believed(Done(alone, False), live).outcome is wanted


def test_clocks_that_differ_refuse_nobody() -> None:
    """Client and domain controller have the lab's clocks: no change makes them differ."""
    asked = replace(DENIED, step=StepName.KERBEROS_AS, status="KRB_AP_ERR_SKEW")
    live = cast(LiveServer, SimpleNamespace(state=CATALOGUE.servers["samba-ad-member"].state))
    judged = believed(Done(asked, True), live)
    assert (judged.outcome, judged.side) == (Outcome.FAULT, None)
    assert judged.note.startswith("KRB_AP_ERR_SKEW at kerberos-as: the clocks of the lab differ")


FORK = "  smbd_accept_connection: fork() failed: Resource temporarily unavailable"
"""Of smbd 4.22 with ulimit -u 24: it hung up on that client, and served others right before and after."""


@pytest.mark.parametrize("said", [FORK, "  smbd version 4.22.11 started."])
def test_a_server_that_lacks_processes_refuses_nobody(tmp_path: Path, said: str) -> None:
    """Whoever came through beside it; and not for what a server said that was stopped since."""
    log, output = tmp_path / "log", tmp_path / "output"
    trouble = Trouble(Home("1-samba", tmp_path, tmp_path, "127.0.0.1", "share"), log, output)
    state = CATALOGUE.servers["samba-4.22"].state
    live = cast(LiveServer, SimpleNamespace(state=state, lacked=trouble.lacked))
    refused = Done(replace(DENIED, step=StepName.NEGOTIATE, status="RESET"), True)
    log.write_text(f"{FORK}\n")
    trouble.begin()
    assert believed(refused, live).outcome is Outcome.REFUSED
    for _ in range(2):
        with log.open("a") as file:
            file.write(f"[2026/11/30 21:44:02.097906,  0] source3/smbd/server.c:1046(main)\n{said}\n")
        judged = believed(refused, live)
        assert judged.outcome is (Outcome.FAULT if said == FORK else Outcome.REFUSED)
        assert ("too few processes may run (ulimit -u)" in judged.note) is (said == FORK)


def test_answered_refusals_share_one_probe(lab: LocalLab, probes: list[str]) -> None:
    kept: dict[CellId, Attempt] = {}
    with lab.serve(CATALOGUE.servers["samba-4.13"]) as live:
        verification = Verification(CATALOGUE.clients, live, kept.__setitem__)
        assert verification.due_in is None
        verification.hear(CELLS[0], Done(Attempt(Outcome.OK)))
        assert list(kept) == CELLS[:1]
        for cell in CELLS[1:]:
            verification.hear(cell, Done(DENIED, None))
        assert list(kept) == CELLS[:1], "not before the server was shown healthy"
        assert verification.due_in is not None
        assert verification.due_in <= SOON
        verification.settle()
        assert verification.due_in is None
        verification.settle()
    assert probes == [live.target.address]
    assert [kept[cell] for cell in CELLS[1:]] == [DENIED] * 4


def test_who_comes_through_later_vouches_for_a_refusal(lab: LocalLab, probes: list[str]) -> None:
    kept: dict[CellId, Attempt] = {}
    closed = replace(DENIED, status="CLOSED")
    with lab.serve(CATALOGUE.servers["samba-4.13"]) as live:
        verification = Verification(CATALOGUE.clients, live, kept.__setitem__)
        verification.hear(CELLS[0], Done(DENIED, None, begun=1.0, ended=2.0))
        verification.hear(CELLS[1], Done(closed, None, begun=1.0, ended=3.0))
        verification.hear(CELLS[2], Done(LISTED, begun=2.5, ended=4.0))
        assert kept == {CELLS[0]: DENIED, CELLS[2]: LISTED}, "the other ended after it had begun"
        verification.hear(CELLS[3], Done(Attempt(Outcome.OK), begun=3.0, ended=5.0))
        assert CELLS[1] not in kept, "who comes through without a pipe says nothing of one that was cut off"
        verification.hear(CELLS[3], Done(LISTED, begun=3.0, ended=5.0))
        assert kept[CELLS[1]] == closed
        # It was slower to be heard, no more.
        verification.hear(CELLS[4], Done(closed, None, begun=2.0, ended=3.0))
        assert kept[CELLS[4]] == closed
        assert verification.due_in is None
    assert probes == []


WITNESSES = {
    "refused-too": (CELLS[1], Done(DENIED, None, begun=9.0, ended=9.1)),
    "a-fault": (CELLS[1], Done(Attempt.fault("the client process ended"), begun=9.0)),
    "over-a-connection-that-was-open": (CELLS[1], Done(Attempt(Outcome.OK))),
    "in-a-guest": (replace(CELLS[1], client="linux-cifs-kernel-2.1"), Done(Attempt(Outcome.OK), begun=9.0)),
    "that-began-before-its-end": (CELLS[1], Done(Attempt(Outcome.OK), begun=1.9, ended=9.0)),
}


@pytest.mark.parametrize(("cell", "done"), WITNESSES.values(), ids=WITNESSES)
def test_nobody_else_vouches(lab: LocalLab, probes: list[str], cell: CellId, done: Done) -> None:
    kept: dict[CellId, Attempt] = {}
    with lab.serve(CATALOGUE.servers["samba-4.13"]) as live:
        verification = Verification(CATALOGUE.clients, live, kept.__setitem__)
        verification.hear(CELLS[0], Done(DENIED, None, begun=1.0, ended=2.0))
        verification.hear(cell, done)
        assert CELLS[0] not in kept
        assert verification.due_in == 0.0, "it ended long ago"
        verification.settle()
    assert kept[CELLS[0]] == DENIED
    assert probes == [live.target.address]


@pytest.mark.parametrize("status", UNANSWERED)
def test_what_the_server_did_not_answer_waits_for_a_moment_only(lab: LocalLab, status: str) -> None:
    with lab.serve(CATALOGUE.servers["samba-4.13"]) as live:
        verification = Verification(CATALOGUE.clients, live, lambda *_: None)
        verification.hear(CELLS[0], Done(DENIED, None))
        verification.hear(CELLS[1], Done(replace(DENIED, status=status), None))
        assert verification.due_in is not None
        assert verification.due_in <= AT_ONCE


def test_nothing_is_passed_on_while_it_is_shut(lab: LocalLab, probes: list[str]) -> None:
    kept: list[CellId] = []
    with lab.serve(CATALOGUE.servers["samba-4.13"]) as live:
        verification = Verification(CATALOGUE.clients, live, lambda cell, _made: kept.append(cell), shut=True)
        verification.hear(CELLS[0], Done(DENIED, None))
        verification.hear(CELLS[1], Done(Attempt(Outcome.OK)))
        verification.settle()
        assert kept == []
        assert probes == [live.target.address], "a refusal is not kept waiting for its probe"
        verification.open()
        verification.hear(CELLS[2], Done(Attempt(Outcome.OK)))
    assert kept == [CELLS[1], CELLS[0], CELLS[2]]


@pytest.mark.parametrize("status", ["CLOSED", "RESET", "TIMEOUT", "STATUS_ACCESS_DENIED"])
def test_through_a_tunnel_what_the_server_did_not_answer_is_not_sure(lab: LocalLab, status: str) -> None:
    kept: dict[CellId, Attempt] = {}
    beside = replace(CELLS[0], client="linux-cifs-kernel-2.1")
    made = replace(DENIED, status=status)
    with lab.serve(CATALOGUE.servers["samba-4.13"]) as live:
        assert isinstance(live, SambaServer)
        live.target = replace(live.target, tunnel="host")
        verification = Verification(CATALOGUE.clients, live, kept.__setitem__)
        for cell in (CELLS[0], beside):
            verification.hear(cell, Done(made, True))
        verification.hear(CELLS[1], Done(Attempt(Outcome.OK)))
    assert kept[beside] == made, "a client in a guest is beside the server"
    assert kept[CELLS[1]].unsure == ""
    answered = status.startswith("STATUS_")
    assert (kept[CELLS[0]].unsure == "") is answered
    assert kept[CELLS[0]].status == status


def test_what_was_vouched_for_needs_no_other_probe(lab: LocalLab, probes: list[str]) -> None:
    kept: dict[CellId, Attempt] = {}
    with lab.serve(CATALOGUE.servers["samba-4.13"]) as live:
        verification = Verification(CATALOGUE.clients, live, kept.__setitem__)
        verification.hear(CELLS[0], Done(DENIED, True, "answered 2.FF"))
        verification.hear(CELLS[1], Done(DENIED, False, "the server is not healthy: TIMEOUT"))
        assert verification.due_in is None
    assert probes == []
    assert kept[CELLS[0]] == DENIED
    assert kept[CELLS[1]].outcome is Outcome.FAULT
    assert "not healthy right after: the server is not healthy: TIMEOUT" in kept[CELLS[1]].note


def test_a_server_that_died_after_its_answers_refused_nobody(lab: LocalLab) -> None:
    kept: dict[CellId, Attempt] = {}
    with lab.serve(CATALOGUE.servers["samba-4.13"]) as live:
        verification = Verification(CATALOGUE.clients, live, kept.__setitem__)
        for cell in CELLS[:2]:
            verification.hear(cell, Done(DENIED, None))
        os.kill(live.software().pid, signal.SIGKILL)
        wait_for("its end", lambda: _is_gone(live), 5.0)
        verification.settle()
    assert {made.outcome for made in kept.values()} == {Outcome.FAULT}
    assert all(
        "smbd of samba-4.13 is gone (ended by signal 9: killed by somebody or for want of memory" in made.note
        for made in kept.values()
    )


def _is_gone(live: LiveServer) -> bool:
    assert isinstance(live, SambaServer)
    return live._process is not None and live._process.poll() is not None


@pytest.mark.parametrize("healthy", [True, None])
def test_a_server_that_says_that_it_is_in_trouble_refused_nobody(lab: LocalLab, healthy: bool | None) -> None:
    kept: dict[CellId, Attempt] = {}
    with lab.serve(CATALOGUE.servers["samba-4.13"]) as live:
        verification = Verification(CATALOGUE.clients, live, kept.__setitem__)
        verification.hear(CELLS[0], Done(replace(DENIED, status="STATUS_INSUFF_SERVER_RESOURCES"), healthy))
        verification.settle()
    assert kept[CELLS[0]].outcome is Outcome.FAULT
    assert kept[CELLS[0]].side is None
    assert "STATUS_INSUFF_SERVER_RESOURCES at create-pipe: the server was in trouble" in kept[CELLS[0]].note


def test_a_suspended_server_refused_nobody(lab: LocalLab) -> None:
    kept: dict[CellId, Attempt] = {}
    with lab.serve(CATALOGUE.servers["samba-4.13"]) as live:
        assert isinstance(live, SambaServer)
        live.target = replace(live.target, seconds=1.0)
        verification = Verification(CATALOGUE.clients, live, kept.__setitem__)
        verification.hear(CELLS[0], Done(replace(DENIED), None))
        pid = live.software().pid
        os.kill(pid, signal.SIGSTOP)
        try:
            verification.settle()
        finally:
            os.kill(pid, signal.SIGCONT)
    assert kept[CELLS[0]].outcome is Outcome.FAULT
    assert "TIMEOUT" in kept[CELLS[0]].note
