"""Where things are kept."""

from __future__ import annotations

import os
import pwd
from pathlib import Path

import pytest

from harness.errors import LabFault
from harness.system import paths


def test_the_xdg_variables_decide(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "c"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "s"))
    assert paths.cache_dir() == tmp_path / "c/smb-rehearsal"
    assert paths.runs_dir() == tmp_path / "s/smb-rehearsal/runs"
    assert not list(tmp_path.iterdir())
    assert paths.made_cache_dir().is_dir()
    assert paths.made_runs_dir().is_dir()


@pytest.mark.parametrize("value", [None, "", "relative/path"])
def test_without_them_it_is_the_home_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str | None
) -> None:
    for name in ("XDG_CACHE_HOME", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)
        if value is not None:
            monkeypatch.setenv(name, value)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert paths.cache_dir() == tmp_path / ".cache/smb-rehearsal"
    assert paths.runs_dir() == tmp_path / ".local/state/smb-rehearsal/runs"


def test_what_need_not_exist_is_not_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With --runs a run writes nothing into the state directory, which may be one that can only be read."""
    monkeypatch.setenv("XDG_STATE_HOME", "/dev/null/state")
    assert str(paths.machines_dir()) == "/dev/null/state/smb-rehearsal/machines"
    assert str(paths.links_dir()) == "/dev/null/state/smb-rehearsal/elsewhere"
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    assert paths.machines_dir().is_relative_to(tmp_path)
    assert not (tmp_path / "state").exists()


def test_without_a_home_the_user_database_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HOME", raising=False)
    assert paths.home() == Path(pwd.getpwuid(os.getuid()).pw_dir)


def test_a_user_of_whom_nobody_knows_a_home(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a container that is started with --user 4711."""
    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 4711)
    assert paths.runs_dir() == Path("/nonexistent/.local/state/smb-rehearsal/runs")
    assert paths.run_folders(paths.runs_dir()) == []


def test_a_directory_that_cannot_be_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.raises(LabFault, match=r"cannot make the directory .*: Not a directory; set XDG_CACHE_HOME"):
        paths.made_cache_dir()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_directory_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "smb-rehearsal").mkdir(mode=0o500)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(LabFault, match=r"cannot write to the directory .*; set XDG_CACHE_HOME"):
        paths.made_cache_dir()
