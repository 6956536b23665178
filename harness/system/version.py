"""Which version this is: of an installed package what its metadata say, of a checkout what git says.

Of an archive of one, as a forge offers it for download, what git wrote into it (``.git_archival.txt``).
"""

from __future__ import annotations

import hashlib
import os
import re
import tomllib
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Final

from harness.errors import RehearsalError
from harness.system import process, resources

DISTRIBUTION: Final = "smb-rehearsal"
_SECONDS: Final = 10.0


@cache
def version() -> str:
    """The version after PEP 440, as the build gives it to a wheel of the same files.

    A tag ``v1.2`` is version 1.2; behind it come the number of commits since, and which commit it is.
    """
    if resources.installed():
        from importlib import metadata

        return metadata.version(DISTRIBUTION)
    return _of_git() or _of_archive() or _of_sdist() or _fallback()


def _of_git() -> str | None:
    """None where there is no repository of this project, or no git."""
    if not resources.top(".git").exists():
        return None
    tag, distance = "0.0", _git("rev-list", "--count", "HEAD")
    described = _git("describe", "--tags", "--long", "--match", "v[0-9]*")
    if found := _DESCRIBED.fullmatch(described or ""):
        tag, distance = found["tag"], found["distance"]
    commit, changed = _git("rev-parse", "--short=9", "HEAD"), _git("status", "--porcelain", "-uno")
    if distance is None or commit is None:
        return None
    where = [f"g{commit}"] if distance != "0" else []
    day = [f"d{datetime.now(UTC):%Y%m%d}"] if changed else []
    number = tag if distance == "0" and not changed else f"{tag}.post1.dev{distance}"
    return "+".join(word for word in (number, ".".join(where + day)) if word)


@cache
def told() -> str:
    """The version for a person, who is told where it is none."""
    if version() != _UNKNOWN:
        return version()
    known = f"commit {commit()}" if commit() else "the commit is not known either"
    return f"{version()} (the version is not known; {known})"


_UNKNOWN: Final = "0.0"
"""What stands for a version where nothing names one (pyproject.toml, fallback-version)."""
_DESCRIBED: Final = re.compile(r"v(?P<tag>.+)-(?P<distance>\d+)-(?P<commit>g[0-9a-f]+)")
"""What git describe says of a commit behind a tag."""


def _of_archive() -> str | None:
    """None where no tag leads to the commit, and where git wrote nothing: in a mere copy of the files."""
    described = _archived("describe-name")
    if found := _DESCRIBED.fullmatch(described):
        return f"{found['tag']}.post1.dev{found['distance']}+{found['commit']}"
    return described.removeprefix("v") or None


def _archived(name: str) -> str:
    """A line of what git wrote into an archive; "" where it wrote none."""
    said = _header(".git_archival.txt", name)
    return "" if "$Format" in said else said


@cache
def state() -> str:
    """What tells this program's files from those of any other state of it, without asking git."""
    found = hashlib.sha256()
    for folder, inside, names in os.walk(resources.path()):
        inside[:] = sorted(set(inside) - {"__pycache__"})
        for name in sorted(names):
            file = Path(folder, name)
            seen = file.stat()
            found.update(f"{file} {seen.st_size} {seen.st_mtime_ns}\n".encode(errors="surrogateescape"))
    return found.hexdigest()


@cache
def commit() -> str:
    """The commit that this is of, as far as is known: all of it in a checkout, else its beginning; or ""."""
    if not resources.installed() and resources.top(".git").exists():
        return _git("rev-parse", "HEAD") or ""
    if archived := _archived("commit"):
        return archived
    of_version = re.search(r"\+.*?\bg([0-9a-f]{7,40})\b", version())
    return of_version[1] if of_version else ""


def _git(*words: str) -> str | None:
    """What git says of this checkout; None when it says nothing that can be relied on."""
    folder = resources.top("")
    # It is this checkout's code that runs: whoever owns it is trusted already.
    argv = ["git", "-c", f"safe.directory={folder}", "-C", str(folder), *words]
    try:
        done = process.run(argv, timeout=_SECONDS)
    except RehearsalError:
        return None
    return done.stdout.strip() if done.ok else None


def _of_sdist() -> str | None:
    return _header("PKG-INFO", "Version") or None


def _header(file: str, name: str) -> str:
    """A header of a file at the project's top level; "" where there is none."""
    from email.parser import HeaderParser

    said = resources.top(file)
    return str(HeaderParser().parsestr(said.read_text("utf-8"))[name] or "") if said.is_file() else ""


def _fallback() -> str:
    project = tomllib.loads(resources.top("pyproject.toml").read_text("utf-8"))
    return str(project["tool"]["hatch"]["version"]["fallback-version"])
