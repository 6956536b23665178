"""Running programs: to their end or to the limit, with their words kept and no secret told."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from pathlib import Path

import pytest
from commandline import users
from overtime import cut_off
from processes import alive

from harness.errors import LabFault
from harness.system import process, waits
from harness.system.deadline import wait_for

SLEEP = ["sh", "-c", "sleep 60 & echo $!; wait"]
"""Leaves a child behind when only its leader is killed."""


def test_what_a_program_leaves() -> None:
    done = process.run(["sh", "-c", "cat; echo oops >&2; exit 3"], timeout=60, stdin="in")
    assert (done.status, done.stdout, done.stderr, done.ok) == (3, "in", "oops\n", False)
    with pytest.raises(LabFault, match=r"^making it: sh ended with status 3: oops; try again$"):
        done.check("making it", "try again")


def test_a_signal_is_a_negative_status() -> None:
    assert process.run(["sh", "-c", "kill -9 $$"], timeout=60).status == -signal.SIGKILL


def test_a_program_that_does_not_end_is_killed_with_its_children() -> None:
    done = cut_off(lambda seconds: process.run(SLEEP, timeout=seconds), 0.3)
    assert done.status is None
    wait_for("the child's end", lambda: not alive(int(done.stdout)), 5.0)
    with pytest.raises(LabFault, match="sh did not end in time"):
        done.check("sleeping")


def test_a_program_that_is_waited_for_in_vain_is_ended_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waits, "ASK_SECONDS", 0.05)
    pid = tmp_path / "pid"
    hanging = ["sh", "-c", f"sleep 60 & echo $! >{pid}.new; mv {pid}.new {pid}; wait"]

    def why() -> LabFault | None:
        return LabFault("its disk is full") if pid.exists() else None

    with waits.unless(why), pytest.raises(LabFault, match=r"^its disk is full$"):
        process.run(hanging, timeout=60)
    wait_for("the child's end", lambda: not alive(int(pid.read_text())), 5.0)


def test_all_input_arrives_although_one_asks_meanwhile_by_a_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waits, "ASK_SECONDS", 0.01)
    asked = []

    def why() -> LabFault | None:
        asked.append(process.run(["sh", "-c", f"echo x >>{tmp_path}/asked"], timeout=60).status)
        return None

    slow = f"until [ $(wc -l <{tmp_path}/asked) -ge 3 ]; do :; done; wc -c"
    (tmp_path / "asked").touch()
    with waits.unless(why):
        done = process.run(["sh", "-c", slow], timeout=60, stdin="x" * (1 << 20))
    assert (done.status, done.stdout.strip()) == (0, str(1 << 20))
    assert len(asked) >= 3
    assert set(asked) == {0}


def test_a_program_that_is_not_there() -> None:
    for way in (
        lambda: process.run(["/no/such/program"], timeout=1),
        lambda: process.start(["/no/such/program"], output=Path(os.devnull)),
        lambda: process.attach(["/no/such/program"]),
    ):
        with pytest.raises(LabFault, match="cannot start /no/such/program: No such file or directory"):
            way()


def test_broken_text_is_kept() -> None:
    assert process.run(["printf", r"a\377b"], timeout=60).stdout == "a\ufffdb"


def test_a_secret_is_told_nowhere(caplog: pytest.LogCaptureFixture) -> None:
    process.keep_secret("hunter2secret")
    with caplog.at_level(logging.DEBUG, "harness.system.process"):
        done = process.run(["sh", "-c", "echo hunter2secret; echo hunter2secret >&2; exit 1"], timeout=60)
    assert "***" in caplog.text
    assert "hunter2secret" not in caplog.text + done.stdout + done.stderr + done.command
    with pytest.raises(LabFault) as caught:
        done.check("it")
    assert "hunter2secret" not in str(caught.value)


def test_an_empty_secret_blanks_nothing() -> None:
    process.keep_secret("")
    assert process.redact("abc") == "abc"


def test_streaming_tells_each_line_as_it_comes() -> None:
    heard: list[str] = []
    done = process.run_streaming(["sh", "-c", "echo one; echo two >&2"], timeout=60, heard=heard.append)
    assert done.ok
    assert heard == ["one", "two"]


def test_streaming_ends_at_the_limit() -> None:
    heard: list[str] = []
    done = cut_off(lambda s: process.run_streaming(SLEEP, timeout=s, heard=heard.append), 0.3)
    assert done.status is None
    wait_for("the child's end", lambda: not alive(int(heard[0])), 5.0)


def test_a_started_program_writes_to_its_file_and_is_killed_as_a_group(tmp_path: Path) -> None:
    output = tmp_path / "out"
    started = process.start(SLEEP, output=output, env={"IGNORED": "1"})
    child = wait_for("its output", lambda: output.read_text().strip() or None, 5.0)
    process.kill_group(started.pid)
    assert started.wait(60) == -signal.SIGKILL
    wait_for("the child's end", lambda: not alive(int(child)), 5.0)
    process.kill_group(started.pid)  # Gone already: no error.


def test_what_is_attached_dies_with_us(tmp_path: Path) -> None:
    """Its parent is killed by SIGKILL and can tell nobody."""
    output = tmp_path / "out"
    text = (
        "from harness.system import process; child = process.attach(['sleep', '60']);"
        "print(child.pid, flush=True); child.wait()"
    )
    parent = process.start([sys.executable, "-c", text], output=output, env=users())
    child = int(wait_for("the child", lambda: output.read_text().strip() or None, 10.0))
    assert alive(child)
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait(60)
    wait_for("the child's end", lambda: not alive(child), 5.0)


def test_a_signal_handler_can_kill_what_runs_at_any_moment() -> None:
    """It runs in the main thread, which may be just about to note what it has started."""
    ended = threading.Event()

    def interrupted() -> None:
        with process._running_lock:
            process.kill_running()
        ended.set()

    threading.Thread(target=interrupted, daemon=True).start()
    assert ended.wait(60)


def test_what_a_program_said_is_not_why_it_was_killed() -> None:
    for number, how in ((9, "killed by somebody or for want of memory"), (15, "somebody ended it")):
        with pytest.raises(LabFault) as caught:
            process.run(["sh", "-c", f"echo oops >&2; kill -{number} $$"], timeout=60).check("making it")
        assert f"making it: sh ended by signal {number}: {how}" in str(caught.value)
        assert "oops" not in str(caught.value)
