"""What must be the same on every machine of a cluster, so that one result can speak of all their cells."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import cache

from pydantic import TypeAdapter, ValidationError

from harness.catalogue import packages
from harness.record import circumstances
from harness.system import resources
from harness.system.version import version

_LETTERS = 16
"""Of a SHA-256 that are told and compared: 64 bits, against accidents; certificates are against people."""


@dataclass(frozen=True)
class Identity:
    """Which smb-rehearsal runs somewhere."""

    version: str = field(compare=False)
    """For people: what has the same files is the same, whatever git says of what lies beside them."""
    data: str
    """Digest of all its files, code and data, and of the packages beside it that decide results."""

    def __str__(self) -> str:
        return f"smb-rehearsal {self.version} (files {self.data})"


_TEXT: TypeAdapter[Identity] = TypeAdapter(Identity)


@cache
def mine() -> Identity:
    """That of this process's files, as they are when it is first asked for (about 20 ms)."""
    digest = hashlib.sha256()
    home = resources.path()
    for path in sorted(home.rglob("*")):
        inside = path.relative_to(home).parts
        # What of a checkout lies beside the package measures nothing (``resources.top``).
        if path.is_file() and inside[0] != "project" and "__pycache__" not in inside:
            content = hashlib.sha256(path.read_bytes()).hexdigest()
            digest.update(f"{'/'.join(inside)}\0{content}\n".encode())
    for name, number in sorted(circumstances.found().tools.items()):
        digest.update(f"{name} {number}\n".encode())
    for one in packages.installed():
        digest.update(f"{one.by} {one.entry}\n".encode())
    return Identity(version(), digest.hexdigest()[:_LETTERS])


def as_text() -> str:
    """``mine`` as JSON: what a worker says of itself, and a scheduler when it is asked."""
    return _TEXT.dump_json(mine()).decode()


def of_text(text: object) -> Identity | None:
    """What ``as_text`` made, elsewhere; None for anything else."""
    try:
        return _TEXT.validate_json(text) if isinstance(text, str) else None
    except ValidationError:
        return None
