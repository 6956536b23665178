"""What is wrong before any guest boots: real Vagrant, and nothing is left behind."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
from tiny_box import catalogue, tiny_box
from world import World, cache_of_ones_own, need_machines

from harness.labs.boxes import fetch, plugin

pytestmark = pytest.mark.vagrant

HASH = "ab" * 32
CELLS = "nt-pipe-support-off:samba-4.17:windows-7:open"
GUEST = "samba-bookworm"


@pytest.fixture(autouse=True, scope="module")
def _ready() -> None:
    need_machines("bookworm")


def box(**keys: str) -> dict[str, Any]:
    """The guest with another box."""
    return {"name": GUEST, "box": {"name": "tiny/box", **keys}}


def test_a_box_with_another_checksum_is_not_taken(tmp_path: Path) -> None:
    tiny = tiny_box(tmp_path / "box")
    changes = [box(source="file", path=str(tiny), sha256=HASH)]
    cache = cache_of_ones_own(tmp_path)
    here = World(tmp_path, {"XDG_CACHE_HOME": str(cache)}, catalogue(tmp_path, changes))
    fetched = here.rehearse("boxes", "fetch", GUEST)
    assert fetched.status == 2
    assert fetched.complaint.startswith(
        "rehearse: cannot fetch tiny/box: The checksum of the downloaded box did not match"
    )
    for words in (("up", GUEST), ("run", "--lab", "vagrant", CELLS)):
        refused = here.rehearse(*words)
        assert refused.status == (2 if words[0] == "up" else 64)
        assert (
            "the box of samba-bookworm is not here; rehearse boxes fetch samba-bookworm" in refused.complaint
        )
        assert (refused.stdout, refused.left) == ("", [])
    assert not list(here.runs.glob("*"))
    assert fetched.left == []
    assert fetch.installed("tiny/box", cache / "smb-rehearsal/vagrant") == {}
    right = hashlib.sha256(tiny.read_bytes()).hexdigest()
    changes = [box(source="file", path=str(tiny), sha256=right)]
    here = World(tmp_path, {"XDG_CACHE_HOME": str(cache)}, catalogue(tmp_path, changes))
    assert here.rehearse("boxes", "fetch", GUEST).status == 0


@pytest.mark.parametrize("words", [("up", GUEST), ("run", "--lab", "vagrant", CELLS)], ids=["up", "run"])
def test_without_the_plugin_nothing_starts(tmp_path: Path, words: tuple[str, ...]) -> None:
    (tmp_path / "empty").mkdir()
    hidden = {plugin.DEBIAN.parent: tmp_path / "empty"}
    ended = World(tmp_path, instead=hidden).rehearse(*words)
    assert ended.status == 2
    assert "vagrant has no plugin vagrant-libvirt; " in ended.complaint
    assert "apt-get install --no-install-recommends vagrant-libvirt" in ended.complaint
    assert (ended.stdout, ended.left) == ("", [])
