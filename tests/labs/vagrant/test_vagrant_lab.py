"""What the lab of virtual machines does when a guest fails; the machines only say what they were told."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path

import pytest
from told_machines import Told, machine

from harness.errors import LabFault
from harness.labs.vagrant.gather import Means
from harness.labs.vagrant.lab import VagrantLab
from harness.labs.vagrant.machine import Machine
from harness.labs.vagrant.machine_pool import MachinePool

needs_vagrant = pytest.mark.skipif(
    shutil.which("vagrant") is None, reason="the lab wants Vagrant: run ./test --vagrant"
)


@needs_vagrant
def test_a_client_guest_that_does_not_start_takes_no_other_with_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    means = Means(boxes=tmp_path, accelerated=False, memory=4096, clients=("kernel-client",))
    lab = VagrantLab(tmp_path / "lab", {}, means)
    asked: list[str] = []

    def broken(name: str) -> Machine:
        asked.append(name)
        raise LabFault(f"{name} hangs at boot")

    lab._pool = MachinePool(4096, broken)
    with caplog.at_level(logging.WARNING):
        assert lab._client_routes() == ()
    assert asked == ["kernel-client"]
    assert "kernel-client is left out: kernel-client hangs at boot" in caplog.text


@pytest.fixture
def told_lab(tmp_path: Path) -> tuple[VagrantLab, Told]:
    """A lab whose one client's guest is a stand-in."""
    means = Means(boxes=tmp_path, accelerated=False, memory=4096, clients=("samba-bookworm",))
    lab, told = VagrantLab(tmp_path / "lab", {}, means), Told()
    lab._pool = MachinePool(4096, lambda _name: machine(told, tmp_path / "lab"))
    return lab, told


@needs_vagrant
def test_a_client_guest_whose_kernel_failed_is_brought_back(
    told_lab: tuple[VagrantLab, Told], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    lab, told = told_lab
    (first,) = lab._client_routes()
    assert lab._client_routes() == (first,)
    assert "restore samba-bookworm" not in told.calls
    console = tmp_path / "lab" / "consoles" / "samba-bookworm.log"
    console.write_text("[  1.0] BUG: kernel NULL pointer dereference, address: 0\n")
    with caplog.at_level(logging.WARNING):
        assert lab._client_routes() == (first,)
    assert told.calls.count("restore samba-bookworm") == 1
    assert "is brought back: the kernel of samba-bookworm failed: BUG: kernel NULL" in caplog.text
    assert lab._client_routes() == (first,)
    assert told.calls.count("restore samba-bookworm") == 1
    # QEMU begins the file anew when a guest is restored.
    console.write_text("well again\n")
    lab._keep_consoles()
    kept = (tmp_path / "evidence/samba-bookworm/console.log").read_text()
    assert kept == "[  1.0] BUG: kernel NULL pointer dereference, address: 0\nwell again\n"


@needs_vagrant
def test_a_client_guest_that_cannot_be_brought_back_is_left_out(
    told_lab: tuple[VagrantLab, Told], tmp_path: Path
) -> None:
    lab, told = told_lab
    assert len(lab._client_routes()) == 1
    (tmp_path / "lab" / "consoles" / "samba-bookworm.log").write_text("Kernel panic - not syncing: it\n")
    told.failing = {"restore", "up"}
    assert lab._client_routes() == ()
    calls = len(told.calls)
    assert lab._client_routes() == ()
    assert len(told.calls) == calls
