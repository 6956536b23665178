"""Programs that are heard while they run: real ones."""

from __future__ import annotations

import subprocess
import sys
import uuid
from pathlib import Path

import pytest
from overtime import cut_off

from harness.errors import LabFault
from harness.system import process
from harness.system.deadline import wait_for


def _alive(marker: str) -> bool:
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if marker.encode() in entry.read_bytes():
                return True
        except OSError:
            continue
    return False


def test_lines_are_heard_as_they_come(tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    heard: list[str] = []

    def hear(line: str) -> None:
        heard.append(line)
        # The program goes on only when its first line was heard.
        gate.touch()

    script = f"echo one; while ! [ -e {gate} ]; do sleep 0.01; done; echo two >&2; exit 3"
    result = process.run_streaming(["sh", "-c", script], timeout=60, heard=hear)
    assert heard == ["one", "two"]
    assert (result.status, result.stderr) == (3, "one\ntwo\n")


def test_a_secret_is_not_heard() -> None:
    process.keep_secret("Tr0ub4dor&3")
    heard: list[str] = []
    result = process.run_streaming(["echo", "pass", "Tr0ub4dor&3"], timeout=60, heard=heard.append)
    assert heard == ["pass ***"]
    assert "Tr0ub4dor" not in result.stderr + result.command


# Says that it is up, then stays; it is found by the last word of its command line.
STAY = "import time; print('up', flush=True); time.sleep(600)"
# The same, but it is a child in the same process group that stays.
CHILD_STAYS = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {STAY!r}, sys.argv[1]])"


def test_too_late_kills_the_whole_group() -> None:
    marker = f"marker-{uuid.uuid4().hex}"
    seen: list[bool] = []
    staying = [sys.executable, "-c", CHILD_STAYS, marker]
    result = cut_off(
        lambda s: process.run_streaming(staying, timeout=s, heard=lambda _: seen.append(_alive(marker))), 1.0
    )
    assert (result.status, seen) == (None, [True])
    wait_for("the group to end", lambda: not _alive(marker), 5)


def test_a_listener_that_fails_kills_it_too() -> None:
    marker = f"marker-{uuid.uuid4().hex}"

    def fail(_line: str) -> None:
        assert _alive(marker)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        process.run_streaming([sys.executable, "-c", CHILD_STAYS, marker], timeout=60, heard=fail)
    wait_for("the program to end", lambda: not _alive(marker), 5)


def test_it_dies_with_us() -> None:
    marker = f"marker-{uuid.uuid4().hex}"
    code = (
        "import sys; from harness.system import process; "
        f"process.run_streaming([sys.executable, '-c', {STAY!r}, sys.argv[1] + '-inner'], timeout=60, "
        "heard=lambda line: print(line, flush=True))"
    )
    with subprocess.Popen([sys.executable, "-c", code, marker], stdout=subprocess.PIPE) as ours:
        assert ours.stdout is not None
        assert ours.stdout.readline() == b"up\n"
        assert _alive(f"{marker}-inner")
        ours.kill()
    wait_for("the program to end", lambda: not _alive(f"{marker}-inner"), 5)


def test_a_program_that_is_not_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(LabFault, match=r"cannot start nothing: No such file.*; rehearse doctor says"):
        process.run_streaming(["nothing"], timeout=5, heard=lambda _: None)
    wrapped = process.ends_with_us(["qemu-img"])
    with pytest.raises(
        LabFault, match=r"cannot start qemu-img: No such .*; .*apt-get install .* qemu-utils$"
    ):
        process.run(wrapped, timeout=5, env={"PATH": str(tmp_path)})
