"""What goes over a channel, and when, to a real sshd on a machine that is busy at the wrong moment."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import paramiko
import pytest
from local_sshd import Sshd
from paramiko.common import cMSG_CHANNEL_EOF

from harness.errors import LabFault
from harness.remote.ssh import SshRemote
from harness.system import waits
from harness.system.deadline import wait_for

HELD = 0.5
"""Seconds that the end of stdin is held up: enough for a command that does nothing to end."""


@pytest.fixture
def marks() -> Iterator[Path]:
    """A folder that the user of the tests' sshd may look into."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch, marks: Path) -> list[bool]:
    """Our thread stops before it sends the end of stdin, for as long as the channel stays open.

    Whether the channel was closed when it went on, by command; a file with the command's number says that it
    has stopped.
    """
    really = paramiko.Transport._send_user_message  # type: ignore[attr-defined]
    seen: list[bool] = []

    def late(transport: Any, message: paramiko.Message) -> None:
        if message.asbytes()[:1] == cMSG_CHANNEL_EOF and threading.current_thread() is not transport:
            channel = max(transport._channels.values(), key=lambda one: one.chanid)
            (marks / str(len(seen))).touch()
            with suppress(LabFault):
                wait_for("the answer to the guest's CLOSE", lambda: channel.closed, HELD)
            seen.append(channel.closed)
        really(transport, message)

    monkeypatch.setattr(paramiko.Transport, "_send_user_message", late)
    return seen


def test_the_end_of_stdin_comes_before_the_channel_is_closed(held: list[bool], marks: Path) -> None:
    """Else sshd hangs up, or the next command's stdin ends before it begins, and then it never does."""
    with tempfile.TemporaryDirectory() as folder, Sshd(Path(folder)) as sshd:
        with closing(SshRemote(sshd.route)) as remote:
            for text in ("one\n", "two\n"):
                # Ends once our thread has been stopped, and not before.
                until = f"until test -e {marks}/{len(held)}; do sleep 0.01; done"
                assert remote.run(until, timeout=20).ok
                assert remote.run("cat", timeout=20, stdin=text).stdout == text
        assert sshd.log().count("Accepted publickey") == 1
        assert "Disconnecting" not in sshd.log()
    assert held == [False] * 4


def test_a_command_that_can_no_longer_end_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waits, "ASK_SECONDS", 0.0)
    with (
        tempfile.TemporaryDirectory() as folder,
        Sshd(Path(folder)) as sshd,
        closing(SshRemote(sshd.route)) as remote,
    ):
        with waits.unless(lambda: LabFault("its disk is full")), pytest.raises(LabFault, match="disk"):
            remote.run("exec sleep 60", timeout=60)
        assert remote.run("true", timeout=20).ok
