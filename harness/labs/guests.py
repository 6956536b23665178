"""The catalogue of virtual machines: ``guests.yaml``, and the ``guests.local.yaml`` that changes it.

The Vagrantfile reads the same two files, so what is allowed here is what Ruby and Python read alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PlainValidator,
    StringConstraints,
    ValidationError,
    model_validator,
)

from harness.errors import UsageError
from harness.servers import platforms
from harness.servers.platform import Platform
from harness.system import files, paths, resources
from harness.system.registry import lookup

FILE = resources.top("guests.yaml")
"""The catalogue of this project."""
LOCAL = "guests.local.yaml"
"""What is different on this machine: beside the catalogue; of an installed package in the user's settings."""


BOOT_SECONDS = Platform.boot_seconds
"""What a guest may take to boot whose platform says nothing else."""

_Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
_BoxName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+$")]
# A name of a machine, of a libvirt domain and of a host at once.
_Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$")]
_Text = Annotated[str, StringConstraints(min_length=1, pattern=r"^[^\x00-\x1f\x7f]+$")]

Role = Literal["server", "client"]
Provider = Literal["libvirt", "virtualbox", "vmware_desktop", "hyperv"]
_OTHER_ABILITIES = ("vendor-patch", "mount-cifs", "windows-client")


def _ability(word: str) -> str:
    """What a guest can: serve a platform (``Platform.ability``), or something else. Raises ValueError."""
    known = (*(f"serve-{name}" for name in platforms.names()), *_OTHER_ABILITIES)
    if word not in known:
        raise ValueError(f"{word!r} is none of {', '.join(known)}")
    return word


def _platform(name: object) -> Platform | None:
    """The platform of a name in the file. Raises ValueError that says which there are."""
    return None if name is None else platforms.named(str(name))


Ability = Annotated[str, AfterValidator(_ability)]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, defer_build=True)


class BuiltBox(_Strict):
    """Made on this machine from Debian packages (``harness.labs.boxes``)."""

    source: Literal["built"]
    name: Annotated[str, StringConstraints(pattern=r"^smb-rehearsal/[a-z0-9-]+$")]

    @property
    def recipe(self) -> str:
        """The box as ``rehearse boxes build`` names it."""
        return self.name.partition("/")[2]


class RegistryBox(_Strict):
    """Of a Vagrant registry: Vagrant knows which one."""

    source: Literal["registry"]
    name: _BoxName
    version: Annotated[str, StringConstraints(pattern=r"^[0-9]+(\.[0-9A-Za-z]+)*$")]


class UrlBox(_Strict):
    """A box file at an address."""

    source: Literal["url"]
    name: _BoxName
    url: Annotated[str, StringConstraints(pattern=r"^(https?|file)://[^\s]+$")]
    sha256: _Sha256


class FileBox(_Strict):
    """A box file on this machine; a relative path starts at the folder of ``guests.local.yaml``."""

    source: Literal["file"]
    name: _BoxName
    path: _Text
    sha256: _Sha256 | None = None


class YourBox(_Strict):
    """None is to be had: whoever has one names it in ``guests.local.yaml``, or adds it under this name."""

    source: Literal["yours"]
    name: _BoxName


_Source = Literal["built", "registry", "url", "file", "yours"]
"""The kinds of box; in a mistake's path they stand beside the keys."""
Box = Annotated[BuiltBox | RegistryBox | UrlBox | FileBox | YourBox, Field(discriminator="source")]


class Guest(_Strict):
    """One virtual machine of the catalogue."""

    name: _Name
    title: _Text
    roles: Annotated[tuple[Role, ...], Field(min_length=1, strict=False)]
    os: _Text
    platform: Annotated[Platform | None, PlainValidator(_platform)] = None
    """The server software; None for a machine that is a client only."""
    image: _Name | None = None
    """The image (``harness.labs.images``) whose packages it runs; None where no server of ours is made so."""
    box: Box
    communicator: Literal["ssh", "winrm"]
    memory: Annotated[int, Field(ge=64, le=1 << 20)]
    """MB."""
    cpus: Annotated[int, Field(ge=1, le=256)]
    boot_seconds: Annotated[int, Field(ge=1, le=3600)] | None = None
    """The most that it may take to boot; None for what its kind is given (``boot_limits``)."""
    providers: Annotated[tuple[Provider, ...], Field(min_length=1, strict=False)]
    can: Annotated[tuple[Ability, ...], Field(strict=False)] = ()
    licence: _Text
    evaluation_days: Annotated[int, Field(ge=1)] | None = None
    """How long it runs without a licence key; None where that does not apply."""
    verified: bool
    """True when it ever ran where this project is made."""
    note: str = ""

    @property
    def linux(self) -> bool:
        """The lab enters it by SSH with a key of its own and prepares it."""
        return self.platform is None or self.platform.linux

    @model_validator(mode="after")
    def _consistent(self) -> Guest:
        if "server" in self.roles and self.platform is None:
            *others, last = platforms.names()
            raise ValueError(f"a server needs a platform: {', '.join(others)} or {last}")
        if self.image is not None and not (self.platform and self.platform.has_images):
            raise ValueError(f"a guest of platform {self.platform or '(none)'} has no image")
        return self


class _Catalogue(_Strict):
    schema_: Annotated[Literal[1], Field(alias="schema")]
    guests: Annotated[tuple[Guest, ...], Field(strict=False)]


def load(file: Path = FILE) -> dict[str, Guest]:
    """The guests by name, with what the ``guests.local.yaml`` that goes with ``file`` changes.

    Raises UsageError that names the file and the key.
    """
    entries = _entries(file)
    local = local_file(file)
    if local.exists():
        for name, change in _entries(local).items():
            entries[name] = {**entries.get(name, {}), **change}
        where = f"{file} with {local}"
    else:
        where = str(file)
    try:
        catalogue = _Catalogue.model_validate({"schema": 1, "guests": list(entries.values())})
    except ValidationError as error:
        raise UsageError(f"{where}: {_first(error, list(entries))}", "see docs/boxes.md") from None
    return {guest.name: guest for guest in catalogue.guests}


def local_file(file: Path = FILE) -> Path:
    """Where the ``guests.local.yaml`` is that goes with a catalogue; it need not be there."""
    if file == FILE and resources.installed():
        return paths.config_dir() / LOCAL
    return file.with_name(LOCAL)


def boot_limits(guests: Mapping[str, Guest]) -> dict[str, int]:
    """How many seconds each may take to boot: a guest that takes longer hangs."""
    return {
        name: guest.boot_seconds or (guest.platform.boot_seconds if guest.platform else BOOT_SECONDS)
        for name, guest in guests.items()
    }


def windows(guests: Mapping[str, Guest]) -> list[str]:
    """The names of those that run Windows."""
    return [name for name, guest in guests.items() if not guest.linux]


def find(name: str, guests: Mapping[str, Guest]) -> Guest:
    """The guest of that name. Raises UsageError with the nearest names."""
    return lookup("guest", name, guests)


def _entries(file: Path) -> dict[str, dict[str, Any]]:
    """The entries of one file by name, unchecked but for their names."""
    import yaml

    try:
        data = yaml.safe_load(files.text(file, "see docs/boxes.md"))
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise UsageError(f"{file} is no YAML: {_one_line(error)}") from error
    if not isinstance(data, dict) or set(data) != {"schema", "guests"} or data["schema"] != 1:
        raise UsageError(f"{file}: its keys must be schema: 1 and guests", "see docs/boxes.md")
    if not isinstance(data["guests"], list):
        raise UsageError(f"{file}: guests must be a list", "see docs/boxes.md")
    found: dict[str, dict[str, Any]] = {}
    for number, entry in enumerate(data["guests"], 1):
        if not isinstance(entry, dict) or not isinstance(entry.get("name"), str):
            raise UsageError(f"{file}: guest number {number} has no name", "see docs/boxes.md")
        if entry["name"] in found:
            raise UsageError(f"{file}: {entry['name']} is there twice")
        found[entry["name"]] = entry
    return found


def _first(error: ValidationError, names: list[str]) -> str:
    """The first mistake: the guest, the key, and what is wrong with it."""
    mistake = error.errors(include_url=False, include_context=False, include_input=False)[0]
    _, number, *keys = mistake["loc"]
    if keys[:1] == ["box"] and keys[1:2] and keys[1] in get_args(_Source):
        # Which kind of box it is stands between the keys.
        del keys[1]
    shown = ".".join(map(str, keys))
    said = mistake["msg"].removeprefix("Value error, ")
    return f"{names[int(number)]}: " + (f"{shown}: {said}" if shown else said)


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
