"""Where more comes from than this project brings along: a source is one file, and what kind of file it is.

Sources are plain data, so that another process can be handed them and make the same catalogue. A new kind of
source is one row of ``READERS``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter

from harness.clients.base import Client
from harness.errors import UsageError
from harness.exposures.base import Exposure
from harness.mitigations.base import Mitigation
from harness.servers.base import Server


class Origin(StrEnum):
    """From whom a thing is, as a person is told."""

    BUILT_IN = "built in"
    YOURS = "yours"
    """The user names the file."""
    LEARNED = "learned"
    """``rehearse learn`` has just made it of a capture."""
    KEPT = "kept by the run"
    """It came from elsewhere when the run was measured, and the run folder has a copy."""


class Kind(StrEnum):
    """What kind of file a source is."""

    PERSONA = "persona"
    HOLES = "known holes"


@dataclass(frozen=True, slots=True)
class Source:
    """One file with more than what is built in."""

    kind: Kind
    file: Path
    origin: Origin = Origin.YOURS


@dataclass(frozen=True, slots=True)
class Offer:
    """What one source has, by name."""

    servers: Mapping[str, Server] = field(default_factory=dict)
    mitigations: Mapping[str, Mitigation] = field(default_factory=dict)
    clients: Mapping[str, Client] = field(default_factory=dict)
    exposures: Mapping[str, Exposure] = field(default_factory=dict)
    scenarios: Mapping[str, Path] = field(default_factory=dict)


def _persona(file: Path) -> Offer:
    # Loaded where it is used: it takes a library that speaks SMB.
    from harness.clients.persona import load

    persona = load(file)
    return Offer(clients={persona.name: persona})


def _holes(file: Path) -> Offer:
    from harness.exposures.known_holes import read

    found: dict[str, Exposure] = {}
    for hole in read(file):
        if hole.name in found:
            raise taken(file, "exposure", hole.name)
        found[hole.name] = hole
    return Offer(exposures=found)


READERS: Final[Mapping[Kind, Callable[[Path], Offer]]] = {Kind.PERSONA: _persona, Kind.HOLES: _holes}
"""How each kind of file is read. They raise UsageError naming the file and what is wrong in it."""


HINTS: Final[Mapping[Kind, str]] = {
    Kind.PERSONA: "a persona is a TOML file",
    Kind.HOLES: "See: docs/exposures.md",
}
"""What to do about a file of that kind that cannot be read at all."""


def taken(file: Path, kind: str, name: str) -> UsageError:
    """The answer to a name that another thing of the kind has: nobody could tell which of them is meant."""
    return UsageError(f"{file}: there is another {kind} called {name!r}", "rename one of them")


def personas_in(folder: Path, origin: Origin = Origin.YOURS) -> tuple[Source, ...]:
    """The persona files of a folder. Raises UsageError when it is no folder."""
    if not folder.is_dir():
        raise UsageError(f"{folder}: there is no such folder", "name one with persona files, *.toml")
    return tuple(Source(Kind.PERSONA, file, origin) for file in sorted(folder.resolve().glob("*.toml")))


def holes_in(file: Path, origin: Origin = Origin.YOURS) -> Source:
    """A file of known holes."""
    return Source(Kind.HOLES, file.resolve(), origin)


_MANY: Final = TypeAdapter(tuple[Source, ...])


def as_json(sources: tuple[Source, ...]) -> str:
    """Sources as one word for the command line of another process of ours."""
    return _MANY.dump_json(sources).decode()


def from_json(text: str) -> tuple[Source, ...]:
    """What ``as_json`` made. Raises ValueError for anything else."""
    return _MANY.validate_json(text)
