"""What the lab of virtual machines does when a guest fails; the machines only say what they were told."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path

import pytest

from harness.errors import LabFault
from harness.labs.vagrant.gather import Means
from harness.labs.vagrant.lab import VagrantLab
from harness.labs.vagrant.machine import Machine
from harness.labs.vagrant.park import Park


@pytest.mark.skipif(shutil.which("vagrant") is None, reason="the lab wants Vagrant: run ./test --vagrant")
def test_a_client_guest_that_does_not_start_takes_no_other_with_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    means = Means(boxes=tmp_path, accelerated=False, memory=4096, clients=("kernel-client",))
    lab = VagrantLab(tmp_path / "lab", {}, means)
    asked: list[str] = []

    def broken(name: str) -> Machine:
        asked.append(name)
        raise LabFault(f"{name} hangs at boot")

    lab._park = Park(4096, broken)
    with caplog.at_level(logging.WARNING):
        assert lab._client_routes() == ()
    assert asked == ["kernel-client"]
    assert "kernel-client is left out: kernel-client hangs at boot" in caplog.text
