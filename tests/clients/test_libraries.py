"""impacket, pysmb and aiosmb: what they offer, what they cannot be told, and that nothing of them stays."""

from __future__ import annotations

import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from bad_servers import bad_server, given_time, hang
from known import CATALOGUE

from harness.clients import _library as library
from harness.clients._library import LibraryClient, status_of
from harness.clients.base import attempt
from harness.errors import LabFault, Unsupported
from harness.labs import doctor
from harness.model import Attempt, Check, ClientPolicy, Dialect, Fidelity, Outcome, StepName, Target

NAMES = ("aiosmb", "impacket", "pysmb")
NOWHERE = Target("127.0.0.1", "share", "nobody", "", seconds=1.0)
ALL_SMB2 = (0x0202, 0x0210, 0x0300, 0x0302, 0x0311)


def client(name: str) -> LibraryClient:
    found = CATALOGUE.clients[name]
    assert isinstance(found, LibraryClient)
    return found


def _sockets() -> set[str]:
    found = set()
    for entry in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):  # the directory itself, which was open while it was read
            found.add(str(entry.readlink()))
    return {name for name in found if name.startswith("socket:")}


@pytest.fixture(autouse=True)
def nothing_is_left() -> Iterator[None]:
    threads, sockets = set(threading.enumerate()), _sockets()
    yield
    assert set(threading.enumerate()) <= threads
    assert _sockets() <= sockets


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def _at(listener: socket.socket, seconds: float = 1.0) -> Target:
    return replace(NOWHERE, port=listener.getsockname()[1], seconds=seconds)


@pytest.mark.parametrize("name", NAMES)
def test_they_are_real_and_say_their_version(name: str) -> None:
    assert client(name).fidelity is Fidelity.REAL
    assert client(name).software().startswith(f"{name} ")


@pytest.mark.parametrize(
    ("name", "limits", "smb1", "smb2"),
    [
        ("impacket", {}, ("NT LM 0.12", "SMB 2.002", "SMB 2.???"), ()),
        ("impacket", {"max_dialect": Dialect.NT1}, ("NT LM 0.12",), ()),
        ("impacket", {"min_dialect": Dialect.SMB3_11}, (), (0x0311,)),
        ("pysmb", {}, ("NT LM 0.12", "SMB 2.002"), ()),
        ("pysmb", {"max_dialect": Dialect.NT1}, ("NT LM 0.12",), ()),
        ("aiosmb", {}, ("SMB 2.???", "SMB 2.002"), ()),
        ("aiosmb", {"min_dialect": Dialect.SMB3_00}, (), (0x0300, 0x0302, 0x0311)),
        ("aiosmb", {"max_dialect": Dialect.SMB2_10}, (), (0x0202, 0x0210)),
    ],
)
def test_their_offer_is_seen_on_the_wire(
    name: str, limits: dict[str, Dialect], smb1: tuple[str, ...], smb2: tuple[int, ...]
) -> None:
    offer = client(name).offer(replace(client(name).policy, **limits), NOWHERE)  # type: ignore[arg-type]
    assert (offer.smb1_dialects, offer.smb2_dialects) == (smb1, smb2)


@pytest.mark.parametrize(
    ("name", "changed"),
    [
        ("impacket", {"smb1": False}),
        ("impacket", {"min_dialect": Dialect.SMB3_02, "max_dialect": Dialect.SMB3_02}),
        ("impacket", {"max_dialect": Dialect.SMB2_10}),
        ("impacket", {"require_signing": True}),
        ("pysmb", {"smb1": False}),
        ("pysmb", {"min_dialect": Dialect.SMB2_02}),
        ("pysmb", {"require_signing": True}),
        ("aiosmb", {"min_dialect": Dialect.SMB2_10}),
        ("aiosmb", {"max_dialect": Dialect.NT1}),
        *((name, {"guest": False}) for name in NAMES),
        *((name, {"require_encryption": True}) for name in NAMES),
    ],
)
def test_a_policy_without_a_setting_is_not_pretended(name: str, changed: dict[str, object]) -> None:
    policy = replace(client(name).policy, **changed)  # type: ignore[arg-type]
    with pytest.raises(Unsupported):
        client(name).offer(policy, NOWHERE)
    assert attempt(client(name), Check.OPEN, NOWHERE, policy).outcome is Outcome.UNSUPPORTED


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("check", [Check.BROWSE, Check.OPEN, Check.WRITE])
def test_nobody_listens(name: str, check: Check, listener: socket.socket) -> None:
    target = _at(listener, seconds=20.0)
    listener.close()
    done = attempt(client(name), check, target, client(name).policy)
    assert (done.outcome, done.step, done.status) == (Outcome.REFUSED, StepName.CONNECT, "RESET"), done.note


@pytest.mark.parametrize("name", NAMES)
def test_a_silent_server_costs_no_more_than_the_target_allows(name: str) -> None:
    # It hangs up in the end: whoever waits so long is told CLOSED.
    with bad_server(hang) as target:

        def made(seconds: float) -> Attempt:
            there = replace(target, seconds=seconds)
            return attempt(client(name), Check.OPEN, there, client(name).policy)

        done = given_time(made, 0.4)
    assert (done.outcome, done.step, done.status) == (Outcome.REFUSED, StepName.NEGOTIATE, "TIMEOUT"), done


@pytest.mark.parametrize("name", NAMES)
def test_a_closed_connection(name: str, listener: socket.socket) -> None:
    def close_each() -> None:
        # impacket tries a second time.
        for _ in range(2 if name == "impacket" else 1):
            listener.accept()[0].close()

    closer = threading.Thread(target=close_each)
    closer.start()
    done = attempt(client(name), Check.WRITE, _at(listener, seconds=30.0), client(name).policy)
    closer.join()
    assert (done.outcome, done.step) == (Outcome.REFUSED, StepName.NEGOTIATE), done
    assert done.status in ("CLOSED", "RESET")


def test_patience_is_what_a_user_waits_for_a_library_without_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    def made(patience: float) -> Attempt:
        monkeypatch.setattr(type(client("aiosmb")), "patience", patience)
        return attempt(client("aiosmb"), Check.OPEN, target, client("aiosmb").policy)

    with bad_server(hang, seconds=120.0) as target:
        done = given_time(made, 0.3)
    assert (done.step, done.status) == (StepName.NEGOTIATE, "TIMEOUT")


@pytest.mark.parametrize("name", ["aiosmb", "pysmb"])
def test_without_the_library_attempts_are_faults_that_say_what_to_install(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    modules = {"aiosmb": "aiosmb.commons.connection.factory", "pysmb": "smb.SMBConnection"}
    # How Python itself marks a module that cannot be imported.
    monkeypatch.setitem(sys.modules, modules[name], None)
    done = attempt(client(name), Check.OPEN, NOWHERE, client(name).policy)
    assert done.outcome is Outcome.FAULT
    assert done.note.startswith(f"{name} is not installed")
    assert done.note.endswith(f"; pip install {name}")
    with pytest.raises(LabFault, match="not installed"):
        client(name).offer(client(name).policy, NOWHERE)


def test_the_doctor_names_a_missing_library_and_does_not_fail(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    packages = {"aiosmb": client("aiosmb").package, "pysmb": "a-package-that-nobody-has"}
    found = {finding.name: finding for finding in doctor.examine(CATALOGUE.images, packages)}
    assert found["client aiosmb"].detail.startswith("aiosmb ")
    assert found["client aiosmb"].mend == ""
    missing = found["client pysmb"]
    assert missing.ok
    assert "not installed" in missing.detail
    assert missing.mend.endswith("-m pip install a-package-that-nobody-has")


def test_the_ntstatus_of_an_exception() -> None:
    class Coded(Exception):
        error = 0xC0000022

    assert status_of(Coded("odd")) == "STATUS_ACCESS_DENIED"
    assert status_of(RuntimeError("code: 0xc0000043 - whatever")) == "STATUS_SHARING_VIOLATION"
    assert status_of(RuntimeError("NT_STATUS_SUCCESS, then STATUS_LOGON_FAILURE")) == "STATUS_LOGON_FAILURE"
    assert status_of(RuntimeError("unpack requires a buffer of 1 bytes")) == ""


def test_limits_that_leave_nothing() -> None:
    with pytest.raises(Unsupported, match="no dialect"):
        library.span(ClientPolicy(smb1=False, max_dialect=Dialect.NT1))
