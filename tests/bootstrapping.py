"""A checkout before anything is installed, and a PATH with little on it: what its scripts are tested with."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SECONDS = 60.0

# What the scripts themselves use, without what they install.
PLAIN = tuple(
    "sh cat chmod cksum cut date dirname env find flock getent id mkdir readlink rm sleep".split()  # noqa: SIM905
)
NEEDED = ("mmdebstrap", "gpg", "unshare", "setpriv")


def make_checkout(tmp_path: Path) -> Path:
    """A checkout whose program tells what it was started with; without an environment of Python's."""
    there = tmp_path / "check out"
    (there / "requirements").mkdir(parents=True)
    needed = ("bootstrap.sh", "run.txt", "cluster.txt", "dev.txt")
    for name in ("rehearse", "test", *(f"requirements/{one}" for one in needed)):
        shutil.copy(ROOT / name, there / name)
    (there / "harness").mkdir()
    (there / "harness/__init__.py").touch()
    # What was started, and how.
    (there / "harness/__main__.py").write_text("import os, sys; print(sys.argv[1:], os.getcwd())\n")
    return there


def make_programs(tmp_path: Path) -> Path:
    """A PATH with little on it."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in PLAIN:
        found = shutil.which(name)
        assert found, name
        (folder / name).symlink_to(found)
    for name in NEEDED:
        (folder / name).symlink_to("/bin/true")
    (folder / "python3").symlink_to(Path(sys.executable).resolve())
    return folder


def make_environment(checkout: Path) -> None:
    """What a first start makes, without its downloads."""
    venv = checkout / ".venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", venv], check=True, timeout=SECONDS)
    interpreter = (venv / "bin/python").resolve()
    (venv / "stamp.run").write_text((checkout / "requirements/run.txt").read_text() + f"{interpreter}\n")


def start(
    checkout: Path, programs: Path, *words: str, cwd: Path | None = None, uri: str = ""
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [checkout / "rehearse", *words],
        env={"PATH": str(programs), "HOME": str(checkout.parent / "home"), "SMB_REHEARSAL_URI": uri},
        capture_output=True,
        text=True,
        errors="replace",
        timeout=SECONDS,
        check=False,
        cwd=cwd,
    )


def put_script(folder: Path, name: str, text: str) -> None:
    path = folder / name
    path.unlink(missing_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
