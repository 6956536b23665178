"""The trial of a Windows, against the stand-in (tests/fake_machine.py): what it tells, and what it leaves."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from fake_machine import Machine
from fake_windows import Guest
from local_sshd import PASSWORD, USER, Sshd

from harness.verbs import windows_trial


@pytest.fixture(scope="module")
def rig() -> Iterator[tuple[Guest, Sshd]]:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        guest = stack.enter_context(Guest(folder, Machine().play))
        yield guest, stack.enter_context(Sshd(folder, str(guest.shell)))


def report(
    rig: tuple[Guest, Sshd], machine: Machine, capsys: pytest.CaptureFixture[str], *words: str
) -> tuple[int, dict[str, tuple[str, str]]]:
    guest, sshd = rig
    guest.play = machine.play
    argv = ["127.0.0.1", "--port", str(sshd.port), "--user", USER, "--key", str(sshd.key), *words]
    status = windows_trial.main(argv)
    said = json.loads(capsys.readouterr().out)
    return status, {line["trial"]: (line["outcome"], line["told"]) for line in said}


def test_facts_alone_change_nothing(rig: tuple[Guest, Sshd], capsys: pytest.CaptureFixture[str]) -> None:
    machine = Machine()
    status, told = report(rig, machine, capsys)
    assert status == 0
    assert set(told) == {"readiness", "facts"}
    assert json.loads(told["facts"][1])["version"] == "10.0.20348.2849"
    assert machine.log == []


def test_changes_are_made_and_taken_back(rig: tuple[Guest, Sshd], capsys: pytest.CaptureFixture[str]) -> None:
    machine = Machine()
    status, told = report(rig, machine, capsys, "--changes")
    assert status == 0
    assert told["signing-required (server)"] == ("ok", "made and taken back")
    assert told["ntlmv2-only (server)"] == ("not here", "it needs a reboot: try it by hand")
    assert told["smb3-only (client)"][0] == "not here"
    assert machine.records == {}
    assert "reboot" not in machine.log


def test_what_windows_ignores_fails(rig: tuple[Guest, Sshd], capsys: pytest.CaptureFixture[str]) -> None:
    machine = Machine()
    machine.stubborn.add("EncryptData")
    status, told = report(rig, machine, capsys, "--changes")
    assert status == 1
    assert told["encryption-required (server)"] == ("failed", "smb-server EncryptData is None, not True")
    assert machine.records == {}


def test_a_password_comes_from_the_environment(
    rig: tuple[Guest, Sshd], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    guest, sshd = rig
    guest.play = Machine().play
    monkeypatch.setenv(windows_trial.PASSWORD, PASSWORD)
    words = ["127.0.0.1", "--port", str(sshd.port), "--user", USER]
    assert windows_trial.main(words) == 0
    monkeypatch.setenv(windows_trial.PASSWORD, "wrong one")
    assert windows_trial.main(words) == 1
    out, err = capsys.readouterr()
    assert "is not let in" in err
    assert PASSWORD not in out + err
    assert "wrong one" not in out + err
