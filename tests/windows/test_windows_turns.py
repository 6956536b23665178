"""One job at a time has a guest's client: between threads, between processes, and when somebody dies."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from commandline import users

from harness.errors import LabFault, RunStopped
from harness.system import waits
from harness.system.deadline import wait_for
from harness.system.process import finish, start
from harness.windows.turns import alone


@pytest.fixture(autouse=True)
def _own_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


def attempt(seconds: float) -> str:
    try:
        with alone("guest", seconds):
            return "in"
    except LabFault as fault:
        return str(fault)


def test_another_thread_waits(tmp_path: Path) -> None:
    with alone("guest", 1.0), ThreadPoolExecutor(1) as threads:
        assert (
            "client in guest, which another job has: not within 0.1 s"
            in threads.submit(attempt, 0.1).result()
        )
    assert attempt(0.1) == "in"
    # Others can lay nothing under its name.
    assert [path.name for path in (tmp_path / "smb-rehearsal").iterdir()] == ["client-guest.lock"]


def test_another_guest_is_free() -> None:
    with alone("guest", 1.0), alone("other", 0.1):
        pass


def test_a_process_that_died_holds_nothing(tmp_path: Path) -> None:
    there = tmp_path / "there"
    script = (
        "import pathlib, sys, time; from harness.windows.turns import alone\n"
        "with alone('guest', 5.0):\n    pathlib.Path(sys.argv[1]).touch(); time.sleep(60)\n"
    )
    holder = start([sys.executable, "-c", script, there], output=tmp_path / "log", env=users())
    try:
        wait_for("the other process", lambda: there.exists() or holder.poll() is not None, 20.0)
        assert there.exists(), (tmp_path / "log").read_text()
        assert "which another job has" in attempt(0.05)
    finally:
        holder.kill()
        finish(holder, 5.0)
    assert attempt(5.0) == "in"


def test_whoever_stops_the_run_does_not_wait() -> None:
    stopped: list[bool] = []

    def another() -> None:
        with (
            waits.watched(lambda _: stopped.append(True), lambda: bool(stopped), after=0.01),
            alone("guest", 60.0),
        ):
            pytest.fail("it was taken")

    with alone("guest", 1.0), ThreadPoolExecutor(1) as threads, pytest.raises(RunStopped):
        threads.submit(another).result(timeout=20)
