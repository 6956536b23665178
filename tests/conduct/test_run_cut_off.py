"""A run that is killed or stopped: nothing stays behind, and ``--resume`` finishes it."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from commandline import (
    Terminal,
    begin,
    entries,
    left_of,
    only_run,
    rehearse,
    times_measured,
    wait_until_gone,
)

from harness.labs import cleanup
from harness.model import Phase
from harness.system.deadline import wait_for

pytestmark = [pytest.mark.local_lab, pytest.mark.usefixtures("lab")]

CELLS = ("nt-pipe-support-off:samba-4.13,samba-4.22:windows-7,windows-10-1703:browse,open", "--quiet")
CLAIMED = {"browse": "lost", "open": "kept"}
STOPPED = 130
TRIES = 3


def wait_for_moment(folder: Path, moment: str) -> None:
    """``plan``: nothing measured; ``lab``: its servers start; else a phase: its first attempt is written."""
    if moment == "lab":
        wait_for("the lab", lambda: any((folder / "lab").glob("state/*/smb.conf")), 60.0)
    elif moment != "plan":
        wait_for(
            f"an attempt of {moment}",
            lambda: any(fact["phase"] == moment for fact in entries(folder, "attempt")),
            60.0,
        )


def cut_off(place: Path, status: int, stopped: Callable[[Path], tuple[Path, int]]) -> tuple[Path, Path]:
    """The folders of a run that was ``stopped`` before all was measured, and of its runs.

    It must have ended with that status. Where this process had no turn for longer than the rest of the run
    took, it is tried again.
    """
    for number in range(TRIES):
        runs = place / f"runs-{number}"
        folder, seen = stopped(runs)
        if times_measured(folder).total() < len(Phase) * len(planned(folder)):
            assert seen == status
            return folder, runs
    pytest.fail(f"{TRIES} runs were not cut off but ran to their ends")


def finished(folder: Path, runs: Path) -> None:
    """Resume the run; every cell is there once, measured in full, as it would have been without the cut."""
    before = times_measured(folder)
    done = rehearse("run", "--resume", "--runs", runs, "--json", "--quiet")
    assert done.status == 1, done.stderr
    document = json.loads(done.stdout)
    assert document["complete"]
    assert [cell["cell"] for cell in document["cells"]] == list(dict.fromkeys(planned(folder)))
    for cell in document["cells"]:
        assert cell["effect"] == CLAIMED[cell["check"]], cell["cause"]
        assert cell["restored"]
        assert all(cell["phases"].values())
        assert bool(cell["evidence"]) is (cell["effect"] == "lost")
        assert not cell["evidence"] or (folder / cell["evidence"] / "packets.pcapng").stat().st_size
    assert document["exposures"]
    for exposure in document["exposures"]:
        assert all(exposure["phases"].values()), exposure
    measured = times_measured(folder)
    assert set(measured.values()) == {1}
    assert before <= measured
    assert not (folder / "lab").exists()
    assert not list(folder.rglob("*.part"))


def plain(shown: str) -> str:
    """Without the line ends that the width makes."""
    return " ".join(shown.split())


def planned(folder: Path) -> list[str]:
    rows = json.loads((folder / "plan.json").read_text())["rows"]
    return [":".join(cell.values()) for row in rows for cell in row["cells"]]


@pytest.mark.parametrize("moment", ["plan", "lab", Phase.BASELINE, Phase.APPLIED])
def test_kill_9_leaves_nothing_and_resume_finishes(tmp_path: Path, moment: str) -> None:
    def killed(runs: Path) -> tuple[Path, int]:
        process = begin(tmp_path / "out", str(tmp_path), "run", *CELLS, "--runs", runs)
        folder = only_run(runs)
        wait_for_moment(folder, moment)
        os.kill(process.pid, signal.SIGKILL)
        status = process.wait(120)
        wait_until_gone(str(tmp_path))
        return folder, status

    folder, runs = cut_off(tmp_path, -signal.SIGKILL, killed)
    # Whoever has no environment (while it starts or ends) is not found by it, and may hold the lock yet.
    wait_for("the end of whoever holds the run's lock", lambda: not cleanup.is_alive(folder), 10.0)
    if moment == Phase.BASELINE:
        assert (folder / "lab").exists()
        cleaned = rehearse("clean", "--runs", runs)
        # Of other tests there may be temporary folders.
        labs = [line for line in cleaned.stdout.splitlines() if not line.startswith("removed temporary")]
        assert labs == [f"removed lab of the interrupted run {folder.name}"]
        assert not (folder / "lab").exists()
        listed = rehearse("list", "runs", "--runs", runs)
        assert f"cut off: 0 of 8 cells (rehearse run --resume {folder.name})" in plain(listed.stdout)
        assert rehearse("report", "--runs", runs).status in (2, 3)
    finished(folder, runs)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_it_cleanly(tmp_path: Path, number: signal.Signals) -> None:
    """What is left is what Ctrl-C leaves, from which a run is resumed below."""

    def ended(runs: Path) -> tuple[Path, int]:
        process = begin(tmp_path / "out", str(tmp_path), "run", *CELLS, "--runs", runs)
        folder = only_run(runs)
        wait_for_moment(folder, Phase.BASELINE)
        process.send_signal(number)
        status = process.wait(120)
        wait_until_gone(str(tmp_path))
        return folder, status

    folder, runs = cut_off(tmp_path, STOPPED, ended)
    said = (tmp_path / "out").read_text()
    assert "stopped; what was measured is kept" in said
    assert f"rehearse run --resume {folder}" in said
    assert "Traceback" not in said
    assert not (folder / "lab").exists()
    listed = rehearse("list", "runs", "--runs", runs)
    assert f"of 8 cells (rehearse run --resume {folder.name})" in plain(listed.stdout)


def test_ctrl_c_on_a_terminal_makes_no_faults(tmp_path: Path) -> None:
    """The terminal sends SIGINT to every process of the run at once, clients in flight included."""

    def interrupted(runs: Path) -> tuple[Path, int]:
        terminal = Terminal(str(tmp_path), "run", CELLS[0], "--runs", runs)
        folder = only_run(runs)
        wait_for_moment(folder, Phase.BASELINE)
        terminal.type(b"\x03")
        shown = terminal.rest()
        status = terminal.process.wait(120)
        assert "Traceback" not in shown
        wait_until_gone(str(tmp_path))
        return folder, status

    folder, runs = cut_off(tmp_path, STOPPED, interrupted)
    assert not [fact for fact in entries(folder, "attempt") if fact["attempt"]["outcome"] == "fault"]
    finished(folder, runs)


def test_a_signal_to_the_whole_group_is_one_signal(tmp_path: Path) -> None:
    """`kill -INT -PGID`: the lab hears it by itself, and twice more from whoever passes it on."""

    def interrupted(runs: Path) -> tuple[Path, int]:
        process = begin(tmp_path / "out", str(tmp_path), "run", *CELLS, "--runs", runs)
        folder = only_run(runs)
        wait_for_moment(folder, Phase.BASELINE)
        os.killpg(process.pid, signal.SIGINT)
        status = process.wait(120)
        wait_until_gone(str(tmp_path))
        return folder, status

    folder, _ = cut_off(tmp_path, STOPPED, interrupted)
    said = (tmp_path / "out").read_text()
    assert said.count("stopped; what was measured is kept") == 1
    assert "Traceback" not in said
    assert not [fact for fact in entries(folder, "attempt") if fact["attempt"]["outcome"] == "fault"]
    assert not (folder / "lab").exists()


def test_a_run_that_is_alive_is_left_alone(tmp_path: Path) -> None:
    runs, mark = tmp_path / "runs", str(tmp_path)
    process = begin(tmp_path / "out", mark, "run", *CELLS, "--runs", runs)
    folder = only_run(runs)
    wait_for_moment(folder, "lab")
    refused = rehearse("run", "--resume", "--runs", runs)
    assert refused.status == 64
    assert refused.stdout == ""
    assert "is being run by another process" in refused.stderr
    assert rehearse("clean", "--runs", runs).stdout == "nothing was left behind\n"
    assert process.wait(120) == 1
    wait_until_gone(mark)
    assert left_of(mark) == []
    assert not [fact for fact in entries(folder, "attempt") if fact["attempt"]["outcome"] == "fault"]


def test_a_finished_run_is_resumed_without_measuring(tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    first = rehearse("run", "none:samba-4.13:windows-7:open", "--runs", runs, "--json", "--quiet")
    assert first.ok, first.stderr
    (folder,) = runs.iterdir()
    before = entries(folder, "attempt")
    again = rehearse("run", "--resume", folder.name, "--runs", runs, "--json", "--quiet")
    assert (again.status, again.stdout) == (0, first.stdout)
    assert entries(folder, "attempt") == before
