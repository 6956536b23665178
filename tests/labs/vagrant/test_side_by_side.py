"""Two runs at once on one machine, one of them with memory for one guest of its two."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import commandline
import pytest
from processes import machines_below

from harness.deadline import wait_for
from harness.labs import boxes, namespace

pytestmark = pytest.mark.vagrant

SECONDS = 600.0


def test_two_runs_at_once_and_more_guests_than_memory(tmp_path: Path) -> None:
    if os.geteuid() != 0 or shutil.which("vagrant") is None or not namespace.inside():
        pytest.skip("needs root, Vagrant and the lab's private namespace: run ./test --vagrant")
    if missing := [name for name in ("bullseye", "bookworm") if boxes.find(name) is None]:
        pytest.skip(f"boxes are not built: {', '.join(missing)}")
    cells = {"waves": "none:samba-4.13,samba-4.17:windows-7:open", "beside": "none:samba-4.17:windows-7:open"}
    options = ("--lab", "vagrant", "--no-exposures", "--memory", "600", "--runs")
    started = {
        name: commandline.begin(tmp_path / f"{name}.txt", name, "run", cells[name], *options, tmp_path / name)
        for name in cells
    }
    guests: list[tuple[int, ...]] = []

    def ended() -> bool:
        guests.append(tuple(len(machines_below(tmp_path / name, "qemu-system-x86_64")) for name in cells))
        return all(one.poll() is not None for one in started.values())

    try:
        wait_for("both runs to end", ended, SECONDS)
    finally:
        for one in started.values():
            one.kill()
            one.wait()
    said = {name: (tmp_path / f"{name}.txt").read_text() for name in cells}
    assert {name: one.returncode for name, one in started.items()} == {"waves": 0, "beside": 0}, said
    assert (1, 1) in guests, "none waits for the other"
    assert max(map(max, guests)) == 1, "there is memory for one"
    for name in cells:
        (folder,) = (tmp_path / name).iterdir()
        made = commandline.entries(folder, "attempt")
        assert len(made) == cells[name].count("samba-")
        assert {one["attempt"]["outcome"] for one in made} == {"ok"}
        assert not (folder / "lab").exists()
    assert machines_below(tmp_path) == []
