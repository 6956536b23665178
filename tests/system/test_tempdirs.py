"""Temporary folders: gone with their user, and with the next start when that was killed."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, NoReturn

import pytest

from harness.errors import LabFault
from harness.labs import namespace
from harness.system import tempdirs

USE = """
from harness.system import tempdirs
with tempdirs.folder("box") as folder:
    (folder / "part").mkdir()
    (folder / "part/disk").write_text("x")
    print(folder, flush=True)
    input()
"""


def test_a_folder_is_ours_alone_and_goes_with_all_that_is_in_it(temporaries: Path) -> None:
    with tempdirs.folder("box") as folder:
        assert folder.parent == temporaries
        assert folder.name.startswith("rehearse-box-")
        assert folder.stat().st_mode & 0o777 == 0o700
        (folder / "disk").write_text("x")
    with pytest.raises(LabFault), tempdirs.folder("ssh", tempdirs.SHORT) as short:
        fail_in(short)
    assert list(temporaries.iterdir()) == list(tempdirs.SHORT.iterdir()) == []


def fail_in(folder: Path) -> NoReturn:
    assert folder.parent == tempdirs.SHORT
    (folder / "control").write_text("x")
    raise LabFault("in the middle")


def test_what_a_killed_process_leaves_goes_at_the_next_start_and_no_sooner(temporaries: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", USE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as user:
        assert user.stdout is not None
        folder = Path(user.stdout.readline().strip())
        assert tempdirs.sweep() == []
        assert (folder / "part/disk").exists()
        user.kill()
    assert (folder / "part/disk").exists()
    assert tempdirs.sweep() == [folder.name]
    assert tempdirs.sweep() == []
    assert list(temporaries.iterdir()) == []


def test_what_is_not_of_ours_stays(temporaries: Path, tmp_path: Path) -> None:
    (temporaries / "rehearse-file").write_text("x")
    (tmp_path / "elsewhere").mkdir()
    (temporaries / "rehearse-link").symlink_to(tmp_path / "elsewhere")
    (temporaries / "something").mkdir()
    kept = {"rehearse-file", "rehearse-link", "something"}
    if namespace.maps_lab_uid():
        (temporaries / "rehearse-box-theirs").mkdir()
        os.chown(temporaries / "rehearse-box-theirs", namespace.LAB_UID, namespace.LAB_UID)
        kept.add("rehearse-box-theirs")
    assert tempdirs.sweep() == []
    assert {path.name for path in temporaries.iterdir()} == kept
    assert (tmp_path / "elsewhere").is_dir()


def test_a_folder_that_a_sweep_takes_as_it_is_made_is_made_again(
    temporaries: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = tempfile.mkdtemp
    taken: list[str] = []

    def make(**how: Any) -> str:
        path = str(made(**how))
        if not taken:
            taken.extend(tempdirs.sweep())
        return path

    monkeypatch.setattr(tempfile, "mkdtemp", make)
    with tempdirs.folder("box") as folder:
        assert taken != []
        assert [path.name for path in temporaries.iterdir()] == [folder.name]


def test_no_room(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(**_: object) -> str:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(tempfile, "mkdtemp", full)
    with pytest.raises(LabFault, match=r"^no temporary folder: No space left on device; make room"):
        tempdirs.folder("box").__enter__()
