"""Finds what was added as one new file: every module of a room is imported and asked for what it offers."""

from __future__ import annotations

import difflib
import importlib
import pkgutil
from collections.abc import Iterable, Mapping
from functools import cache
from types import ModuleType
from typing import Protocol, TypeVar

from harness.errors import UsageError

T = TypeVar("T")


@cache
def modules(package: str) -> tuple[ModuleType, ...]:
    """All modules of a package, by name; those that start with an underscore and ``base`` are not asked."""
    room = importlib.import_module(package)
    names = sorted(found.name for found in pkgutil.iter_modules(room.__path__))
    return tuple(
        importlib.import_module(f"{package}.{name}")
        for name in names
        if not name.startswith("_") and name != "base"
    )


class Named(Protocol):
    """Anything that a room offers."""

    @property
    def name(self) -> str: ...


N = TypeVar("N", bound=Named)


def collect(package: str, attribute: str, kind: type[N]) -> dict[str, N]:
    """Everything the modules of a room offer under ``attribute`` (a tuple), by its ``name``.


    Raises TypeError or ValueError when a module offers something else or a name is taken: our bug.
    """
    found: dict[str, N] = {}
    for module in modules(package):
        for thing in getattr(module, attribute, ()):
            if not isinstance(thing, kind):
                raise TypeError(f"{module.__name__}.{attribute} holds {thing!r}, not a {kind}")
            name = thing.name
            if name in found:
                raise ValueError(f"{module.__name__} offers {name!r} a second time")
            found[name] = thing
    return found


def nearest(word: str, known: Iterable[str]) -> list[str]:
    """The known names that look like ``word``, best first."""
    return difflib.get_close_matches(word, list(known), n=3, cutoff=0.4)


def lookup(kind: str, name: str, known: Mapping[str, T], see: str = "") -> T:
    """The thing of that name. Raises UsageError with the nearest names and how to list them (``see``)."""
    if name in known:
        return known[name]
    near = nearest(name, known)
    meant = f"did you mean {' or '.join(near)}? " if near else ""
    raise UsageError(f"no {kind} is called {name!r}", f"{meant}See: {see or f'rehearse list {kind}s'}")
