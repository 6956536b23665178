"""Ctrl-C, and a guest that does not boot, while real Vagrant works: nothing is left behind.

The guest is the one of Samba 4.13, the quickest: see test_dying_guest.py. Beside one that hangs, 4.17 runs.
"""

from __future__ import annotations

import fcntl
import json
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import commandline
import pytest
from processes import machines_below
from tiny_box import catalogue, tiny_box
from world import HERE, Ended, World, cache_of_ones_own, need_machines

pytestmark = pytest.mark.vagrant

GUEST, SERVER = "samba-bullseye", "samba-4.13"
OPTIONS = ("--lab", "vagrant", "--no-exposures")
SECONDS = 900.0
MINUTES = SECONDS / 60
"""More than anything takes here, beside as much other work as there may be."""
CELLS = f"nt-pipe-support-off:{SERVER}:windows-7,windows-10-1703:open,browse"


@pytest.fixture(autouse=True, scope="module")
def _ready() -> None:
    need_machines("bullseye", "bookworm")


@pytest.mark.parametrize(
    ("at", "does"), [("libvirt starts", "press"), ("the guest boots", "group")], ids=["starting", "booting"]
)
def test_stopped_at_any_stage_it_says_so_and_leaves_nothing(tmp_path: Path, at: str, does: str) -> None:
    ended = World(tmp_path).rehearse("run", *OPTIONS, CELLS, at=at, does=does)
    assert_stopped(tmp_path, ended)


def test_one_run_is_stopped_in_its_attempts_and_the_one_beside_it_goes_on(tmp_path: Path) -> None:
    stopped, beside = tmp_path / "stopped", tmp_path / "beside"
    stopped.mkdir()
    cache = cache_of_ones_own(tmp_path)
    other = commandline.begin(tmp_path / "said", "beside", "run", *OPTIONS, CELLS, "--runs", beside)
    try:
        with at_work(cache / "smb-rehearsal" / "vagrant"):
            here = World(stopped, {"XDG_CACHE_HOME": str(cache)})
            ended = here.rehearse("run", *OPTIONS, CELLS, minutes=MINUTES, at="attempts run", does="group")
        was_there = other.poll() is None
        status = other.wait(SECONDS)
    finally:
        other.kill()
        other.wait()
    assert_stopped(stopped, ended)
    assert was_there, "they did not run at once"
    # Pipes off keeps both clients from browsing, which nobody said they expect.
    assert status == 1, (tmp_path / "said").read_text()
    (folder,) = beside.iterdir()
    made = Counter(
        (one["cell"]["check"], one["phase"], one["attempt"]["outcome"])
        for one in commandline.entries(folder, "attempt")
    )
    assert made == {
        **{("open", phase, "ok"): 2 for phase in ("baseline", "applied", "rolled_back")},
        **{("browse", phase, "ok"): 2 for phase in ("baseline", "rolled_back")},
        ("browse", "applied", "refused"): 2,
    }
    assert not (folder / "lab").exists()
    assert machines_below(beside) == []


@contextmanager
def at_work(home: Path) -> Iterator[None]:
    """Another Vagrant holds the entry of the guest in this home's index all the while: machine_index.rb.

    Two runs that are beside each other do so for a moment at a time.
    """
    index = home / "data" / "machine-index"
    index.mkdir(parents=True)
    entry = {"name": GUEST, "provider": "libvirt", "vagrantfile_path": str(HERE), "state": "running"}
    (index / "index").write_text(json.dumps({"version": 1, "machines": {"0" * 32: entry}}))
    with (index / f"{'0' * 32}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield


def assert_stopped(folder: Path, ended: Ended) -> None:
    """It said so, left nothing, and nothing became a fault by it."""
    assert ended.status == 130, ended.stdout[-2000:]
    assert "stopped; what was measured is kept" in ended.stdout
    assert "Traceback" not in ended.stdout
    assert ended.left == []
    (run_folder,) = World(folder).runs.iterdir()
    outcomes = {one["attempt"]["outcome"] for one in commandline.entries(run_folder, "attempt")}
    assert "fault" not in outcomes


def test_a_guest_that_does_not_boot_is_given_up_and_the_next_one_starts(tmp_path: Path) -> None:
    """Its disk is empty: it hangs in its BIOS, as one does whose boot loader is broken. Memory is for one."""
    tiny = tiny_box(tmp_path / "box")
    box = {"name": "tiny/box", "source": "file", "path": str(tiny)}
    changes = [{"name": GUEST, "boot_seconds": 5, "box": box}]
    env = {"XDG_CACHE_HOME": str(cache_of_ones_own(tmp_path))}
    here = World(tmp_path, env, catalogue(tmp_path, changes))
    fetched = here.rehearse("boxes", "fetch", GUEST)
    assert fetched.status == 0, fetched.stderr
    both = f"none:{SERVER},samba-4.17:windows-7:open"
    ended = here.rehearse("run", *OPTIONS, "--memory", "600", both, "--json", minutes=MINUTES)
    assert ended.status == 2
    assert ended.left == []
    hangs, boots = json.loads(ended.stdout)["cells"]
    assert (hangs["server"], hangs["effect"], boots["effect"]) == (SERVER, "fault", "kept")
    why = hangs["phases"]["baseline"]["note"]
    assert re.match(f"vagrant up {GUEST} --no-provision --provider=libvirt: not within [0-9]+ s", why)
    assert why.endswith("the guest hangs, or the machine is very busy; see boot_seconds in guests.yaml")
    (run_folder,) = here.runs.iterdir()
    calls = vagrant_calls(run_folder)
    assert calls["up", "samba-bookworm"][0] >= calls["destroy", GUEST][1], "one after the other"


def vagrant_calls(folder: Path) -> dict[tuple[str, str], tuple[datetime, datetime]]:
    """When Vagrant was called for a guest and when it came back, by verb and guest."""
    text = (folder / "log.txt").read_text()
    line = r"^([-\d]+ [:\d]+),(\d+) .*/vagrant (up|destroy) (\S+) .* in ([.\d]+) s$"
    calls = {}
    for day, part, verb, guest, seconds in re.findall(line, text, re.M):
        ended = datetime.fromisoformat(f"{day}.{part}")
        calls[verb, guest] = (ended - timedelta(seconds=float(seconds)), ended)
    return calls
