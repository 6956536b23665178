"""Where more comes from than this project brings along: a source is one file, and what kind of file it is.

Sources are plain data, so that another process can be handed them and make the same catalogue. A new kind of
source is one row of ``FORMS``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Final

from pydantic import ConfigDict, TypeAdapter

from harness.clients.base import Client
from harness.errors import UsageError
from harness.exposures.base import Exposure
from harness.mitigations.base import Mitigation
from harness.servers.base import Server
from harness.system import paths
from harness.system.image import Image


class Origin(StrEnum):
    """From whom a thing is, as a person is told."""

    BUILT_IN = "built in"
    YOURS = "yours"
    """The user names the file."""
    LEARNED = "learned"
    """``rehearse learn`` has just made it of a capture."""
    KEPT = "kept by the run"
    """It came from elsewhere when the run was measured, and the run folder has a copy."""
    PACKAGE = "another package"
    """An entry point of a package that is installed beside this one (``harness.catalogue.packages``)."""


class Kind(StrEnum):
    """What kind of file a source is."""

    PERSONA = "persona"
    HOLES = "known holes"
    MITIGATION = "mitigation"
    SERVER = "a server's configuration"
    CODE = "Python"
    """What offers servers, mitigations, clients or exposures as a module of ours does."""
    SCENARIO = "scenario"
    IMAGE = "image"
    """The description of an image that the user added (``rehearse images add``)."""
    PACKAGE = "package"
    """A module of another package."""


@dataclass(frozen=True, slots=True)
class Source:
    """One file with more than what is built in."""

    kind: Kind
    file: Path
    origin: Origin = Origin.YOURS
    lenient: bool = False
    """A mistake in it costs nothing else: it is left out, and that is said. So of what nobody named."""
    by: str = ""
    """The package that it is of, with its version; "" for none."""
    entry: str = ""
    """Of a package: what it adds, and where, as ``code.of_package`` takes it."""
    wrong: str = ""
    """Why there is no such file; "" for one that is to be read."""

    @property
    def whose(self) -> str:
        """From whom it is, as a person is told: "yours", "smb-more 1.2"."""
        return self.by or self.origin

    def offer(self) -> Offer:
        """What it has. Raises UsageError naming the file and what is wrong in it."""
        if self.kind is Kind.PACKAGE:
            from harness.catalogue import code

            return Offer(**code.of_package(self.file, self.entry))
        return FORMS[self.kind].read(self.file)


@dataclass(frozen=True, slots=True)
class Offer:
    """What one source has, by name."""

    servers: Mapping[str, Server] = field(default_factory=dict)
    mitigations: Mapping[str, Mitigation] = field(default_factory=dict)
    clients: Mapping[str, Client] = field(default_factory=dict)
    exposures: Mapping[str, Exposure] = field(default_factory=dict)
    images: Mapping[str, Image] = field(default_factory=dict)
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


def _mitigation(file: Path) -> Offer:
    from harness.mitigations.described import load

    made = load(file)
    return Offer(mitigations={made.name: made})


def _server(file: Path) -> Offer:
    from harness.servers import description
    from harness.servers.roles import servers_of

    brought = description.read(file)
    found = servers_of(brought)
    if not found:
        raise UsageError(
            f"{next(iter(brought.files), file)}: has no share on a disk that lets anybody in: no printer and "
            "no pipe, and none that is not available",
            "name such a one; see docs/your-server.md",
        )
    return Offer(servers=found)


def _code(file: Path) -> Offer:
    from harness.catalogue import code

    return Offer(**code.of_file(file))


def _scenario(file: Path) -> Offer:
    # It is read, and run, where it is wanted.
    return Offer(scenarios={file.stem.replace("_", "-"): file})


@dataclass(frozen=True, slots=True)
class Form:
    """What there is to know of a kind of file."""

    read: Callable[[Path], Offer]
    """Raises UsageError naming the file and what is wrong in it."""
    hint: str
    """What to do about a file that cannot be read at all."""
    folder: str
    """Where a run folder has its copies of such files."""
    suffix: str = ".toml"
    kept: bool = True
    """A run keeps copies of those that it rests on."""
    renamed: bool = False
    """The copies have names of their own, for several files may have the same."""


def _image(file: Path) -> Offer:
    from harness.servers import added_image

    added = added_image.read(file)
    return Offer(
        servers={one.name: one for one in added_image.servers(added)},
        images={added.name: added_image.image(added)},
    )


FORMS: Final[Mapping[Kind, Form]] = {
    Kind.PERSONA: Form(_persona, "a persona is a TOML file", "personas"),
    Kind.HOLES: Form(_holes, "See: docs/exposures.md", "exposures", renamed=True),
    Kind.MITIGATION: Form(_mitigation, "See: docs/adding-a-mitigation.md", "mitigations"),
    Kind.SERVER: Form(_server, "See: docs/your-server.md", "servers", ".json", renamed=True),
    Kind.CODE: Form(_code, "See: docs/your-project.md", "code", ".py", renamed=True),
    Kind.IMAGE: Form(_image, "See: rehearse images list", "images", ".json"),
    Kind.SCENARIO: Form(_scenario, "See: docs/scenarios.md", "scenarios", ".py", kept=False),
    Kind.PACKAGE: Form(_code, "See: docs/your-project.md", "", "", kept=False),
}
"""Every kind of file: a new one is a row here."""


def taken(file: Path, kind: str, name: str) -> UsageError:
    """The answer to a name that another thing of the kind has: nobody could tell which of them is meant."""
    return UsageError(f"{file}: there is another {kind} called {name!r}", "rename one of them")


_NO_OFFERS: Final = ("__init__", "conftest")
"""Files of Python's own, and of pytest's."""


def in_folder(kind: Kind, folder: Path, origin: Origin = Origin.YOURS) -> tuple[Source, ...]:
    """The files of a kind in a folder; none where there is no such folder."""
    found = sorted(folder.resolve().glob(f"*{FORMS[kind].suffix}"))
    return tuple(Source(kind, file, origin) for file in found if file.stem not in _NO_OFFERS)


def personas_in(folder: Path, origin: Origin = Origin.YOURS) -> tuple[Source, ...]:
    """The persona files of a folder. Raises UsageError when it is no folder."""
    if not folder.is_dir():
        raise UsageError(f"{folder}: there is no such folder", "name one with persona files, *.toml")
    return in_folder(Kind.PERSONA, folder, origin)


def holes_in(file: Path, origin: Origin = Origin.YOURS) -> Source:
    """A file of known holes."""
    return Source(Kind.HOLES, file.resolve(), origin)


def server_in(file: Path, origin: Origin = Origin.YOURS) -> Source:
    """The description of a server's configuration that was brought along."""
    return Source(Kind.SERVER, file.resolve(), origin)


def added_images() -> tuple[Source, ...]:
    """The images that the user added. Raises LabFault for a user without a home."""
    found = in_folder(Kind.IMAGE, paths.added_images_dir())
    return tuple(replace(one, lenient=True) for one in found)


_MANY: Final = TypeAdapter(tuple[Source, ...], config=ConfigDict(defer_build=True))


def as_json(sources: tuple[Source, ...]) -> str:
    """Sources as one word for the command line of another process of ours."""
    return _MANY.dump_json(sources).decode()


def from_json(text: str) -> tuple[Source, ...]:
    """What ``as_json`` made. Raises ValueError for anything else."""
    return _MANY.validate_json(text)
