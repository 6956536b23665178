"""Where the files are that are data and no code: below the package, or at the project's top level.

What lies at the top level of a checkout (``scenarios/``, ``Vagrantfile`` ...) is below ``harness/project`` in
an installed package: pyproject.toml says so to the build backend.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Final

_PACKED: Final = "project"


def path(*names: str) -> Path:
    """A file or folder below the package, by the names on the way to it; it need not exist.

    Raises RuntimeError where the package is not unpacked in a folder: programs that we start read the files.
    """
    found = files("harness").joinpath(*names)
    if not isinstance(found, Path):
        raise RuntimeError(f"smb-rehearsal must be installed in a folder, and is in {files('harness')}")
    return found


@cache
def installed() -> bool:
    """Whether this is an installed package; a checkout is none, also with ``pip install -e``."""
    return path(_PACKED).is_dir()


def top(name: str) -> Path:
    """A file or folder of the project's top level."""
    return path(_PACKED, name) if installed() else path().parent / name
