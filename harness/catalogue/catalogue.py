"""The catalogue: everything that can be rehearsed, by name, and where each of it came from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from types import MappingProxyType
from typing import Any

from harness.catalogue import built_in
from harness.catalogue.sources import FORMS, Kind, Offer, Origin, Source, taken
from harness.clients.base import Client
from harness.errors import UsageError
from harness.exposures.base import Exposure
from harness.grammar.words import split
from harness.mitigations import NONE, inline
from harness.mitigations.base import Mitigation, Nothing
from harness.mitigations.combination import Combination
from harness.servers.base import HOST, Server
from harness.system import files
from harness.system.image import Image
from harness.system.registry import left_out, lookup


@dataclass(frozen=True, eq=False)
class Catalogue:
    """What there is. Never changed: ``adding`` makes another one.

    Pickled as its sources: a worker process makes the same of them.
    """

    servers: Mapping[str, Server]
    mitigations: Mapping[str, Mitigation]
    """Single ones; ``mitigation`` knows ``none`` and combinations too."""
    clients: Mapping[str, Client]
    exposures: Mapping[str, Exposure]
    images: Mapping[str, Image]
    """The root file systems that servers and clients run from."""
    scenarios: Mapping[str, Path]
    """The scripts."""
    sources: tuple[Source, ...] = ()
    """What was added to what is built in."""
    came_from: Mapping[tuple[str, str], Source] = field(default_factory=dict)
    """Of what is not built in: kind (``client``) and name -> its source."""
    unusable: Mapping[str, str] = field(default_factory=dict)
    """Modules of mitigations that cannot be used: name -> ``FILE:LINE: why``."""
    _combined: dict[str, Mitigation] = field(default_factory=dict, init=False, repr=False)

    def mitigation(self, name: str) -> Mitigation:
        """The mitigation of that name: ``none``, a single one, ``set(...)``, or several joined by ``+``.

        Raises UsageError when a part is unknown or named twice, or two set the same thing.
        """
        if name not in self._combined:
            self._combined[name] = self._mitigation(inline.canonical(name))
        return self._combined[name]

    def _mitigation(self, name: str) -> Mitigation:
        if name == NONE:
            return Nothing()
        parts = inline.parts(name)
        if len(set(parts)) != len(parts):
            raise UsageError(f"{name!r} names a mitigation twice")
        inline.check(parts)
        found = [self._single(part) for part in parts]
        return found[0] if len(found) == 1 else Combination(tuple(found))

    def _single(self, name: str) -> Mitigation:
        if inline.is_inline(name):
            return inline.made_of(name, self.mitigations.values())
        return lookup("mitigation", name, self.mitigations)

    def origin(self, kind: str, name: str) -> Origin:
        """From whom a thing is."""
        source = self.came_from.get((kind, name))
        return source.origin if source else Origin.BUILT_IN

    def file(self, kind: str, name: str) -> Path | None:
        """The file that a thing comes from; None for what is built in."""
        source = self.came_from.get((kind, name))
        return source.file if source else None

    def used(self, things: Iterable[tuple[str, str]]) -> tuple[Source, ...]:
        """The sources of these things (kind and name, of a combination each part), in their order.

        And those of exposures: every run looks for each.
        """
        wanted = {(kind, part) for kind, name in things for part in split(name, "+")}
        found = {
            source for thing, source in self.came_from.items() if thing in wanted or thing[0] == "exposure"
        }
        return tuple(source for source in self.sources if source in found)

    def adding(self, *sources: Source) -> Catalogue:
        """This catalogue and what these sources have. Raises UsageError like ``made_of``."""
        return made_of(*self.sources, *sources) if sources else self

    def only(self, *sources: Source) -> Catalogue:
        """What is built in and what these sources have, no more. Raises UsageError like ``made_of``."""
        return made_of(*sources)

    def __reduce__(self) -> tuple[Callable[..., Catalogue], tuple[Source, ...]]:
        return made_of, self.sources


def made_of(*sources: Source) -> Catalogue:
    """What is built in and what these sources have. The same file in two places counts once.

    Raises UsageError for a file that is wrong, and for a name that another thing of the kind has.
    """
    known: dict[str, dict[str, Any]] = {
        "servers": dict(built_in.servers()),
        "mitigations": dict(built_in.mitigations()),
        "clients": dict(built_in.clients()),
        "exposures": dict(built_in.exposures()),
        "images": dict(built_in.images()),
        "scenarios": dict(built_in.scenarios()),
    }
    came_from: dict[tuple[str, str], Source] = {}
    kept: dict[tuple[Kind, str, bytes], Source] = {}
    for source in sources:
        # A file may name what it has; of holes a run folder keeps copies under other names.
        named = "" if source.kind in (Kind.HOLES, Kind.SERVER) else source.file.name
        same = (source.kind, named, files.read(source.file, FORMS[source.kind].hint))
        if same in kept:
            continue
        kept[same] = source
        offer = FORMS[source.kind].read(source.file)
        _startable(source, offer, known["images"])
        for room in fields(Offer):
            kind = room.name.removesuffix("s")
            for name, thing in getattr(offer, room.name).items():
                if name in known[room.name]:
                    raise taken(source.file, kind, name)
                known[room.name][name] = thing
                came_from[kind, name] = source
    return Catalogue(
        **{room: MappingProxyType(things) for room, things in known.items()},
        sources=tuple(kept.values()),
        came_from=MappingProxyType(came_from),
        unusable=left_out("harness.mitigations"),
    )


def _startable(source: Source, offer: Offer, images: Mapping[str, Image]) -> None:
    """Raises UsageError for a server of a file that wants an image which is not there."""
    for server in offer.servers.values():
        if server.image != HOST:
            try:
                lookup("image", server.image, images)
            except UsageError as error:
                raise UsageError(f"{source.file}: {error.message}", error.hint) from error
