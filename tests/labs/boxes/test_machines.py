"""Real boxes, booted by QEMU alone: ./test --vagrant has built them before it enters the lab."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import LabFault
from harness.labs import boxes
from harness.labs.boxes import BOXES, acceleration, trial

pytestmark = pytest.mark.vagrant


@pytest.mark.parametrize("name", BOXES)
def test_what_was_built_is_what_is_there(name: str) -> None:
    box = boxes.verify(name)
    assert box.file.stat().st_size < 400 << 20
    packages = (box.file.parent / "packages.txt").read_text()
    wanted = "ksmbd-tools " if "ksmbd-tools" in BOXES[name].packages else "samba "
    assert f"\n{wanted}" in packages


@pytest.mark.parametrize("name", ["bullseye", "forky"])
def test_a_box_boots(name: str) -> None:
    """The oldest and the newest: SSH and SMB answer; how long it takes is in the benchmarks."""
    took = trial.boot(boxes.verify(name), smb=True)
    assert took.smb is not None
    assert 0 < took.ssh <= took.smb


def test_a_box_that_does_not_answer_in_time() -> None:
    with pytest.raises(LabFault, match=r"smb-rehearsal/trixie: SSH: not within"):
        trial.boot(boxes.verify("trixie"), smb=True, seconds=1.0)


def test_a_tiny_guest_runs_under_emulation_and_a_wrong_one_does_not(tmp_path: Path) -> None:
    kernel, ram = acceleration.tiny_guest(tmp_path)
    assert acceleration.boots("tcg", kernel, ram, seconds=60.0) == ""
    (tmp_path / "no-ram").write_bytes(b"")
    assert "does not run" in acceleration.boots("tcg", tmp_path / "no-ram", ram, seconds=60.0)


def test_the_answer_about_kvm_is_one_that_was_tried() -> None:
    found = acceleration.find()
    assert found.why
    assert acceleration.remembered() == found
