"""``pytest scenarios/``: cells and holes as tests, which fail as ``rehearse run`` does."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest
from commandline import users

from harness.process import Result, run
from harness.scenario import SCENARIOS

SCRIPT = SCENARIOS / "interactions_1_pipes_and_rap.py"
KEPT = "nt-pipe-support-off:samba-4.22-smb1:samba-smbclient-3:browse"
CLOSED = "smb1-server-off:samba-4.22-smb1:rap-listing"


def as_tests(script: Path, *words: str) -> Result:
    argv = [sys.executable, "-m", "pytest", "-q", "-n0", "-p", "no:cacheprovider", str(script), *words]
    return run(argv, cwd=SCENARIOS.parent, timeout=300, env=users())


def test_every_cell_and_every_hole_that_must_be_closed_is_a_test() -> None:
    listed = as_tests(SCRIPT, "--collect-only").stdout.splitlines()
    names = {line.partition("::")[2] for line in listed}
    assert {KEPT, CLOSED} <= names
    assert "nt-pipe-support-off:samba-4.22-smb1:rap-listing" not in names


@pytest.mark.local_lab
@pytest.mark.usefixtures("lab")
def test_a_hole_that_is_left_open_fails(tmp_path: Path) -> None:
    """RAP goes on listing where only the pipes are off."""
    folder = tmp_path / "scenarios"
    folder.mkdir()
    shutil.copy(SCENARIOS / "conftest.py", folder)
    text = SCRIPT.read_text().replace(
        'Closes("smb1-server-off,', 'Closes("nt-pipe-support-off,smb1-server-off,'
    )
    assert "nt-pipe-support-off,smb1-server-off," in text
    (folder / SCRIPT.name).write_text(text)
    done = as_tests(folder / SCRIPT.name)
    failed = {
        line.split("::")[1].split(" - ")[0] for line in done.stdout.splitlines() if line.startswith("FAILED")
    }
    assert failed == {
        f"nt-pipe-support-off:{server}:rap-listing" for server in ("samba-4.22-smb1", "sles11-like")
    }
    assert "says nt-pipe-support-off closes it, measured open: RAP lists" in done.stdout
