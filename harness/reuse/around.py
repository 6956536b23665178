"""What every result rests on whatever its cell: our own code, Python and its packages, kernel and machine."""

from __future__ import annotations

import hashlib
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import harness
from harness.clients.persona import FOLDER as PERSONAS
from harness.errors import UsageError
from harness.record import circumstances
from harness.system import files

UNINVOLVED: Final = frozenset(
    {
        "balance",
        "cli",
        "cluster",
        "fleet",
        "gates",
        "importing",
        "learn",
        "projects",
        "pytest_scenarios.py",
        "report",
        "rollout",
        "verbs",
    }
)
"""Rooms of the package that plan, judge or print, and change nothing of what is measured: what they decide is
either said by another part of a key (a server's configuration that was imported) or decided anew each time (a
verdict). Every other room counts, the journal's too."""
_MOUNTS: Final = Path("/proc/self/mountinfo")
_CONFINED: Final = Path("/proc/self/attr/current")
HERE: Final = Path(harness.__file__).resolve().parent


def around(runs: Path) -> dict[str, str]:
    """By what it is called in docs/reuse.md. ``runs``: the folder of run folders; it need not be there."""
    system = os.uname()
    return {
        "smb-rehearsal": code(HERE),
        "python": f"{sys.implementation.name} {sys.version}",
        "packages": _packages(),
        "libc": os.confstr("CS_GNU_LIBC_VERSION") or "",
        "kernel": f"{system.sysname} {system.release} {system.version}",
        "machine": system.machine,
        "system": circumstances.system(),
        "user": "root" if os.geteuid() == 0 else "ordinary user",
        "files": _file_system(runs),
        "confinement": _confinement(),
    }


def _file_system(runs: Path) -> str:
    """The kind of file system that shares are on, and its options.

    Not each has extended attributes, or tells A from a; and whether a library can be loaded from a share
    hangs on noexec. What has a path in it only says where the file system comes from: a container's layers.
    """
    found = "unknown"
    longest = -1
    place = runs.resolve()
    for line in files.read(_MOUNTS).decode(errors="replace").splitlines():
        # proc(5): the fifth is the mount point, octal where it has blanks, and the sixth its options; behind
        # the hyphen are the type, the source, and the options of the file system itself.
        mount, _, rest = line.partition(" - ")
        words, more = mount.split(), rest.split()
        point = _octal(words[4])
        # Of several at one place the last covers the others.
        if place.is_relative_to(point) and len(point) >= longest:
            options = {*words[5].split(","), *(more[2].split(",") if len(more) > 2 else ())}
            said = ",".join(sorted(one for one in options if "/" not in one))
            longest, found = len(point), f"{more[0]} {said}"
    return found


def _confinement() -> str:
    """What a security module confines this process to, and so what it starts: smbd may load less then."""
    try:
        return files.read(_CONFINED).decode(errors="replace").strip("\0\n ") or "empty"
    except UsageError:
        # Without such a module the kernel has the file, and nobody can read it.
        return "no security module"


def _octal(name: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), name)


def code(package: Path) -> str:
    """A digest of all files of the package that can influence what is measured, by their contents.

    Built-in personas are not among them: each cell's key has what its own client says.
    """
    found = hashlib.sha256()
    for name in sorted(_files(package)):
        with open(f"{package}/{name}", "rb", buffering=0) as file:  # noqa: PTH123 - hundreds of files
            found.update(f"{name}\0{hashlib.sha256(file.read()).hexdigest()}\n".encode())
    return found.hexdigest()


def _files(package: Path) -> Iterator[str]:
    """Their paths, relative to the package."""
    personas = PERSONAS.relative_to(HERE).as_posix()
    pending = [""]
    while pending:
        folder = pending.pop()
        with os.scandir(f"{package}/{folder}") as entries:
            for entry in entries:
                name = f"{folder}{entry.name}"
                if name in UNINVOLVED or name == personas or entry.name == "__pycache__":
                    continue
                if entry.is_dir(follow_symlinks=False):
                    pending.append(f"{name}/")
                elif entry.is_file() and not name.endswith(".pyc"):
                    yield name


def _packages() -> str:
    """A digest of the names and versions of all Python packages that are installed."""
    # The names of these folders have both; to read what is in them takes ten times as long.
    found = sorted(
        {
            one.name
            for place in sys.path
            if (folder := Path(place or ".")).is_dir()
            for one in folder.iterdir()
            if one.suffix in (".dist-info", ".egg-info")
        }
    )
    return hashlib.sha256("\n".join((*found, _openssl())).encode()).hexdigest()


def _openssl() -> str:
    """The OpenSSL that Python's hashlib and ssl use, and how it is configured: MD4 and RC4 hang on it."""
    import ssl

    # Beside it, whatever the name of a file of certificates is (OpenSSL's config(5)).
    path = Path(ssl.get_default_verify_paths().openssl_cafile).with_name("openssl.cnf")
    try:
        said = hashlib.sha256(files.read(path)).hexdigest()
    except UsageError:
        said = ""
    return f"{ssl.OPENSSL_VERSION} {said}"
