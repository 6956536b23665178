"""The clients of the image ``clients`` against real Samba: jcifs, rclone, Node.js, libsmb2."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import node_client
import pytest
from known import CATALOGUE
from processes import alive

from harness.checks import EVERYDAY
from harness.clients import _resident, jcifs, libsmb2, node_smb2, rclone
from harness.clients._resident_client import ResidentClient
from harness.clients.base import Client, Offer, attempt
from harness.clients.tries import TRIES
from harness.errors import LabFault, Unsupported
from harness.model import (
    GAVE_UP,
    STATUS_OK,
    UNRELIABLE,
    Attempt,
    Check,
    ClientPolicy,
    Dialect,
    Fidelity,
    Outcome,
    Side,
    StepName,
    Target,
)
from harness.servers.live import LiveServer
from harness.system.deadline import wait_for

CLIENTS: dict[str, Client] = {
    client.name: client for module in (jcifs, rclone, node_smb2, libsmb2) for client in module.CLIENTS
}
RESIDENTS = [name for name, client in CLIENTS.items() if isinstance(client, ResidentClient)]
BROWSE, OPEN, WRITE = Check.BROWSE, Check.OPEN, Check.WRITE
EVERY = [
    (name, check)
    for name, client in CLIENTS.items()
    for check in sorted(client.checks.intersection(EVERYDAY))
]
BOTH = "samba-4.22-smb1"
ELSEWHERE = Target("127.0.0.1", "share", "nobody", "secret", seconds=2.0)
SMB2 = (0x0202, 0x0210)
SMB3 = (*SMB2, 0x0300, 0x0302, 0x0311)

Serve = Callable[[str], LiveServer]


def comes_through(name: str, made: Attempt) -> bool:
    """It did what it was to do, if only in some of its tries."""
    return made.outcome is Outcome.OK or (name == "node-smb2" and made.status == UNRELIABLE)


def done(live: LiveServer, name: str, check: Check, **policy: object) -> Attempt:
    node_client.need(name)
    client = CLIENTS[name]
    return attempt(client, check, live.target, replace(client.policy, **policy))  # type: ignore[arg-type]


@contextmanager
def changed(live: LiveServer, name: str) -> Iterator[LiveServer]:
    change = CATALOGUE.mitigation(name)
    before = live.state
    change.apply(live)
    try:
        wait_for(name, lambda: change.verify(live).in_effect, 5.0)
        yield live
    finally:
        change.revert(live, before)
        wait_for(f"{name} to be gone", lambda: not change.verify(live).in_effect, 5.0)


def test_they_are_real_programs_of_one_image() -> None:
    for client in CLIENTS.values():
        assert (client.fidelity, client.image) == (Fidelity.REAL, "clients")
        assert client.evidence
        assert client.smb1_removable
        assert client.software() == ""


@pytest.mark.parametrize(("name", "check"), EVERY)
def test_without_the_image_an_attempt_is_a_fault_and_no_refusal(name: str, check: Check) -> None:
    made = attempt(CLIENTS[name], check, ELSEWHERE, CLIENTS[name].policy)
    assert made.outcome is Outcome.FAULT
    assert "the image clients is not here" in made.note


@pytest.mark.parametrize("name", CLIENTS)
def test_a_setting_that_a_client_has_not_is_not_pretended(name: str) -> None:
    client = CLIENTS[name]
    changes: list[ClientPolicy] = [
        replace(client.policy, smb1=not client.policy.smb1),
        replace(client.policy, guest=not client.policy.guest),
        replace(client.policy, min_dialect=Dialect.SMB3_02, max_dialect=Dialect.SMB2_10),
    ]
    if name != "libsmb2":
        changes += [
            replace(client.policy, require_signing=True),
            replace(client.policy, require_encryption=True),
        ]
    for policy in changes:
        with pytest.raises(Unsupported):
            client.offer(policy, replace(ELSEWHERE, roots=(("clients", ("true",)),)))


@pytest.mark.local_lab
@pytest.mark.parametrize(
    ("name", "offer", "software"),
    [
        ("jcifs", Offer(("NT LM 0.12",)), "jcifs 1.3.19, Java 2"),
        ("rclone", Offer((), SMB3[::-1]), "rclone v1."),
        ("node-smb2", Offer((), SMB2), "@awo00/smb2 1.1.1, Node.js v"),
        ("libsmb2", Offer((), SMB3), "libsmb2 6."),
    ],
)
def test_what_they_are_and_offer(serve: Serve, name: str, offer: Offer, software: str) -> None:
    target = serve(BOTH).target
    assert CLIENTS[name].offer(CLIENTS[name].policy, target) == offer
    assert CLIENTS[name].software(target).startswith(software)


@pytest.mark.local_lab
@pytest.mark.parametrize(("name", "check"), EVERY)
def test_everyone_is_at_home_where_all_is_allowed(serve: Serve, name: str, check: Check) -> None:
    made = done(serve(BOTH), name, check)
    assert comes_through(name, made), made.note
    facts = {
        "jcifs": ("NT LM 0.12", "NTLMv2", False),
        "rclone": ("3.1.1", "NTLMv2", True),
        "node-smb2": ("2.1", "NTLMv1", False),
        "libsmb2": ("3.1.1", "NTLMv2", False),
    }
    assert (made.dialect, made.auth, made.signed) == facts[name]
    assert made.encrypted is False


@pytest.mark.local_lab
@pytest.mark.parametrize(("name", "check"), EVERY)
def test_a_server_of_smb1_alone(serve: Serve, name: str, check: Check) -> None:
    made = done(serve("sles11-like"), name, check)
    if name == "jcifs":
        assert made.outcome is Outcome.OK
        return
    # node-smb2 does not notice that the server hung up and waits for 5 s: its user sees a timeout.
    status = "TIMEOUT" if name == "node-smb2" else "CLOSED"
    assert (made.outcome, made.step, made.status) == (Outcome.REFUSED, StepName.NEGOTIATE, status)
    assert made.side is Side.SERVER
    if name == "node-smb2":
        assert made.said == "request_timeout: Negotiate(0)"


@pytest.mark.local_lab
@pytest.mark.parametrize(
    ("name", "step", "status"),
    [
        ("jcifs", StepName.NEGOTIATE, "NO_DIALECT"),
        ("node-smb2", StepName.SESSION_SETUP, "STATUS_LOGON_FAILURE"),
        ("rclone", None, None),
        ("libsmb2", None, None),
    ],
)
def test_samba_at_its_defaults(serve: Serve, name: str, step: StepName | None, status: str | None) -> None:
    for check in CLIENTS[name].checks.intersection(EVERYDAY):
        made = done(serve("samba-4.22"), name, check)
        assert (made.step, made.status) == (step, status)
        assert made.outcome is (Outcome.OK if step is None else Outcome.REFUSED)


@pytest.mark.local_lab
@pytest.mark.parametrize("server", ["sles11-like", BOTH])
def test_jcifs_lists_shares_by_rap_so_that_pipes_do_not_matter(serve: Serve, server: str) -> None:
    with changed(serve(server), "nt-pipe-support-off") as live:
        made = done(live, "jcifs", BROWSE)
    assert made.outcome is Outcome.OK
    assert [step.detail for step in made.steps if step.name is StepName.ENUMERATE_SHARES] == ["RAP"]


@pytest.mark.local_lab
def test_without_pipes_the_others_list_no_shares_but_open_and_write(serve: Serve) -> None:
    with changed(serve(BOTH), "nt-pipe-support-off") as live:
        for name in ("rclone", "libsmb2"):
            made = done(live, name, BROWSE)
            assert (made.step, made.status) == (StepName.CREATE_PIPE, "STATUS_ACCESS_DENIED"), name
        for name in CLIENTS:
            for check in (OPEN, WRITE):
                assert comes_through(name, done(live, name, check)), (name, check)


@pytest.mark.local_lab
def test_signing_required_locks_out_who_cannot_sign(serve: Serve) -> None:
    with changed(serve(BOTH), "signing-required") as live:
        for name, check in EVERY:
            made = done(live, name, check)
            if name == "node-smb2":
                assert (made.step, made.status) == (StepName.TREE_CONNECT, "STATUS_ACCESS_DENIED")
            elif (name, check) != ("rclone", WRITE):
                assert (made.outcome, made.signed) == (Outcome.OK, True), (name, check, made.note)


@pytest.mark.local_lab
def test_rclone_that_signs_is_tried_until_it_is_clear_that_it_is_unreliable(serve: Serve) -> None:
    """It takes an interim answer for one that is not signed, and which answers are interim is chance."""
    with changed(serve("samba-4.22"), "signing-required") as live:
        made = done(live, "rclone", WRITE)
    assert made.signed
    assert made.works is not None
    came, of = made.works
    if came < of:
        assert (made.outcome, made.side) == (Outcome.REFUSED, Side.CLIENT)
        assert made.status == (UNRELIABLE if came else GAVE_UP)
        assert made.step in {StepName.WRITE, StepName.READ}
        assert f"came through in {came} of {of} tries" in made.note
    else:
        assert (of, made.outcome) == (TRIES, Outcome.OK)
    assert done(serve("samba-4.22"), "rclone", WRITE).works is None


@pytest.mark.local_lab
def test_a_client_that_breaks_on_what_the_server_answers_refuses_itself(serve: Serve) -> None:
    """A server with no cipher in common answers with cipher 0, which is healthy; rclone gives up over it."""
    with changed(serve("samba-4.22"), "aes256-only") as live:
        made = done(live, "rclone", OPEN)
    assert (made.outcome, made.step, made.status, made.side, made.works) == (
        Outcome.REFUSED,
        StepName.NEGOTIATE,
        GAVE_UP,
        Side.CLIENT,
        (0, 2),
    )
    assert "unknown cipher algorithm" in made.said
    assert [step.status for step in made.steps] == [STATUS_OK, GAVE_UP]


@pytest.mark.local_lab
@pytest.mark.parametrize("check", [BROWSE, OPEN, WRITE])
def test_jcifs_refuses_to_be_a_guest(serve: Serve, check: Check) -> None:
    made = done(serve("consumer-nas"), "jcifs", check)
    assert (made.outcome, made.step, made.side) == (Outcome.REFUSED, StepName.SESSION_SETUP, Side.CLIENT)
    assert made.status == "STATUS_SMB_GUEST_LOGON_BLOCKED"
    assert made.auth == "guest"
    assert made.said == "SmbAuthException: Logon failure: unknown user name or bad password."


@pytest.mark.local_lab
def test_encryption_required_locks_out_who_cannot_encrypt(serve: Serve) -> None:
    steps = {BROWSE: StepName.ENUMERATE_SHARES, OPEN: StepName.LIST, WRITE: StepName.CREATE}
    with changed(serve(BOTH), "encryption-required") as live:
        for name, check in EVERY:
            made = done(live, name, check)
            if name in {"rclone", "libsmb2"}:
                assert (made.outcome, made.encrypted) == (Outcome.OK, True), (name, check, made.note)
                continue
            step = steps[check] if name == "jcifs" else StepName.SESSION_SETUP
            assert (made.step, made.status) == (step, "STATUS_ACCESS_DENIED"), (name, check)


@pytest.mark.local_lab
@pytest.mark.parametrize("name", ["rclone", "libsmb2"])
def test_a_refusal_behind_encryption_is_what_the_client_reports(serve: Serve, name: str) -> None:
    server = serve("samba-4.22")
    with changed(server, "nt-pipe-support-off"), changed(server, "encryption-required") as live:
        made = done(live, name, BROWSE)
    assert (made.step, made.status) == (StepName.CREATE_PIPE, "STATUS_ACCESS_DENIED")
    assert "as the client reported (encrypted)" in made.note


@pytest.mark.local_lab
@pytest.mark.parametrize(
    ("policy", "dialect", "signed", "encrypted"),
    [
        ({"max_dialect": Dialect.SMB2_10}, "2.1", False, False),
        ({"min_dialect": Dialect.SMB3_00}, "3.1.1", False, False),
        ({"min_dialect": Dialect.SMB3_02, "max_dialect": Dialect.SMB3_02}, "3.0.2", False, False),
        ({"require_signing": True}, "3.1.1", True, False),
        ({"require_encryption": True}, "3.1.1", None, True),
    ],
)
def test_libsmb2_follows_its_policy(
    serve: Serve, policy: dict[str, object], dialect: str, signed: bool | None, encrypted: bool
) -> None:
    made = done(serve(BOTH), "libsmb2", WRITE, **policy)
    assert (made.outcome, made.note) == (Outcome.OK, "")
    assert (made.dialect, made.signed, made.encrypted) == (dialect, signed, encrypted)


@pytest.mark.local_lab
@pytest.mark.parametrize("name", CLIENTS)
def test_nobody_listens(serve: Serve, name: str) -> None:
    target = replace(serve(BOTH).target, port=1)
    made = attempt(CLIENTS[name], OPEN, target, CLIENTS[name].policy)
    assert (made.outcome, made.step, made.status) == (Outcome.REFUSED, StepName.CONNECT, "RESET")


@pytest.mark.local_lab
@pytest.mark.parametrize("name", CLIENTS)
def test_a_server_that_says_nothing_costs_no_more_than_the_target_allows(serve: Serve, name: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        target = replace(serve(BOTH).target, address="127.0.0.1", port=silent.getsockname()[1], seconds=1.0)
        made = attempt(CLIENTS[name], OPEN, target, CLIENTS[name].policy)
    assert (made.outcome, made.step, made.status) == (Outcome.REFUSED, StepName.NEGOTIATE, "TIMEOUT")
    # The resident was killed; the next attempt has another.
    assert done(serve(BOTH), name, OPEN).outcome is Outcome.OK


@pytest.mark.local_lab
@pytest.mark.parametrize("name", RESIDENTS)
def test_a_resident_that_waits_for_a_server_does_not_survive_who_started_it(serve: Serve, name: str) -> None:
    client = CLIENTS[name]
    assert isinstance(client, ResidentClient)
    target = serve(BOTH).target
    helper = client._helper(target)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        request = client._request(OPEN, target, client.policy) | {"port": str(silent.getsockname()[1])}
        script = (
            "import json, sys; from harness.clients import _resident\n"
            "name, argv, env, request = json.loads(sys.stdin.readline())\n"
            "helper = _resident.Helper(name, tuple(argv), tuple(map(tuple, env)))\n"
            "print(_resident.ensure(helper).pid, flush=True)\n"
            "_resident.ask(helper, request, 60)\n"
        )
        command = [sys.executable, "-c", script]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as parent:
            assert parent.stdin is not None
            assert parent.stdout is not None
            parent.stdin.write(json.dumps([name, helper.argv, helper.env, request]) + "\n")
            parent.stdin.flush()
            pid = int(parent.stdout.readline())
            silent.settimeout(20.0)
            with silent.accept()[0]:
                assert alive(pid)
                parent.kill()
                parent.wait()
                wait_for("the helper to end", lambda: not alive(pid), 5.0)


@pytest.mark.local_lab
def test_the_node_client_is_told_to_be_missing(serve: Serve) -> None:
    client = node_smb2.NodeSmb2()
    helper = client._helper(serve(BOTH).target)
    elsewhere = replace(helper, argv=(*helper.argv[:-1], "/nowhere"))
    with pytest.raises(LabFault, match="built without @awo00/smb2: install npm"):
        _resident.ensure(elsewhere)


@pytest.mark.local_lab
def test_no_password_in_any_command_line(serve: Serve) -> None:
    target = serve(BOTH).target
    for name in RESIDENTS:
        client = CLIENTS[name]
        assert isinstance(client, ResidentClient)
        words = client._helper(target).argv
        assert not any(target.password in word for word in words)
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            assert target.password.encode() not in path.read_bytes()
