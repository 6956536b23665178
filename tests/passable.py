"""Folders that only their owner may enter, opened for other users in a mount namespace of their own.

A checkout of root's is often below /root, whose mode is 0700. Processes of a test that are another user
pass it here: ``python -m passable FOLDER... -- PROGRAM`` mounts an empty folder that all may enter over the
topmost one that they may not, and in it what is needed, at its old place. Nothing of that is seen outside of
the mount namespace that it is started in; whatever else is in that folder is not seen inside.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from harness.errors import LabFault
from harness.labs.roots.mounts import MS_BIND, MS_NODEV, MS_NOSUID, MS_REC, mount

TESTS = Path(__file__).resolve().parent
HERE = TESTS.parent


def command(argv: Sequence[str | Path], folders: Iterable[Path]) -> list[str | Path]:
    """The command line that runs ``argv`` where anybody can reach ``folders``, and the temporary files.

    It must be started by root in a mount namespace of its own, and with ``ENVIRONMENT``.
    """
    needed = {place.resolve() for place in (Path(tempfile.gettempdir()), *folders)}
    return [sys.executable, "-m", "passable", *sorted(needed), "--", *argv]


ENVIRONMENT = {"PYTHONPATH": f"{HERE}:{TESTS}"}


def _shut(path: Path) -> Path | None:
    """The topmost folder above ``path``, or itself, that others may not enter; None where they may."""
    for one in reversed((path, *path.parents)):
        if not one.stat().st_mode & 0o001:
            return one
    return None


def _open(folders: Sequence[Path]) -> None:
    """Raises LabFault when the kernel refuses."""
    while shut := min(filter(None, map(_shut, folders)), default=None):
        inside = [folder for folder in folders if folder.is_relative_to(shut)]
        if shut in inside:
            raise LabFault(f"other users may not enter {shut}", f"chmod o+x {shut}")
        held = {folder: os.open(folder, os.O_PATH | os.O_DIRECTORY) for folder in inside}
        mount("tmpfs", shut, MS_NOSUID | MS_NODEV, kind="tmpfs", data="mode=755")
        for folder, descriptor in held.items():
            folder.mkdir(parents=True, exist_ok=True)
            mount(f"/proc/self/fd/{descriptor}", folder, MS_BIND | MS_REC)
            os.close(descriptor)


if __name__ == "__main__":
    end = sys.argv.index("--")
    _open([Path(word) for word in sys.argv[1:end]])
    os.execvp(sys.argv[end + 1], sys.argv[end + 1 :])
