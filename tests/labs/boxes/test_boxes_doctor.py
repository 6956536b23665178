"""What the doctor says about the ways into Windows guests."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.labs import guests
from harness.labs.boxes import doctor

WINDOWS = guests.windows(guests.load())
FOLDER = "specifications"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(doctor, "_GEM_SPECIFICATIONS", (f"{tmp_path}/ruby/*/{FOLDER}",))
    made = tmp_path / "ruby" / "3.1.0" / FOLDER
    made.mkdir(parents=True)
    return made


def said() -> str:
    return {one.name: one.detail for one in doctor.examine()}["vagrant lab: Windows guests"]


def test_without_the_gems_vagrant_uses_ssh_and_why(folder: Path) -> None:
    winrm = sum(guests.load()[name].communicator == "winrm" for name in WINDOWS)
    assert 0 < winrm < len(WINDOWS)
    assert said().startswith(f"rehearse reaches {winrm} over WinRM and {len(WINDOWS) - winrm} over SSH")
    assert "over SSH, for its Ruby lacks the gems winrm, winrm-elevated, winrm-fs (Debian's" in said()
    # One gem's name begins as the others' do.
    (folder / "winrm-elevated-1.2.3.gemspec").touch()
    (folder / "winrm-fs-1.3.5.gemspec").touch()
    assert "lacks the gems winrm (Debian's" in said()


def test_with_the_gems_vagrant_uses_winrm(folder: Path) -> None:
    for name in ("winrm-2.3.6", "winrm-elevated-1.2.3", "winrm-fs-1.3.5"):
        (folder / f"{name}.gemspec").touch()
    assert said().endswith("so does Vagrant, which waits for their boot: its WinRM gems are here")


def test_a_catalogue_of_ssh_alone_needs_no_gem() -> None:
    catalogue = guests.load()
    over_ssh = {name: one.model_copy(update={"communicator": "ssh"}) for name, one in catalogue.items()}
    assert doctor._windows(over_ssh, ["winrm"]).endswith("over SSH, as guests.yaml says")


def test_it_asks_for_what_the_vagrantfile_asks_for() -> None:
    text = (Path(guests.__file__).parents[2] / "Vagrantfile").read_text()
    assert [line.split('"')[1] for line in text.splitlines() if 'require "winrm' in line] == list(
        doctor._WINRM
    )
