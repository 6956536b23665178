"""The room of clients: one file an implementation; personas are data with their evidence."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from harness.clients.base import Client
from harness.errors import UsageError
from harness.system import files
from harness.system.registry import collect

FOLDERS = "SMB_REHEARSAL_PERSONAS"
"""Environment variable: folders with more persona files, parted as in PATH. The environment, because workers
and the processes of the lab must find the same clients as the command line."""


@cache
def clients() -> dict[str, Client]:
    """Every client there is, by name: those of this room, then the personas of the folders added to it.

    Raises UsageError for a persona file that is wrong, or whose name another client has.
    """
    found = collect("harness.clients", "CLIENTS", Client)
    for path in _files():
        # Imported here, for it imports this package.
        from harness.clients.persona import load

        persona = load(path)
        if persona.name in found:
            raise UsageError(f"{path}: there is another client called {persona.name!r}", "rename one of them")
        found[persona.name] = persona
    return found


def add_folder(folder: Path) -> None:
    """Personas of this folder are clients too, here and in every process started from now on.

    Raises UsageError when it is no folder. The same file in two folders counts once.
    """
    if not folder.is_dir():
        raise UsageError(f"{folder}: there is no such folder", "name one with persona files, *.toml")
    known = [word for word in os.environ.get(FOLDERS, "").split(os.pathsep) if word]
    resolved = str(folder.resolve())
    if resolved not in known:
        os.environ[FOLDERS] = os.pathsep.join([*known, resolved])
        clients.cache_clear()


def added_file(name: str) -> Path | None:
    """The file of a persona that comes from an added folder; None for every other client."""
    return next((path for path in _files() if path.stem == name), None)


def _files() -> Iterator[Path]:
    """The persona files of the added folders; the same words under the same name are one file."""
    seen: set[tuple[str, bytes]] = set()
    for word in os.environ.get(FOLDERS, "").split(os.pathsep):
        for path in sorted(Path(word).glob("*.toml")) if word else ():
            key = (path.name, files.read(path, "a persona is a TOML file"))
            if key not in seen:
                seen.add(key)
                yield path
