"""A new project: a rehearsal.toml that says what may stand in it, the folders, and an example that works."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from harness.errors import UsageError
from harness.projects import NAME
from harness.system import resources, trust

_TEMPLATES: Final = ("projects", "data")
_EXAMPLES: Final = {
    NAME: NAME,
    "mitigations/smb3-signed.toml": "mitigations/smb3-signed.toml",
    # No module of ours.
    "scenarios/office.py": "scenarios/office.py.txt",
}
"""What is written -> what of ``data`` it is a copy of."""
_EMPTY: Final = ("personas", "servers")
"""Folders without an example: every run of "*" would have it, too."""


@dataclass(frozen=True, slots=True)
class Begun:
    """What was done in a folder."""

    made: tuple[str, ...]
    kept: tuple[str, ...]
    """What was there already, and stays as it is."""


def begin(folder: Path) -> Begun:
    """Make a project of a folder, which is made where it is not there. Nothing in it is overwritten.

    Raises UsageError where it cannot be written, or others could write it.
    """
    made, kept = [], []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        trust.check(folder)
        for name in _EMPTY:
            (folder / name).mkdir(exist_ok=True)
        whole = (folder / NAME).exists()
        for name, template in _EXAMPLES.items():
            text = resources.path(*_TEMPLATES, *template.split("/")).read_text("utf-8")
            if whole and name != NAME:
                # Whoever has begun already may have thrown the examples away.
                continue
            (folder / name).parent.mkdir(exist_ok=True)
            try:
                with (folder / name).open("x", encoding="utf-8") as file:
                    file.write(text)
            except FileExistsError:
                kept.append(name)
            else:
                made.append(name)
    except OSError as error:
        raise UsageError(
            f"{error.filename or folder}: cannot be written: {error.strerror or error}", "name another folder"
        ) from error
    return Begun(tuple(made), tuple(kept))
