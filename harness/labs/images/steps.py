"""What is made in an image beside Debian's packages: its build steps (``harness.system.image.BuildStep``)."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from harness.errors import LabFault
from harness.system import process
from harness.system.environment import tool_path, tools
from harness.system.image import BuildStep

_SECONDS: Final = 300.0
"""The most that one step may take."""


def recipe(steps: Iterable[BuildStep]) -> str:
    """A digest of the sources of steps. Raises LabFault for a source that cannot be read."""
    digest = hashlib.sha256()
    for step in steps:
        for content in _sources(step).values():
            digest.update(content + b"\0")
        if step.revision:
            digest.update(f"{step.revision}\0".encode())
    return digest.hexdigest()


def add(root: Path, steps: Iterable[BuildStep]) -> None:
    """Make steps in the root file system of an image.

    Raises LabFault when one cannot be made; one that is optional is left out.
    """
    for step in steps:
        folder = root / step.folder.lstrip("/")
        try:
            _make(step, root, folder)
        except LabFault:
            if not step.optional:
                raise
            shutil.rmtree(folder)
        else:
            _open_up(root, folder)


def here(program: str) -> str | None:
    """Where a program of the building machine is; None where it has it not."""
    return shutil.which(program, path=tool_path())


def _make(step: BuildStep, root: Path, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in _sources(step).items():
        (folder / name).write_bytes(content)
    if not step.on_this_machine:
        command = [*_entered(root), *step.command]
        process.run(command, timeout=_SECONDS, env=step.env).check(step.title)
        return
    program, *words = step.command
    found = here(program)
    if found is None:
        raise LabFault(f"{step.title}: this machine has no {program}", f"install {program}")
    process.run([found, *words], timeout=_SECONDS, env=tools(), cwd=folder).check(step.title)


def _entered(root: Path) -> list[str]:
    """The command line that runs a program in a root file system."""
    if os.geteuid() == 0:
        return ["chroot", str(root)]
    return ["unshare", "--user", "--map-root-user", f"--root={root}"]


def _sources(step: BuildStep) -> dict[str, bytes]:
    """What a step is made of, by file name. Raises LabFault."""
    try:
        found = {file.name: file.read_bytes() for file in step.files}
    except OSError as error:
        raise LabFault(f"{step.title}: {error.filename}: {error.strerror}") from error
    return found | {name: text.encode() for name, text in step.texts.items()}


def _open_up(root: Path, folder: Path) -> None:
    """Let everybody read it, and run what its owner may run, whatever the umask of the caller."""
    above = (path for path in folder.parents if path.is_relative_to(root) and path != root)
    for path in (*above, folder, *folder.rglob("*")):
        if not path.is_symlink():
            runs = path.is_dir() or path.stat().st_mode & 0o100
            path.chmod(0o755 if runs else 0o644)
