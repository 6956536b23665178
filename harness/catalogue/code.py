"""Python of one's own, outside of this package: a file of a project, or a module of another package.

It is asked for what a module of our rooms is asked for, and it is a program that runs as whoever rehearses:
one that others can write is not loaded (``harness.system.trust``).
"""

from __future__ import annotations

import hashlib
import importlib
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from harness.clients.base import Client
from harness.errors import UsageError
from harness.exposures.base import Exposure
from harness.mitigations.base import Mitigation
from harness.servers.base import Server
from harness.system import files, mistakes, trust
from harness.system.registry import offer_of

OFFERS: Final[Mapping[str, tuple[str, type]]] = {
    "servers": ("SERVERS", Server),
    "mitigations": ("MITIGATIONS", Mitigation),
    "clients": ("CLIENTS", Client),
    "exposures": ("EXPOSURES", Exposure),
}
"""What there is of a catalogue that Python makes -> what a module calls it, and what each of it is."""
HINT: Final = "See: docs/your-project.md"

Things = Mapping[str, Mapping[str, Any]]
"""By the names of ``OFFERS``, each by its own name."""

_loaded: dict[tuple[Path, str], Things] = {}


def of_file(file: Path) -> Things:
    """What a Python file offers: any of ``OFFERS``. It is run once, and again when it has changed.

    Raises UsageError, ``FILE:LINE: what``, for one that cannot be loaded or offers what is incomplete.
    """
    trust.check(file)
    data = files.read(file, HINT)
    digest = hashlib.sha256(data).hexdigest()
    if (file, digest) not in _loaded:
        mistakes.also_added(file)
        module = ModuleType(f"rehearsed_{file.stem.replace('-', '_')}_{digest[:12]}")
        module.__file__ = str(file)
        # Where whoever is asked for the source of a class looks for its file.
        sys.modules[module.__name__] = module
        try:
            exec(compile(data, str(file), "exec"), module.__dict__)
        except (Exception, SystemExit, GeneratorExit) as error:
            del sys.modules[module.__name__]
            raise _mistake(error, file) from error
        _loaded[file, digest] = _offered(module, file)
    return _loaded[file, digest]


def of_package(file: Path, entry: str) -> Things:
    """What an entry point of another package names: ``GROUP=MODULE`` or ``GROUP=MODULE:THINGS``.

    A module is asked as ours are; THINGS may be one thing or several. Raises UsageError as ``of_file``.
    """
    trust.check(file)
    group, _, value = entry.partition("=")
    name, _, attribute = value.partition(":")
    mistakes.also_added(file)
    try:
        module = importlib.import_module(name)
        if not attribute:
            return {group: _named(module, group, file)}
        things: Any = module
        for part in attribute.split("."):
            things = getattr(things, part)
    except UsageError:
        raise
    except (Exception, SystemExit) as error:
        raise _mistake(error, file) from error
    stand_in = ModuleType(name)
    stand_in.__file__ = str(file)
    setattr(stand_in, attribute, things if isinstance(things, tuple | list) else (things,))
    return {group: _named(stand_in, group, file, attribute)}


def _mistake(error: BaseException, file: Path) -> UsageError:
    at = mistakes.blame(error) or f"{mistakes.shown(str(file))}:1: {files.why(error)}"
    return UsageError(at, HINT)


def _offered(module: ModuleType, file: Path) -> Things:
    if not any(hasattr(module, attribute) for attribute, _ in OFFERS.values()):
        wanted = ", ".join(attribute for attribute, _ in OFFERS.values())
        raise UsageError(f"{mistakes.shown(str(file))}:1: offers nothing: it has none of {wanted}", HINT)
    return {room: _named(module, room, file) for room in OFFERS}


def _named(module: ModuleType, room: str, file: Path, attribute: str = "") -> dict[str, Any]:
    usual, kind = OFFERS[room]
    found: dict[str, Any] = {}
    things: list[Any] = offer_of(module, attribute or usual, kind)
    for thing in things:
        if thing.name in found:
            raise UsageError(f"{mistakes.shown(str(file))}:1: {thing.name!r} is offered twice", HINT)
        found[thing.name] = thing
    return found
