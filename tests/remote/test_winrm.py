"""WinRM against a real HTTP server on 127.0.0.1 that behaves, and one that misbehaves in each known way.

It is no Windows (see tests/fake_winrm.py).
"""

from __future__ import annotations

import base64
import socket
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from fake_windows import Said, Thrown
from fake_winrm import PASSWORD, USER, Mood, WinRm
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import LabFault
from harness.model import GuestRoute
from harness.remote import connect, readiness, winrm, wsman_probe
from harness.remote.powershell import PowerShell, ScriptFailed
from harness.remote.readiness import examine
from harness.remote.winrm import WinRmRemote
from harness.system.process import redact, run


def play(script: str, given: Mapping[str, Any]) -> Any:
    if script == readiness.VERSION:
        return "5.1.20348.1"
    if given.get("Number") == 13:
        raise Thrown("thirteen")
    return dict(given)


@pytest.fixture
def guest() -> Iterator[WinRm]:
    with WinRm(play) as server:
        yield server


def route(server: WinRm, password: str = PASSWORD) -> GuestRoute:
    return GuestRoute("guest", "127.0.0.1", server.port, USER, password=password, communicator="winrm")


def test_a_script_goes_in_and_its_answer_comes_out(guest: WinRm) -> None:
    with closing(connect(route(guest))) as remote:
        assert isinstance(remote, WinRmRemote)
        shell = PowerShell(remote)
        assert shell.run("echo", "the script", {"Number": 7, "Word": "ä"}, timeout=20) == (
            '{"Number": 7, "Word": "\\u00e4"}'
        )
        with pytest.raises(ScriptFailed, match="guest: echo failed: thirteen"):
            shell.run("echo", "the script", {"Number": 13}, timeout=20)
    assert guest.opened == 2
    assert guest.shells == set()


@pytest.fixture
def accounts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whom pyspnego's acceptor lets in."""
    file = tmp_path / "accounts"
    file.write_text(f":{USER}:{PASSWORD}\n")
    monkeypatch.setenv("NTLM_USER_FILE", str(file))


@pytest.mark.usefixtures("accounts")
def test_negotiate_encrypts_every_message(guest: WinRm) -> None:
    guest.mood = "negotiate"
    remote = WinRmRemote(route(guest))
    assert PowerShell(remote).run("echo", "the script", {"Number": 7}, timeout=20) == '{"Number": 7}'
    # Create, Command, Send, Receive, Signal, Delete.
    assert guest.sealed == 6
    assert guest.shells == set()
    assert str(examine(route(guest))) == "WinRM offers Negotiate; PowerShell 5.1.20348.1 answers"


@pytest.mark.usefixtures("accounts")
def test_a_wrong_password_is_refused_by_negotiate_too(guest: WinRm) -> None:
    guest.mood = "negotiate"
    found = examine(route(guest, "not-the-password"))
    assert "vagrant is not let in with the lab's password (negotiate)" in found.wrong
    assert guest.sealed == 0


def test_tls_with_a_certificate_of_the_guests_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    certificate = tmp_path / "guest.pem"
    argv = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    argv += ["-subj", "/CN=guest", "-days", "2", "-keyout", str(certificate), "-out", str(tmp_path / "part")]
    run(argv, timeout=30).check("openssl")
    certificate.write_text(certificate.read_text() + (tmp_path / "part").read_text())
    with WinRm(play, certificate=certificate) as server:
        monkeypatch.setattr(wsman_probe, "TLS_PORT", server.port)
        assert str(examine(route(server))) == "WinRM offers Basic; PowerShell 5.1.20348.1 answers"


def test_no_shell_is_left_behind_whatever_happens(guest: WinRm) -> None:
    remote = WinRmRemote(route(guest))
    assert remote.run("exit 0", timeout=20).ok
    assert remote.run("nonsense", timeout=20).status == 1
    guest.mood = "deaf"
    assert remote.run("exit 0", timeout=0.2).status is None
    guest.mood = "well"
    with ThreadPoolExecutor(4) as threads:
        assert all(one.ok for one in threads.map(lambda _: remote.run("exit 0", timeout=30), range(12)))
    assert guest.shells == set()
    assert guest.opened == 15


def test_a_file_goes_through_powershell(guest: WinRm) -> None:
    put: dict[str, bytes] = {}

    def write(script: str, given: Mapping[str, Any]) -> Any:
        put[given["Path"]] = base64.b64decode(given["Data"])
        return {"bytes": 3}

    guest.play = write
    WinRmRemote(route(guest)).put("C:\\x.bin", b"\x00\xff\x10")
    assert put == {"C:\\x.bin": b"\x00\xff\x10"}


def test_the_password_shows_nowhere(guest: WinRm, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    result = WinRmRemote(route(guest)).run("exit 0", timeout=20)
    assert result.ok
    assert "winrm guest: exit 0 -> 0 in" in caplog.text
    for spelled in (PASSWORD, base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()):
        assert spelled not in caplog.text
    assert redact(PASSWORD) == "***"


@pytest.mark.parametrize(
    ("mood", "told", "mend"),
    [
        ("silent", "TCP connects but no HTTP answer comes within 1 s", "WinRM hangs: restart it"),
        ("garbage", "what answers there is no HTTP (BadStatusLine)", "SSH guests are reached by SSH"),
        ("404", "HTTP, but no WinRM (404)", "winrm quickconfig"),
        ("200", "HTTP 200 to a request without a user, not 401", "is it WinRM?"),
        ("no-auth", "offers no way to log on, not Negotiate or Basic", "Negotiate"),
        ("digest", "offers Digest, not Negotiate or Basic", "Negotiate"),
        ("quota", "its quota of shells a user is used up: This user is allowed", "MaxShellsPerUser"),
        ("negotiate-hangs", "it took the logon (negotiate) and then no answer came in time", "restart its"),
    ],
)  # fmt: skip
def test_each_misbehaviour_has_a_line_of_its_own(
    monkeypatch: pytest.MonkeyPatch, guest: WinRm, mood: Mood, told: str, mend: str
) -> None:
    monkeypatch.setattr(winrm, "ANSWER_SECONDS", 1)
    guest.mood = mood
    found = examine(route(guest), seconds=1.0 if mood == "silent" else 20.0)
    assert not found.ready
    assert told in found.wrong
    assert found.wrong.startswith(f"guest (127.0.0.1 port {guest.port}): ")
    assert mend in found.mend
    assert "\n" not in str(found)


def test_a_wrong_password_names_the_way_it_was_sent(guest: WinRm) -> None:
    found = examine(route(guest, "not-the-password"))
    assert found.passed == ("WinRM offers Basic",)
    assert "vagrant is not let in with the lab's password (basic)" in found.wrong


def test_a_ready_guest(guest: WinRm) -> None:
    found = examine(route(guest))
    assert found.ready
    assert str(found) == "WinRM offers Basic; PowerShell 5.1.20348.1 answers"


def test_winrm_without_powershell(guest: WinRm) -> None:
    def nothing(script: str, given: Mapping[str, Any]) -> Any:
        raise Said(1, "", "'powershell.exe' is not recognized as an internal or external command")

    guest.play = nothing
    assert "there is no PowerShell in the guest" in examine(route(guest)).wrong


def test_a_closed_port_and_a_guest_that_is_gone() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        gone = GuestRoute("guest", "127.0.0.1", port, USER, password=PASSWORD, communicator="winrm")
        assert "nothing listens there" in examine(gone).wrong


def test_a_guest_that_dies_under_a_command() -> None:
    with WinRm(play) as server:
        remote = WinRmRemote(route(server))
        assert remote.run("exit 0", timeout=20).ok
    with pytest.raises(LabFault, match=r"guest .*: WinRM broke: "):
        remote.run("exit 0", timeout=5)


@given(st.one_of(st.none(), st.integers(), st.text()), st.text())
def test_every_fault_is_one_line(code: int | str | None, reason: str) -> None:
    line = str(wsman_probe.fault("guest", code, reason))
    assert len(line.splitlines()) == 1
    assert line.startswith("guest: WinRM says: ")


def test_a_quota_without_a_known_number_is_a_quota_all_the_same() -> None:
    said = wsman_probe.fault("guest", 1, "The maximum number of concurrent commands has been exceeded.")
    assert "a quota of its is used up" in str(said)
