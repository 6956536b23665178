"""The catalogue: everything that can be rehearsed, by name, and where each of it came from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from harness.catalogue import built_in
from harness.catalogue.sources import FORMS, Kind, Offer, Origin, Source, taken
from harness.clients.base import Client
from harness.errors import UsageError
from harness.exposures.base import Exposure
from harness.grammar.words import split
from harness.mitigations import NONE, inline, ways
from harness.mitigations.base import Mitigation, Nothing
from harness.mitigations.combination import Combination
from harness.servers.base import HOST, Server
from harness.system import files
from harness.system.image import Image
from harness.system.registry import Awaited, Found, left_out, lookup


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

    def _single(self, part: str) -> Mitigation:
        name, way = ways.apart(part)
        if way:
            return ways.InItsWay(self._single(name), way)
        before, _, after = name.rpartition(ways.MARK)
        if before in self.mitigations and name not in self.mitigations:
            raise UsageError(f"{after!r} is no way to make a change", f"ways: {', '.join(ways.WAYS)}")
        if inline.is_inline(name):
            return inline.made_of(name, self.mitigations.values())
        return lookup("mitigation", name, self.mitigations)

    def origin(self, kind: str, name: str) -> Origin:
        """From whom a thing is."""
        source = self.came_from.get((kind, name))
        return source.origin if source else Origin.BUILT_IN

    def whose(self, kind: str, name: str) -> str:
        """From whom a thing is, as a person is told: "yours", "smb-more 1.2"; "" for what is built in."""
        source = self.came_from.get((kind, name))
        return source.whose if source else ""

    def file(self, kind: str, name: str) -> Path | None:
        """The file that a thing comes from; None for what is built in."""
        source = self.came_from.get((kind, name))
        return source.file if source else None

    def used(self, things: Iterable[tuple[str, str]]) -> tuple[Source, ...]:
        """The sources of these things (kind and name, of a combination each part), in their order.

        And those of exposures: every run looks for each.
        """
        wanted = {(kind, ways.apart(part)[0]) for kind, name in things for part in split(name, "+")}
        found = {
            source for thing, source in self.came_from.items() if thing in wanted or thing[0] == "exposure"
        }
        return tuple(source for source in self.sources if source in found)

    @property
    def unusable(self) -> tuple[str, ...]:
        """Whatever of any kind cannot be used: ``FILE:LINE: why``."""
        return tuple(dict.fromkeys(why for _, why in self._left_out()))

    @property
    def missed(self) -> tuple[str, ...]:
        """The same, of the kinds that were asked for so far."""
        asked = (getattr(self, room) for room in sorted(_ROOM_NAMES))
        gone = (left_out(room) for room in asked if not isinstance(room, Awaited) or room.asked)
        return tuple(dict.fromkeys(why for room in gone for why in room.values()))

    def unusable_in(self, folder: Path) -> tuple[str, ...]:
        """The same of the files below a folder."""
        found = (why for name, why in self._left_out() if Path(name).is_relative_to(folder))
        return tuple(dict.fromkeys(found))

    def _left_out(self) -> Iterator[tuple[str, str]]:
        for one in fields(self):
            if one.name in _ROOM_NAMES:
                yield from left_out(getattr(self, one.name)).items()

    def adding(self, *sources: Source) -> Catalogue:
        """This catalogue and what these sources have. Raises UsageError like ``made_of``."""
        if not sources:
            return self
        # What a run was measured with is what is called so when it is read, whatever it has become since.
        # Where that is the very same it is still the user's own, whose mistakes are told with its own name.
        mine = {_content(one) for one in self.sources}
        kept = [one for one in sources if one.origin is Origin.KEPT and _content(one) not in mine]
        made = made_of(
            *(one for one in self.sources if not one.lenient),
            *kept,
            *(one for one in self.sources if one.lenient),
            *(one for one in sources if one.origin is not Origin.KEPT),
        )
        rooms: dict[str, Any] = {
            room: self._with_left_out(room, getattr(made, room)) for room in sorted(_ROOM_NAMES)
        }
        return replace(made, **rooms)

    def _with_left_out(self, room: str, things: Mapping[str, Any]) -> Found[Any]:
        """Things, with what this catalogue has left out of their kind: it is not among its sources."""
        return Found(things, {**left_out(getattr(self, room)), **left_out(things)})

    def only(self, *sources: Source) -> Catalogue:
        """What is built in, installed, and what these sources have, no more. Raises like ``made_of``."""
        return made_of(*sources, *(one for one in self.sources if one.by))

    def __reduce__(self) -> tuple[Callable[..., Catalogue], tuple[Source, ...]]:
        return made_of, self.sources


def made_of(*sources: Source) -> Catalogue:
    """What is built in and what these sources have. The same file in two places counts once.

    Raises UsageError for a file that is wrong, and for a name that another thing of the kind has.
    """
    rooms: dict[str, Any] = {
        "servers": Awaited(built_in.servers),
        "mitigations": Awaited(built_in.mitigations),
        "clients": Awaited(built_in.clients),
        "exposures": Awaited(built_in.exposures),
        "images": Awaited(built_in.images),
        "scenarios": built_in.scenarios(),
    }
    if not sources:
        return Catalogue(**rooms)
    known = {room: dict(things) for room, things in rooms.items()}
    gone = {room: dict(left_out(things)) for room, things in rooms.items()}
    came_from: dict[tuple[str, str], Source] = {}
    taken_in: dict[tuple[Kind, str, bytes], Source] = {}
    # A server may run from an image that another file brings.
    for source in sorted(sources, key=lambda one: one.kind is not Kind.IMAGE):
        try:
            if source.wrong:
                raise UsageError(source.wrong)
            same = _content(source)
            if same in taken_in:
                continue
            found = _new_of(source, known, came_from)
        except UsageError as error:
            if not source.lenient:
                raise
            why = f"{source.by}: {error}" if source.by else str(error)
            gone[_room_of(source)][str(source.file / source.entry)] = why
            continue
        taken_in[same] = source
        for (room, name), thing in found.items():
            known[room][name] = thing
            came_from[room.removesuffix("s"), name] = source
    return Catalogue(
        **{room: Found(things, gone[room]) for room, things in known.items()},
        sources=tuple(taken_in.values()),
        came_from=MappingProxyType(came_from),
    )


def _startable(source: Source, offer: Offer, images: Mapping[str, Image]) -> None:
    """Raises UsageError for a server of a file that wants an image which is not there."""
    for server in offer.servers.values():
        if server.image != HOST:
            try:
                lookup("image", server.image, images)
            except UsageError as error:
                raise UsageError(f"{source.file}: {error.message}", error.hint) from error


def _content(source: Source) -> tuple[Kind, str, bytes]:
    """What makes two sources the same. Raises UsageError for a file that cannot be read."""
    form = FORMS[source.kind]
    # A file may name what it has; of some a run folder keeps copies under other names.
    named = source.entry or ("" if form.renamed else source.file.name)
    return source.kind, named, files.read(source.file, form.hint)


def _new_of(
    source: Source, known: Mapping[str, Mapping[str, Any]], came_from: Mapping[tuple[str, str], Source]
) -> dict[tuple[str, str], Any]:
    """What a source adds, by room and name. Raises UsageError as ``made_of``."""
    found: dict[tuple[str, str], Any] = {}
    offer = source.offer()
    _startable(source, offer, {**known["images"], **offer.images})
    for room in (one.name for one in fields(Offer)):
        for name, thing in getattr(offer, room).items():
            if name not in known[room]:
                found[room, name] = thing
                continue
            kind = room.removesuffix("s")
            other = came_from.get((kind, name))
            if not (source.lenient and other and other.origin is Origin.KEPT):
                raise taken(source.file, kind, name)
    return found


_ROOMS: Mapping[Kind, str] = {
    Kind.PERSONA: "clients",
    Kind.HOLES: "exposures",
    Kind.SCENARIO: "scenarios",
    Kind.SERVER: "servers",
    Kind.IMAGE: "images",
}


def _room_of(source: Source) -> str:
    """Of which kind of things it is said that a source cannot be used."""
    room = source.entry.partition("=")[0] or _ROOMS.get(source.kind, "mitigations")
    if source.kind is Kind.CODE and source.file.parent.name in _OFFERS:
        room = source.file.parent.name
    return room


_OFFERS = tuple(one.name for one in fields(Offer))
_ROOM_NAMES = frozenset({*_OFFERS, "images"})
