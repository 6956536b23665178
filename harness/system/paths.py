"""Where this program keeps things, after the XDG base directory specification.

Images of server software can be built again at any time: cache. Runs are the user's: state. Images that the
user added are the user's, too, and can be made again by nobody else: data.

Whoever only reads finds nothing in a directory that is not there, and needs none that can be written: it is
made by who writes (``made_...``).
"""

from __future__ import annotations

import os
import pwd
from pathlib import Path

from harness.errors import LabFault, UsageError

NAME = "smb-rehearsal"


def cache_dir() -> Path:
    """The directory of everything that can be made again; it need not exist."""
    return _base("XDG_CACHE_HOME", ".cache") / NAME


def made_cache_dir() -> Path:
    """The same, for who writes: it exists and is ours. Raises LabFault when it cannot be written."""
    return _made(cache_dir(), "XDG_CACHE_HOME")


def runs_dir() -> Path:
    """The directory that holds one folder a run; it need not exist."""
    return _base("XDG_STATE_HOME", ".local/state") / NAME / "runs"


def made_runs_dir() -> Path:
    """The same, for who writes: it exists and is ours. Raises LabFault when it cannot be written."""
    return _made(runs_dir(), "XDG_STATE_HOME")


def run_folders(home: Path) -> list[Path]:
    """The run folders below ``home``, oldest first."""
    if not home.is_dir():
        return []
    return sorted(path.parent for path in home.glob("*/plan.json"))


def fleets_dir() -> Path:
    """The directory of fleets that are in no project; it need not exist."""
    return _base("XDG_STATE_HOME", ".local/state") / NAME / "fleets"


def added_images_dir() -> Path:
    """The directory of the images that the user added; it need not exist."""
    return _base("XDG_DATA_HOME", ".local/share") / NAME / "images"


def config_dir() -> Path:
    """The directory of the user's settings; it need not exist."""
    return _base("XDG_CONFIG_HOME", ".config") / NAME


def machines_dir() -> Path:
    """The directory of the machines that stay up; it need not exist. Raises LabFault without a home.

    Whoever says with --runs where runs are kept may be unable to write anywhere else.
    """
    return _base("XDG_STATE_HOME", ".local/state") / NAME / "machines"


def links_dir() -> Path:
    """The directory of ownership records of remote libvirts; it need not exist."""
    return machines_dir().parent / "elsewhere"


def home() -> Path:
    """The user's home directory: ``HOME`` where that is an absolute path, else what the user database says.

    Where neither knows it is one that is never there (Debian Policy 9.2.3), or root's own (hier(7)).
    """
    named = os.environ.get("HOME", "")
    if named.startswith("/"):
        return Path(named)
    try:
        return Path(pwd.getpwuid(os.getuid()).pw_dir)
    except KeyError:
        return Path("/nonexistent" if os.getuid() else "/root")


def absolute(path: Path) -> Path:
    """A path that the user gave, as our own programs in the lab must have it: they begin elsewhere.

    Raises UsageError when it is relative to a directory that is gone.
    """
    try:
        return path.absolute()
    except OSError as error:
        raise UsageError(f"{path}: the directory that you are in is gone", "cd to another one") from error


def _base(variable: str, default: str) -> Path:
    # The specification: a relative path is invalid and must be ignored.
    named = os.environ.get(variable, "")
    return Path(named) if named.startswith("/") else home() / default


def _made(path: Path, variable: str) -> Path:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LabFault(
            f"cannot make the directory {path}: {error.strerror}",
            f"set {variable} to a directory that you can write to",
        ) from error
    if not os.access(path, os.W_OK | os.X_OK):
        raise LabFault(
            f"cannot write to the directory {path}",
            f"set {variable} to a directory that you can write to",
        )
    return path
