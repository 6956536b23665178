"""Known holes that version, changelog and configuration decide together: data, and users add their own.

Decided from within alone: nothing is sent. A version string by itself never decides: distributions fix old
versions, so the package's changelog is asked too, and what the hole needs must be configured.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from harness.errors import UsageError
from harness.exposures._versions import parts, within
from harness.exposures.base import Exposure, Subject, closed, not_exposed, opened, unknown
from harness.model import Sighting
from harness.servers.live import ServerInternals
from harness.servers.platforms import named
from harness.system import files, resources

OWN = resources.path("exposures", "data", "known-holes.toml")
_HINT = "See: docs/exposures.md"


class Place(BaseModel):
    """A parameter, and the values of it that a hole needs."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    where: Literal["global", "share"] = "global"
    """In [global], or in any one share."""
    parameter: tuple[str, ...] = Field(min_length=1)
    """Its names in smb.conf(5), or a Windows setting's; the first that the server knows counts."""
    equals: tuple[str, ...] = ()
    """The hole needs one of these values."""
    has: tuple[str, ...] = ()
    """The hole needs one of these words in the value."""
    module: bool = False
    """The words of ``has`` are VFS modules, and one that is not installed counts for nothing."""
    contains: tuple[str, ...] = ()
    """The hole needs one of these texts anywhere in the value."""
    default: str | None = None
    """Its value where the server lists its parameters without this one: a module's own are listed only where
    they are set. None: then the value is not known."""

    def holds(self, value: str) -> bool:
        """Whether a value is what the hole needs. Upper and lower case are the same."""
        small = value.strip().lower()
        words = small.replace(",", " ").replace(":", " ").split()
        return (
            any(small == one.lower() for one in self.equals)
            or any(one.lower() in words for one in self.has)
            or any(one.lower() in small for one in self.contains)
        )


class Need(Place):
    """One thing that must be configured for the hole to be there."""

    text: str
    """In words: "a share with fruit among its vfs objects"."""
    alternatives: tuple[Place, ...] = Field(default=(), alias="or")
    """Any of these is as good: "server signing", or the role that requires it."""

    @property
    def places(self) -> tuple[Place, ...]:
        """Itself and its alternatives."""
        return (self, *self.alternatives)


class KnownHole(BaseModel):
    """One hole as a file describes it."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9.-]*$")
    title: str
    platform: str
    cve: str = Field(pattern=r"^CVE-\d{4}-\d{4,7}$")
    """The name under which a changelog speaks of it."""
    affected: tuple[str, ...]
    """Spans of upstream versions, e.g. ">=4.14.0 <4.14.12"; the hole is in each."""
    needs: tuple[Need, ...] = ()
    """All of these must be so."""
    source: str

    @field_validator("platform")
    @classmethod
    def _known(cls, name: str) -> str:
        return named(name).name

    @field_validator("affected")
    @classmethod
    def _spans(cls, spans: tuple[str, ...]) -> tuple[str, ...]:
        for span in spans:
            within((0,), span)
        return spans


class HoleFile(BaseModel):
    """A file of known holes."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    exposure: tuple[KnownHole, ...]


class Known(Exposure):
    """A known hole as an exposure."""

    wire = False
    sends = "nothing: reads the package's version and changelog, and the server's configuration"
    safe = "nothing is sent to the server"

    def __init__(self, hole: KnownHole) -> None:
        self.hole = hole
        self.name = hole.name
        self.title = hole.title
        self.source = hole.source

    def probe(self, subject: Subject) -> Sighting:
        if other := subject.elsewhere(self.hole.platform):
            return not_exposed(f"the hole is in {self.hole.platform}, and this is {other}")
        if subject.inside is None:
            return unknown(ONLY_WIRE)
        return judge(self.hole, subject.inside)


ONLY_WIRE = "only the wire is known: package, changelog and configuration decide, and no safe request tells"


def judge(hole: KnownHole, inside: ServerInternals) -> Sighting:
    """The state of a hole on a server of its platform."""
    missing = next((text for text in (absent(need, inside) for need in hole.needs) if text), "")
    if inside.emulates:
        if missing:
            return not_exposed(missing)
        return unknown(emulated(inside))
    what = inside.package or f"version {inside.version}"
    if inside.fixes is not None and hole.cve in inside.fixes:
        return closed(f"the changelog of {what} names {hole.cve}")
    numbers = parts(inside.version)
    if numbers and not any(within(numbers, span) for span in hole.affected):
        spans = ", ".join(hole.affected)
        if inside.package:
            return closed(f"{what} is not among the affected versions ({spans})")
        return unknown(f"only the version {inside.version} is known, no package; affected are {spans}")
    if missing:
        return not_exposed(missing)
    if not numbers:
        return unknown(f"the version of {inside.package or 'the software'} is not known")
    if inside.fixes is None:
        return unknown(f"{what} may be affected, and there is no changelog to tell whether it was fixed")
    if int(hole.cve.split("-")[1]) < inside.changelog_from:
        cut = f"its changelog tells all from {inside.changelog_from} on only, for it was cut"
        return unknown(f"{what} may be affected, and {cut}")
    needed = "; ".join(need.text for need in hole.needs)
    undecided = next((need for need in hole.needs if not found(need, inside)), None)
    if undecided is not None:
        return unknown(f"{what} is affected; whether there is {undecided.text} is not known")
    return opened(
        f"{what} is affected, its changelog does not name {hole.cve}"
        + (f"; there is {needed}" if needed else "")
    )


def emulated(inside: ServerInternals) -> str:
    """Why packages decide nothing on an emulated server."""
    software = inside.package or inside.version
    return f"what runs here is {software}; it stands for {inside.emulates}, whose own package would decide"


def values(place: Place, inside: ServerInternals) -> list[str] | None:
    """The values that the server has for it, one a section; None when it does not say."""
    sections: Iterator[Mapping[str, str]] = iter(
        [inside.settings] if place.where == "global" else [share.settings for share in inside.shares]
    )
    found = [
        next(
            (section[name] for name in place.parameter if name in section), place.default if section else None
        )
        for section in sections
    ]
    if any(value is None for value in found):
        return None
    return [value for value in found if value is not None]


def found(need: Need, inside: ServerInternals) -> bool:
    """Whether it is known to be so."""
    return any(any(map(place.holds, values(place, inside) or ())) for place in need.places)


def absent(need: Need, inside: ServerInternals) -> str:
    """Evidence that it is not so; "" when it is so, or is not known."""
    shown = []
    for place in need.places:
        known = values(place, inside)
        if known is None:
            return ""
        if any(map(place.holds, known)):
            if place.module and inside.modules is not None and not inside.modules & set(place.has):
                return f"there is not {need.text}: the module {' or '.join(place.has)} is not installed"
            return ""
        shown.append(f"{place.parameter[0]} = {', '.join(dict.fromkeys(known)) or 'empty'}")
    return f"there is not {need.text}: {'; '.join(shown)}"


def read(path: Path) -> tuple[Known, ...]:
    """The holes of a file. Raises UsageError with the file and what is wrong in it."""
    try:
        return tuple(map(Known, HoleFile.model_validate(files.table(path, _HINT)).exposure))
    except ValidationError as error:
        raise UsageError(f"{path}: {files.first_mistake(error)}", _HINT) from error


EXPOSURES = read(OWN)
