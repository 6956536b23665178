"""How a client program's attempt is judged: by the wire, and by its words only behind encryption."""

from __future__ import annotations

import socket
import sys
from dataclasses import replace

import pytest

from harness.clients import _process as process
from harness.clients import rclone, smbclient
from harness.clients._process import Invocation
from harness.clients._ran import Ran
from harness.clients.base import Log, attempt
from harness.errors import ClientFailed, LabFault, Refused
from harness.model import STATUS_OK, Check, ClientPolicy, Dialect, Outcome, Side, Step, StepName, Target
from harness.smb.tap.trace import Conversation
from harness.system.process import Result

POLICY = smbclient.Smbclient.policy
TO_SESSION = (StepName.CONNECT, StepName.NEGOTIATE, StepName.SESSION_SETUP)


def talk(*names: StepName, failed: tuple[StepName, str] | None = None, **facts: object) -> Conversation:
    steps = [Step(name, STATUS_OK, 1.0) for name in names]
    if failed:
        steps.append(Step(failed[0], failed[1], 1.0))
    plain = Conversation(tuple(steps), Dialect.SMB3_11, encrypted=False, auth="NTLMv2", ended_by="client")
    return replace(plain, **facts)  # type: ignore[arg-type]


def ran(*traces: Conversation, out: str = "", err: str = "", status: int | None = 0) -> Ran:
    return Ran("smbclient", Result("smbclient", status, out, err, 0.1), traces, 0.1)


def refused(what: Ran, goal: process.Goal, policy: ClientPolicy = POLICY) -> tuple[Refused, Log]:
    log = Log()
    with pytest.raises(Refused) as caught:
        process.judge(what, goal, policy, log)
    return caught.value, log


def test_an_empty_list_with_exit_status_0_is_the_refusal_that_the_wire_shows() -> None:
    denied = talk(
        *TO_SESSION, StepName.TREE_CONNECT_IPC, failed=(StepName.CREATE_PIPE, "STATUS_ACCESS_DENIED")
    )
    refusal, log = refused(ran(denied), smbclient._BROWSE)
    assert (refusal.status, refusal.side) == ("STATUS_ACCESS_DENIED", Side.SERVER)
    assert log.steps[-1].name is StepName.CREATE_PIPE


@pytest.mark.parametrize(("ended_at", "told"), [(30.1, "CLOSED"), (75.0, "TIMEOUT")])
def test_who_was_hung_up_on_waited_from_then_on_and_not_while_it_began(ended_at: float, told: str) -> None:
    cut = talk(StepName.CONNECT, failed=(StepName.NEGOTIATE, "CLOSED"), ended_by="server", ended_at=30.0)
    what = replace(ran(cut, status=1), result=Result("smbclient", 1, "", "", ended_at), ended_at=ended_at)
    refusal, log = refused(what, smbclient._BROWSE)
    assert (refusal.status, log.waited_on) == (told, told == "TIMEOUT")


@pytest.mark.parametrize(("ended_at", "told"), [(9.9, "NT_STATUS_IO_TIMEOUT"), (10.1, "")])
def test_what_it_says_counts_where_the_tap_only_closed_what_it_had_left_open(
    ended_at: float, told: str
) -> None:
    late = talk(StepName.CONNECT, failed=(StepName.NEGOTIATE, "TIMEOUT"), ended_by="", ended_at=10.0)
    what = replace(ran(late, err="NT_STATUS_IO_TIMEOUT", status=1), ended_at=ended_at)
    assert refused(what, smbclient._OPEN)[1].said == told


def test_the_extra_connection_for_the_workgroup_is_not_judged() -> None:
    done = talk(*TO_SESSION, StepName.TREE_CONNECT_IPC, StepName.ENUMERATE_SHARES)
    extra = talk(StepName.CONNECT, failed=(StepName.NEGOTIATE, "NO_DIALECT"))
    log = Log()
    process.judge(ran(done, extra), smbclient._BROWSE, POLICY, log)
    assert all(step.ok for step in log.steps)


def test_a_second_way_counts() -> None:
    both = talk(
        *TO_SESSION,
        StepName.TREE_CONNECT_IPC,
        StepName.ENUMERATE_SHARES,
        failed=(StepName.CREATE_PIPE, "STATUS_ACCESS_DENIED"),
    )
    process.judge(ran(both), smbclient._BROWSE, POLICY, Log())


def test_exit_status_0_without_evidence_is_a_fault() -> None:
    with pytest.raises(LabFault, match="no evidence of list"):
        process.judge(ran(talk(*TO_SESSION, StepName.TREE_CONNECT)), smbclient._OPEN, POLICY, Log())


def test_words_do_not_count_where_the_wire_can_be_read() -> None:
    boast = ran(talk(*TO_SESSION), out="  264 blocks of size 1024. 8 blocks available")
    with pytest.raises(LabFault, match="no evidence"):
        process.judge(boast, smbclient._OPEN, POLICY, Log())


def test_words_decide_behind_encryption_and_the_steps_say_so() -> None:
    hidden = talk(*TO_SESSION, encrypted=True)
    log = Log()
    process.judge(ran(hidden, out=" 264 blocks of size 1024."), smbclient._OPEN, POLICY, log)
    assert {step.detail for step in log.steps if step.name is StepName.LIST} == {process.REPORTED}
    refusal, log = refused(
        ran(hidden, err="Could not connect to srvsvc pipe: NT_STATUS_ACCESS_DENIED"), smbclient._BROWSE
    )
    assert refusal.status == "STATUS_ACCESS_DENIED"
    assert (log.steps[-1].name, log.steps[-1].detail) == (StepName.CREATE_PIPE, process.REPORTED)


def test_silence_behind_encryption_is_a_fault() -> None:
    with pytest.raises(LabFault, match="no evidence"):
        process.judge(ran(talk(*TO_SESSION, encrypted=True)), smbclient._BROWSE, POLICY, Log())


def test_a_client_that_cannot_encrypt_here_said_no_itself() -> None:
    old = talk(*TO_SESSION, dialect=Dialect.SMB2_10)
    needs = replace(POLICY, require_encryption=True)
    refusal, log = refused(ran(old, err="Encryption required and server doesn't"), smbclient._OPEN, needs)
    assert (refusal.side, refusal.status) == (Side.CLIENT, "STATUS_NOT_SUPPORTED")
    assert not log.steps[-1].ok
    with pytest.raises(LabFault):
        process.judge(ran(old), smbclient._OPEN, POLICY, Log())


def test_a_refused_logon_is_reported_though_the_client_came_again_as_anonymous() -> None:
    told = talk(
        StepName.CONNECT,
        failed=(StepName.SESSION_SETUP, "STATUS_LOGON_FAILURE"),
        auth="anonymous",
        refused_auth="NTLMv2",
    )
    refusal, log = refused(ran(told), smbclient._OPEN)
    assert (refusal.status, log.auth) == ("STATUS_LOGON_FAILURE", "NTLMv2")


def test_a_refused_question_for_referrals_is_not_what_stopped_the_check() -> None:
    told = talk(*TO_SESSION, failed=(StepName.TREE_CONNECT_IPC, "STATUS_ACCESS_DENIED"))
    went_on = replace(told, steps=(*told.steps, Step(StepName.TREE_CONNECT, "STATUS_BAD_NETWORK_NAME", 1.0)))
    assert refused(ran(went_on), smbclient._OPEN)[0].status == "STATUS_BAD_NETWORK_NAME"
    assert refused(ran(told), smbclient._OPEN)[0].status == "STATUS_ACCESS_DENIED"


TARGET = Target("127.0.0.1", "share", "someone", "a secret", seconds=0.5)
CALL = "import socket,sys; s = socket.create_connection(('127.0.0.1', int(sys.argv[1]))); "
HELLO = (
    "import struct; m = struct.pack('<4sH58x', b'\\xfeSMB', 64) + struct.pack('<HH32xH', 36, 1, 0x311);"
    "s.sendall(len(m).to_bytes(4, 'big') + m); "
)


def program(text: str, target: Target = TARGET) -> Ran:
    return process.through_tap("it", lambda port: Invocation([sys.executable, "-c", text, str(port)]), target)


@pytest.mark.parametrize("text", ["import os; os.abort()", "raise SystemExit(128 + 11)"])
def test_a_crash_is_a_fault(text: str) -> None:
    with pytest.raises(LabFault, match="crashed"):
        program(text)


def test_no_connection_is_a_fault() -> None:
    with pytest.raises(LabFault, match="made no connection: usage"):
        program("print('usage')")


def test_a_hang_is_a_timeout_of_the_step_that_was_outstanding() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        seen = program(CALL + HELLO + "s.recv(1)", replace(TARGET, port=silent.getsockname()[1]))
    assert seen.result.status is None
    refusal, log = refused(seen, smbclient._OPEN)
    assert refusal.status == "TIMEOUT"
    assert log.steps[-1].name is StepName.NEGOTIATE


def test_who_hung_up_by_its_own_reason_was_not_let_wait() -> None:
    """What it had asked last is without an answer then: by chance, and not the server's doing."""
    left = talk(*TO_SESSION, failed=(StepName.READ, "TIMEOUT"))
    words = "ERROR : Failed to send: invalid response error: signing required"
    made = Ran(
        "rclone", Result("rclone", 1, "", words, 0.1), (left,), 0.1, rclone._COMPLAINT, rclone._UNSIGNED
    )
    goal = process.Goal((StepName.READ,))
    log = Log()
    with pytest.raises(ClientFailed, match="signing required") as caught:
        process.judge(made, goal, POLICY, log)
    assert caught.value.step is StepName.READ
    assert [step.name for step in log.steps] == list(TO_SESSION)
    for other in (
        replace(made, gives_up=None),
        replace(made, result=replace(made.result, stderr="ERROR : Failed to read: i/o timeout")),
        # It was ended by the time limit.
        replace(made, traces=(replace(left, ended_by=""),)),
    ):
        assert refused(other, goal)[0].status == "TIMEOUT"


def test_how_soon_it_tells_that_the_server_hung_up_goes_by_the_machines_speed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    closed = talk(StepName.CONNECT, failed=(StepName.NEGOTIATE, "CLOSED"), ended_by="server", ended_at=30.0)
    late = replace(ran(closed, err="NT_STATUS_CONNECTION_DISCONNECTED", status=1), ended_at=33.0)
    for pace, status in ((1.0, "TIMEOUT"), (4.0, "CLOSED")):
        monkeypatch.setattr(process, "pace", lambda pace=pace: pace)
        assert refused(late, smbclient._OPEN)[0].status == status


def test_a_missing_tool_is_a_fault_that_names_it() -> None:
    done = attempt(smbclient.Smbclient(), Check.OPEN, TARGET, POLICY)
    assert done.outcome is Outcome.FAULT
    assert "smbclient" in done.note


def test_no_password_on_the_command_line() -> None:
    call = smbclient.Call(("smbclient",), (), (4, 22))
    invocation = call.to(TARGET, 4450, ["-c", "ls"])
    assert not any(TARGET.password in word for word in invocation.argv)
    assert TARGET.password not in repr(invocation)
    assert invocation.env["PASSWD"] == TARGET.password
