"""rehearsal.toml: what a project says of itself, read with one clear line for a mistake in it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import Field

from harness.projects import NAME
from harness.system.toml_file import Table, load

HINT: Final = "See: docs/your-project.md"

_Text = Annotated[str, Field(min_length=1, max_length=1000)]
_Several = Annotated[list[_Text], Field(min_length=1, max_length=1000)]


class Defaults(Table):
    """What is meant where the command line says nothing."""

    lab: Literal["local", "vagrant"] | None = None
    clients: _Several | None = None
    checks: _Several | None = None
    personas: _Several | None = None
    exposures: _Several | None = None
    evidence: Literal["none", "lost", "all"] | None = None
    workers: Annotated[int, Field(ge=1)] | None = None
    require: _Several | None = None
    known: _Several | None = None
    fleet: _Text | None = None
    reuse: bool | None = None


class ServerOfFile(Table):
    """A server whose configuration is somebody's smb.conf(5)."""

    smb_conf: _Text
    release: str = ""
    includes: list[_Text] = Field([], max_length=1000)


class ProjectFile(Table):
    """The whole file."""

    defaults: Defaults = Defaults()
    servers: dict[Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9.-]*$")], ServerOfFile] = Field(
        default_factory=dict
    )


@dataclass(frozen=True, slots=True)
class Project:
    """A project that was found, and read."""

    folder: Path
    file: ProjectFile = field(default_factory=ProjectFile)


def read(folder: Path) -> Project:
    """The project of a folder. Raises UsageError: which line of rehearsal.toml, and what is wrong there."""
    return Project(folder, load(folder / NAME, ProjectFile, HINT))
