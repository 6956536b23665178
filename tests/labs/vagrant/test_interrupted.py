"""Ctrl-C, and a guest that does not boot, while real Vagrant works: nothing is left behind."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
from tiny_box import catalogue, tiny_box
from world import World, cache_of_ones_own

from harness.labs import boxes, namespace

pytestmark = pytest.mark.vagrant

GUEST, SERVER = "samba-bookworm", "samba-4.17"
CELLS = f"nt-pipe-support-off:{SERVER}:windows-7,windows-10-1703:open,browse"


@pytest.fixture(autouse=True, scope="module")
def _ready() -> None:
    if os.geteuid() != 0 or shutil.which("vagrant") is None or not namespace.inside():
        pytest.skip("needs root, Vagrant and the lab's private namespace: run ./test --vagrant")
    if boxes.find("bookworm") is None:
        pytest.skip("the box bookworm is not built")


@pytest.mark.parametrize(
    ("at", "does"),
    [("libvirt starts", "press"), ("the guest boots", "group"), ("attempts run", "group")],
    ids=["starting", "booting", "attempting"],
)
def test_stopped_at_any_stage_it_says_so_and_leaves_nothing(tmp_path: Path, at: str, does: str) -> None:
    ended = World(tmp_path).rehearse("run", "--lab", "vagrant", "--no-exposures", CELLS, at=at, does=does)
    assert ended.status == 130, ended.stdout[-2000:]
    assert "stopped; what was measured is kept" in ended.stdout
    assert "Traceback" not in ended.stdout
    assert ended.left == []
    (folder,) = World(tmp_path).runs.iterdir()
    faults = [line for line in (folder / "journal.jsonl").read_text().splitlines() if '"fault"' in line]
    assert faults == []


def test_a_guest_that_does_not_boot_is_given_up(tmp_path: Path) -> None:
    """Its disk is empty: it hangs in its BIOS, as one does whose boot loader is broken."""
    tiny = tiny_box(tmp_path / "box")
    box = {"name": "tiny/box", "source": "file", "path": str(tiny)}
    changes = [{"name": GUEST, "boot_seconds": 5, "box": box}]
    env = {"XDG_CACHE_HOME": str(cache_of_ones_own(tmp_path))}
    here = World(tmp_path, env, catalogue(tmp_path, changes))
    fetched = here.rehearse("boxes", "fetch", GUEST)
    assert fetched.status == 0, fetched.stderr
    ended = here.rehearse("run", "--lab", "vagrant", "--no-exposures", CELLS, "--json")
    assert ended.status == 2
    assert ended.left == []
    cells = json.loads(ended.stdout)["cells"]
    assert {cell["effect"] for cell in cells} == {"fault"}
    (why,) = {made["note"] for cell in cells for made in cell["phases"].values()}
    assert why.startswith("vagrant up samba-bookworm --no-provision --provider=libvirt: not within 7 s")
    assert why.endswith("the guest hangs, or the machine is very busy; see boot_seconds in guests.yaml")
