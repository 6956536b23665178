"""Learned clients in the lab, and clients that are learned by listening."""

from __future__ import annotations

import json
import re
import shutil
import socket
from pathlib import Path

import pytest
from commandline import begin, rehearse
from known import CATALOGUE
from packet_maker import (
    Talk,
    ntlm_negotiate,
    pcap,
    smb1_negotiate,
    smb2_negotiate,
    smb2_session_setup,
    written,
)

from harness.clients.base import attempt
from harness.model import Check, Outcome, Target
from harness.system.deadline import wait_for

pytestmark = [pytest.mark.local_lab, pytest.mark.usefixtures("lab")]


@pytest.fixture
def capture(tmp_path: Path) -> Path:
    """Two clients: one that knows SMB1 alone, one that speaks up to 3.0.2."""
    old = (
        Talk("192.0.2.10")
        .opened()
        .says(smb1_negotiate(["LANMAN1.0", "LM1.2X002", "LANMAN2.1", "NT LM 0.12"]))
    )
    new = Talk("192.0.2.20").opened().says(smb2_negotiate([0x0210, 0x0300, 0x0302], capabilities=0x40))
    new.says(smb2_session_setup(ntlm_negotiate()))
    return written(tmp_path, pcap(old.frames + new.frames))


def test_the_row_of_a_learned_client(capture: Path, tmp_path: Path) -> None:
    ended = rehearse("learn", capture, "--rehearse", "smb3-only", "--json", "--runs", tmp_path / "runs")
    assert ended.status == 0, ended.stderr
    cells = json.loads(ended.stdout)["rehearsal"]["cells"]
    effects = {(cell["client"], cell["server"], cell["check"]): cell["effect"] for cell in cells}
    for check in ("browse", "open", "write"):
        assert effects["learned-192.0.2.10", "samba-4.22-smb1", check] == "lost"
        assert effects["learned-192.0.2.20", "samba-4.22-smb1", check] == "kept"


def test_the_row_says_who_is_emulated(capture: Path, tmp_path: Path) -> None:
    ended = rehearse("learn", capture, "--rehearse", "ntlmv2-only", "--runs", tmp_path / "runs")
    assert ended.status == 0, ended.stderr
    assert "~learned-192.0.2.10 in the lab (~ emulated)" in ended.stdout
    assert "ntlmv2-only on ~sles11-like: " in ended.stdout
    assert "ntlmv2-only on samba-4.22-smb1: " in ended.stdout


def test_a_run_with_learned_clients_keeps_their_files(capture: Path, tmp_path: Path) -> None:
    folder, runs = tmp_path / "personas", tmp_path / "runs"
    assert rehearse("learn", capture, "--write", folder).status == 0
    cells = "smb3-only:samba-4.22-smb1:learned-192.0.2.10:open"
    done = rehearse("run", cells, "--personas", folder, "--runs", runs, "--json")
    assert done.status == 1, done.stderr
    shutil.rmtree(folder)
    again = rehearse("report", "--runs", runs, "--json")
    assert again.stdout == done.stdout
    (cell,) = json.loads(again.stdout)["cells"]
    assert (cell["effect"], cell["phases"]["applied"]["status"]) == ("lost", "NO_DIALECT")


def test_whoever_connects_is_learned_and_nothing_stays_open(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    output = tmp_path / "output"
    listening = begin(
        output,
        "listen",
        "learn",
        "--listen",
        f"127.0.0.1:{port}",
        "--seconds",
        "8",
        "--write",
        tmp_path / "made",
    )
    with listening:
        wait_for("the listener", lambda: "rehearse: listening" in output.read_text(), 60.0)
        said = output.read_text()
        assert f"WARNING: for 8 s anyone who reaches 127.0.0.1 port {port} reaches an SMB server" in said
        (user, password) = re.findall(r"user (\w+), password (\w+)", said)[0]
        target = Target("127.0.0.1", "share", user, password, port=port)
        for name in ("windows-7", "windows-xp"):
            client = CATALOGUE.clients[name]
            assert attempt(client, Check.WRITE, target, client.policy).outcome is Outcome.OK
        wrong = Target("127.0.0.1", "share", user, "wrong", port=port)
        windows = CATALOGUE.clients["windows-10-1511"]
        assert attempt(windows, Check.OPEN, wrong, windows.policy).outcome is Outcome.REFUSED
        assert listening.wait(60) == 0
    told = output.read_text()
    for name in ("windows-7", "windows-xp", "windows-10-1511"):
        assert f"most like: {name} (100% of what was seen)" in told
    assert len(list((tmp_path / "made").glob("*.toml"))) == 3
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), 1).close()


def test_nobody_came() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    ended = rehearse("learn", "--listen", f"127.0.0.1:{port}", "--seconds", "1", "--json")
    assert ended.status == 3
    assert json.loads(ended.stdout)["nothing"] == "no client came"
    assert "no client came" in ended.stderr
