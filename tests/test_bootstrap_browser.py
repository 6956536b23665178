"""Where ./test installs a browser for the tests of the HTML report, which skip without one."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ASK = '. "$0"; os_release=$1; packages=; find_test_packages; echo "$packages"'


@pytest.mark.parametrize(
    ("system", "sudo", "wanted"), [("debian", True, True), ("ubuntu", True, False), ("debian", False, False)]
)
def test_a_browser_is_installed_where_debian_has_one_and_asked_of_nobody(
    tmp_path: Path, system: str, sudo: bool, wanted: bool
) -> None:
    """Ubuntu's package of that name is a snap, and nobody is asked to have one installed by somebody else."""
    (tmp_path / "os-release").write_text(f'ID={system}\nPRETTY_NAME="A system"\n')
    (tmp_path / "id").write_text("#!/bin/sh\necho 1000\n")
    (tmp_path / "id").chmod(0o755)
    if sudo:
        (tmp_path / "sudo").symlink_to("/bin/true")
    # What is asked about is the path alone, not what this machine happens to have.
    script = tmp_path / "bootstrap.sh"
    script.write_text((ROOT / "requirements/bootstrap.sh").read_text().replace("/usr/sbin", str(tmp_path)))
    done = subprocess.run(
        [str(shutil.which("sh")), "-c", ASK, script, tmp_path / "os-release"],
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert "nmap" in done.stdout.split()
    assert ("chromium" in done.stdout.split()) is wanted
