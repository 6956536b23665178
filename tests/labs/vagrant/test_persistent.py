"""The lab that is kept for machines that stay up, with a stand-in for its keeper.

The real one needs root and libvirt: test_rehearsal.py.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from harness.cli import main as cli
from harness.errors import LabFault
from harness.labs.cleanup import is_alive
from harness.labs.vagrant import persistent
from harness.labs.vagrant.gather import Means
from harness.model import GuestRoute
from harness.system import process
from harness.verbs import machines

KEEPS = """
import fcntl, pathlib, signal, sys
home = pathlib.Path(sys.argv[1])
lock = (home / "lock").open("a")
fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
(home / "ready").touch()
signal.pause()
"""
HANGS = "import signal; signal.pause()"


class Keepers:
    """Starts stand-ins instead of keepers, and remembers them."""

    def __init__(self, script: str) -> None:
        self.script = script
        self.started: list[subprocess.Popen[bytes]] = []
        self._start = process.start

    def start(
        self, argv: Sequence[str | Path], *, output: Path, env: Mapping[str, str]
    ) -> subprocess.Popen[bytes]:
        child = self._start([sys.executable, "-c", self.script, argv[-1]], output=output, env=env)
        self.started.append(child)
        return child


@pytest.fixture
def keepers(monkeypatch: pytest.MonkeyPatch) -> Iterator[Keepers]:
    found = Keepers(KEEPS)
    monkeypatch.setattr(process, "start", found.start)
    monkeypatch.setattr(persistent, "is_own", lambda: True)
    yield found
    for child in found.started:
        process.kill_group(child.pid)
        child.wait()


def test_two_starts_at_once_keep_one_lab(keepers: Keepers, tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(persistent._keep, [tmp_path] * 4))
    (only,) = keepers.started
    assert (tmp_path / "pid").read_text() == str(only.pid)
    assert is_alive(tmp_path)
    persistent.end(tmp_path)
    assert not is_alive(tmp_path)


def test_machines_that_are_just_being_started_or_halted_are_told_as_that(
    keepers: Keepers, tmp_path: Path
) -> None:
    with pytest.raises(LabFault, match="no machine is up"):
        persistent.command(tmp_path, ["true"])
    # This keeper has started no lab below itself yet.
    persistent._keep(tmp_path)
    with pytest.raises(LabFault, match="just being started or halted"):
        persistent.command(tmp_path, ["true"])
    assert len(keepers.started) == 1


def test_a_lab_that_ends_takes_its_machines_disks_along(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    class Libvirt:
        """Stands for the lab's own libvirt: a folder with a disk."""

        def __init__(self, folder: Path, host: str, leases: object) -> None:
            assert host
            assert leases
            self.folder = folder

        def __enter__(self) -> None:
            (self.folder / "pool").mkdir(parents=True)
            (self.folder / "pool/disk.img").touch()
            # What is started in a lab can be ended by a signal.
            assert subprocess.run(["sh", "-c", "kill -TERM $$"], check=False).returncode == -signal.SIGTERM
            os.kill(os.getpid(), signal.SIGTERM)

        def __exit__(self, *_: object) -> None: ...

    monkeypatch.setattr(persistent, "PrivateLibvirt", Libvirt)
    before = [signal.getsignal(number) for number in persistent.STOPS]
    try:
        assert persistent._hold(tmp_path) == 0
    finally:
        for number, handler in zip(persistent.STOPS, before, strict=True):
            signal.signal(number, handler)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["lock"]


def test_a_keeper_that_is_not_ready_in_time_is_ended(
    keepers: Keepers, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    keepers.script = HANGS
    monkeypatch.setattr(persistent, "KEEPER_SECONDS", 0.3)
    with pytest.raises(LabFault, match=r"the machines' lab: not within 0\.3 s"):
        persistent._keep(tmp_path)
    assert keepers.started[0].poll() is not None


def test_a_keeper_that_ends_at_once_is_told_with_its_last_words(keepers: Keepers, tmp_path: Path) -> None:
    keepers.script = "import sys; sys.exit('no libvirt here')"
    with pytest.raises(LabFault, match="ended at once: no libvirt here"):
        persistent._keep(tmp_path)


def test_the_folder_has_a_place_for_consoles(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    home = persistent.folder()
    assert (home / "consoles").is_dir()
    assert home.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("as_json", [True, False], ids=["json", "text"])
def test_who_is_up_is_told_although_the_next_one_fails(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str], as_json: bool
) -> None:
    """Over a stand-in: two real machines, of which one fails, would cost a minute."""

    def up(home: Path, name: str, **_: object) -> GuestRoute:
        assert home.is_relative_to(tmp_path)
        if name == "samba-bookworm":
            raise LabFault("samba-bookworm hangs")
        return GuestRoute(name, "192.168.59.10", 22, "vagrant")

    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.delenv("SMB_REHEARSAL_URI", raising=False)
    monkeypatch.setattr(persistent, "up", up)
    means = Means(boxes=tmp_path, accelerated=False, memory=1024)
    monkeypatch.setattr(machines, "gather", lambda *_, **__: means)
    words = ["up", "samba-bullseye", "samba-bookworm", *(["--json"] if as_json else [])]
    assert cli.main(words) == 2
    told = capsys.readouterr()
    assert "rehearse: samba-bookworm hangs" in told.err
    if as_json:
        (one,) = json.loads(told.out)
        assert (one["name"], one["address"]) == ("samba-bullseye", "192.168.59.10")
    else:
        assert told.out == "samba-bullseye: 192.168.59.10, as vagrant; rehearse shell samba-bullseye\n"
