"""Which project somebody is in: the nearest folder upwards with a rehearsal.toml, or one that is named."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import UsageError
from harness.projects import NAME
from harness.system import trust
from harness.system.paths import absolute

if TYPE_CHECKING:
    # Whoever is in no project does without what reads one.
    from harness.projects.file import Project


def of(folder: Path | None, here: Path | None = None) -> Project | None:
    """The project that is named, or that ``here`` (where we are) is in; None where that is in none.

    Raises UsageError for a folder that is none, for a mistake in the file, and where others can write it.
    """
    if folder is not None:
        place = absolute(folder)
        if not is_one(place):
            raise UsageError(f"{folder} is no project: it has no {NAME}", f"make one: rehearse init {folder}")
        return _trusted(place)
    try:
        start = (here or Path.cwd()).absolute()
    except OSError:
        # The folder that somebody is in is gone; what needs it says so.
        return None
    found = next(filter(is_one, (start, *start.parents)), None)
    return None if found is None else _trusted(found)


def is_one(folder: Path) -> bool:
    """Whether there is a project; none is seen where somebody may not look."""
    try:
        (folder / NAME).lstat()
    except OSError:
        return False
    return True


def _trusted(folder: Path) -> Project:
    try:
        trust.check(folder / NAME)
    except UsageError as error:
        raise UsageError(error.message, f"{error.hint}; or leave the project out: --no-project") from error
    from harness.projects.file import read

    return read(folder)
