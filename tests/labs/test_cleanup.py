"""What a killed run leaves is removed, what a living one uses is not."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from harness.labs import cleanup

pytestmark = pytest.mark.usefixtures("temporaries")

HOLD = """
import fcntl, sys
with open(sys.argv[1], "a") as lock:
    fcntl.flock(lock, fcntl.LOCK_EX)
    print("held", flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty directory of runs."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    folder = tmp_path / "state/smb-rehearsal/runs"
    folder.mkdir(parents=True)
    return folder


def _run(runs: Path, name: str) -> Path:
    folder = runs / name
    (folder / "lab/state").mkdir(parents=True)
    (folder / "lock").touch()
    (folder / "journal").write_text("what was measured\n")
    return folder


def test_nothing_to_do(runs: Path) -> None:
    assert cleanup.sweep() == []
    assert runs.is_dir()


def test_temporary_folders_that_nobody_uses_go(runs: Path, temporaries: Path) -> None:
    (temporaries / "rehearse-box-abcd").mkdir()
    assert cleanup.sweep(runs) == ["temporary folder rehearse-box-abcd"]


def test_only_the_lab_of_a_dead_run_goes(runs: Path) -> None:
    dead, alive = _run(runs, "dead"), _run(runs, "alive")
    (_run(runs, "old") / "lock").unlink()
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(alive / "lock")], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        assert cleanup.is_alive(alive)
        assert cleanup.sweep() == ["lab of the interrupted run dead", "lab of the interrupted run old"]
        assert (alive / "lab/state").is_dir()
        holder.kill()
    # A lock dies with its holder, even by kill -9.
    assert not cleanup.is_alive(alive)
    assert cleanup.sweep(runs) == ["lab of the interrupted run alive"]
    assert (dead / "journal").read_text() == "what was measured\n"


def test_a_lab_that_has_ended_is_left_to_the_command_that_made_it(runs: Path) -> None:
    """Who else begins a run in that moment is not to be in its way."""
    ending = _run(runs, "ending")
    (ending / "attended").touch()
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(ending / "attended")], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        assert not cleanup.is_alive(ending)
        assert cleanup.leftovers(runs) == []
        holder.kill()
    assert cleanup.leftovers(runs) == [ending / "lab"]


def test_half_built_images_go(runs: Path, tmp_path: Path) -> None:
    half = tmp_path / "cache/smb-rehearsal/images/.building.trixie.abcd"
    (half / "root").mkdir(parents=True)
    assert cleanup.sweep(runs) == ["half-built image .building.trixie.abcd"]
    assert not half.exists()


def test_dropping_images(runs: Path, tmp_path: Path) -> None:
    image = tmp_path / "cache/smb-rehearsal/images/trixie"
    (image / "root/usr").mkdir(parents=True)
    assert cleanup.sweep(runs) == []
    assert cleanup.drop_images() == ["image trixie"]
    assert not image.exists()
    assert cleanup.drop_images() == []


def test_half_built_boxes_go_and_boxes_when_asked_for(runs: Path, tmp_path: Path) -> None:
    base = tmp_path / "cache/smb-rehearsal"
    (base / "boxes/.building.forky.abcd/work").mkdir(parents=True)
    (base / "boxes/trixie/root").mkdir(parents=True)
    ours = base / "vagrant/boxes/smb-rehearsal-VAGRANTSLASH-bookworm/0.1.1/libvirt"
    others = base / "vagrant/boxes/yours-VAGRANTSLASH-sles-11/0/libvirt"
    for folder in (ours, others):
        folder.mkdir(parents=True)
    assert cleanup.sweep(runs) == ["half-built box .building.forky.abcd"]
    assert cleanup.drop_boxes() == ["box bookworm", "box trixie"]
    assert not ours.exists()
    assert others.is_dir(), "what was fetched may have taken hours"
    assert cleanup.drop_boxes() == []


def test_the_disks_of_machines_go_with_their_lab(runs: Path) -> None:
    kept = runs.parent / "machines"
    disk = kept / "libvirt/pool/disk.img"
    disk.parent.mkdir(parents=True)
    disk.touch()
    (kept / "lock").touch()
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(kept / "lock")], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        assert cleanup.sweep() == []
        assert disk.exists()
        holder.kill()
    assert cleanup.sweep() == ["disks of machines whose lab was killed"]
    assert not disk.parent.exists()
