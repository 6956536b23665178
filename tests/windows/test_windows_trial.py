"""The trial of a Windows, against the stand-in (tests/fake_machine.py): what it tells, and what it leaves."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from fake_machine import Machine
from fake_windows import Guest, Play
from local_sshd import PASSWORD, USER, Sshd

from harness.windows import trial as windows_trial


@pytest.fixture(scope="module")
def rig() -> Iterator[tuple[Guest, Sshd]]:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        guest = stack.enter_context(Guest(folder, Machine().play))
        yield guest, stack.enter_context(Sshd(folder, str(guest.shell)))


def report(
    rig: tuple[Guest, Sshd],
    machine: Machine,
    capsys: pytest.CaptureFixture[str],
    *words: str,
    play: Play | None = None,
) -> tuple[int, dict[str, tuple[str, str]]]:
    guest, sshd = rig
    guest.play = play or machine.play
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
    assert told["ntlmv2-only (server)"] == ("not here", "it needs a reboot: --changes --reboots makes it")
    assert told["smb3-only (client)"][0] == "not here"
    assert machine.records == {}
    assert "reboot" not in machine.log
    outcome, said = told["as before"]
    assert outcome == "ok"
    assert said.startswith("127.0.0.1: fingerprint ")


def test_with_leave_it_reboots_and_says_so_before(
    rig: tuple[Guest, Sshd], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = Machine()
    said: list[str] = []

    def write(text: str) -> int:
        said.append(text)
        return len(text)

    monkeypatch.setattr(sys.stderr, "write", write)

    def note(script: str, given: Mapping[str, Any]) -> Any:
        if given.get("Really"):
            said.append("REBOOT")
        return machine.play(script, given)

    status, told = report(rig, machine, capsys, "--changes", "--reboots", play=note)
    assert status == 0
    assert told["ntlmv2-only (server)"] == ("ok", "made and taken back")
    assert told["smb1-client-off (client)"] == ("ok", "made and taken back")
    assert told["as before"][0] == "ok"
    assert machine.records == {}
    words = "".join(said)
    assert machine.log.count("reboot") == words.count("REBOOT") > 2
    assert words.count("now: 127.0.0.1 reboots (up to 900 s)\nREBOOT") == words.count("REBOOT")


def test_what_was_left_behind_is_no_reason_to_reboot(
    rig: tuple[Guest, Sshd], capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever is made on a side, what was left there is taken back first."""
    machine = Machine()
    machine.records["server-ntlmv2-only"] = []
    status, told = report(rig, machine, capsys, "--changes")
    assert status == 0
    assert told["changes left behind (server)"] == (
        "not here",
        "taking back ntlmv2-only needs a reboot: --changes --reboots does it",
    )
    assert "signing-required (server)" not in told
    assert told["signing-required (client)"] == ("ok", "made and taken back")
    assert machine.records == {"server-ntlmv2-only": []}
    assert "reboot" not in machine.log
    status, told = report(rig, machine, capsys, "--changes", "--reboots")
    assert status == 0
    assert machine.records == {}
    machine.records["server-nobody-knows"] = []
    _, told = report(rig, machine, capsys, "--changes")
    assert told["changes left behind (server)"][1].startswith(
        "it cannot be taken back: nobody-knows has no way"
    )


def test_reboots_are_of_changes(rig: tuple[Guest, Sshd], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        report(rig, Machine(), capsys, "--reboots")
    assert "give both" in capsys.readouterr().err


def test_what_stays_behind_is_found(rig: tuple[Guest, Sshd], capsys: pytest.CaptureFixture[str]) -> None:
    """A Windows that lets nothing be taken back, though it says so."""
    machine = Machine()

    def play(script: str, given: Mapping[str, Any]) -> Any:
        if given.get("Action") == "revert":
            machine.stubborn.add("EncryptData")
        return machine.play(script, given)

    status, told = report(rig, machine, capsys, "--changes", play=play)
    assert status == 1
    assert told["as before"][0] == "failed"
    assert "SMB server EncryptData was not there, is True" in told["as before"][1]


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
