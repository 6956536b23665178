"""Which boxes a lab of virtual machines takes for there, over folders as Vagrant lays them out."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any, cast

import pytest

from harness.errors import LabFault
from harness.labs import guests
from harness.labs.boxes import BuiltBox, fetch
from harness.labs.vagrant import gather

CATALOGUE = guests.load()
SERVER_2022 = CATALOGUE["windows-server-2022"]


def give(home: Path, name: str, version: str, provider: str) -> None:
    """A box as Vagrant keeps it."""
    folder = fetch.folder_of(name, home) / version / provider
    folder.mkdir(parents=True)
    (folder / "metadata.json").write_text("{}")


@pytest.mark.parametrize(
    ("version", "provider"),
    [("1.0.0", "libvirt"), ("2607.0.0", "virtualbox")],
    ids=["older", "other provider"],
)
def test_a_box_that_vagrant_would_fetch_anew_is_missing(tmp_path: Path, version: str, provider: str) -> None:
    give(tmp_path, SERVER_2022.box.name, version, provider)
    fault = fetch.absent(SERVER_2022, tmp_path)
    assert fault is not None
    assert fault.message == "the box of windows-server-2022 is not here"
    assert fault.hint == "rehearse boxes fetch windows-server-2022 --provider libvirt"
    give(tmp_path, SERVER_2022.box.name, "2607.0.0", "libvirt")
    assert fetch.absent(SERVER_2022, tmp_path) is None


def test_a_box_of_another_provider_alone_says_so(tmp_path: Path) -> None:
    guest = CATALOGUE["windows-10-22h2"]
    give(tmp_path, guest.box.name, "2506.0.0", "virtualbox")
    fault = fetch.absent(guest, tmp_path)
    assert fault is not None
    assert "is none for libvirt but for virtualbox, vmware_desktop, hyperv" in fault.message


def test_a_box_of_your_own_has_any_version(tmp_path: Path) -> None:
    guest = CATALOGUE["sles-11"]
    fault = fetch.absent(guest, tmp_path)
    assert fault is not None
    assert "it must be yours" in fault.message
    give(tmp_path, guest.box.name, "0", "libvirt")
    assert fetch.absent(guest, tmp_path) is None


class Adding:
    """Stands for Vagrant: refuses to add a box, perhaps because another run was faster."""

    def __init__(self, home: Path, *, other: bool) -> None:
        self._home = home
        self._other = other

    def add_box(self, source: Path) -> None:
        if self._other:
            give(self._home, "smb-rehearsal/it", "0.1.5", "libvirt")
        raise LabFault(f"vagrant box add {source}: the box exists already")


def test_two_runs_add_a_box_at_once(tmp_path: Path) -> None:
    box = BuiltBox("smb-rehearsal/it", "0.1.5", tmp_path / "box.json", tmp_path / "it.box", "")
    with pytest.raises(LabFault, match="exists already"):
        gather._add(box, cast(Any, Adding(tmp_path, other=False)), tmp_path)
    gather._add(box, cast(Any, Adding(tmp_path, other=True)), tmp_path)


def test_the_disks_and_the_memory_of_those_that_run_at_once_must_fit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    two = [CATALOGUE["samba-bookworm"], CATALOGUE["samba-bullseye"]]
    assert sum(guest.memory for guest in two) == 1024
    free = shutil.disk_usage(tmp_path)

    def room(megabytes: int) -> None:
        monkeypatch.setattr(shutil, "disk_usage", lambda _: free._replace(free=megabytes << 20))

    room(1024 + 2 * gather.DISK)
    gather._check_room(two, 4096, tmp_path)
    room(600 + 2 * gather.DISK)
    gather._check_room(two, 600, tmp_path)
    with pytest.raises(LabFault) as refused:
        gather._check_room(two, 700, tmp_path)
    assert refused.value.message == (
        f"{600 + 2 * gather.DISK} MB are free in {tmp_path},"
        f" and the disks of 2 guests may need {700 + 2 * gather.DISK} MB"
    )
    assert "choose another folder: --runs" in refused.value.hint
