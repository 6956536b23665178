"""Finds what was added as one new file: every module of a room is imported and asked for what it offers."""

from __future__ import annotations

import ast
import difflib
import importlib
import importlib.util
import inspect
import pkgutil
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType, ModuleType
from typing import NamedTuple, Protocol, TypeVar

from harness.errors import UsageError
from harness.system import files, trust
from harness.system.mistakes import CONTRACTS, blame, lacking, shown, unfit

T = TypeVar("T")


class Found(Mapping[str, T]):
    """Things by name, and what of their kind cannot be used. Never changed."""

    def __init__(self, things: Mapping[str, T], left_out: Mapping[str, str]) -> None:
        """``left_out``: module or file -> ``FILE:LINE: why``."""
        self._things = dict(things)
        self.left_out: Mapping[str, str] = MappingProxyType(dict(left_out))

    def __getitem__(self, name: str) -> T:
        return self._things[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._things)

    def __len__(self) -> int:
        return len(self._things)


class Awaited(Found[T]):
    """Things that are looked for when somebody first asks: to ask all modules of a room takes its time."""

    def __init__(self, make: Callable[[], Mapping[str, T]]) -> None:
        """``make`` is called once at most."""
        self._make = make

    def __getattr__(self, name: str) -> object:
        # Only of what is not there yet: Python asks nothing else.
        if name not in ("_things", "left_out"):
            raise AttributeError(name)
        made = self._make()
        self._things, self.left_out = dict(made), left_out(made)
        return self.__dict__[name]

    @property
    def asked(self) -> bool:
        """Whether somebody did."""
        return "_things" in self.__dict__


def left_out(things: Mapping[str, object]) -> Mapping[str, str]:
    """What of the kind of these things cannot be used: module or file -> ``FILE:LINE: why``."""
    return things.left_out if isinstance(things, Found) else {}


class Loaded(NamedTuple):
    """The modules of a package, and those that cannot be loaded: name -> ``FILE:LINE: why``."""

    modules: tuple[ModuleType, ...]
    left_out: Mapping[str, str]


@cache
def modules(package: str) -> Loaded:
    """All modules of a package, by name, without those that start with an underscore and ``CONTRACTS``."""
    room = importlib.import_module(package)
    gone: dict[str, str] = {}
    loaded, sound = [], set[Path]()
    for name in sorted(found.name for found in pkgutil.iter_modules(room.__path__)):
        if name.startswith("_") or name in CONTRACTS:
            continue
        spec = importlib.util.find_spec(f"{package}.{name}")
        file = spec.origin if spec and spec.origin else name
        try:
            files.check(Path(file))
            trust.check(Path(file), sound)
            loaded.append(importlib.import_module(f"{package}.{name}"))
        except UsageError as error:
            gone[name] = str(error)
        except (Exception, SystemExit) as error:
            gone[name] = blame(error) or f"{shown(file)}:1: {files.why(error)}"
    return Loaded(tuple(loaded), gone)


class Named(Protocol):
    """Anything that a room offers."""

    @property
    def name(self) -> str: ...


N = TypeVar("N", bound=Named)


def collect(package: str, attribute: str, kind: type[N]) -> Found[N]:
    """Everything the modules of a room offer under ``attribute`` (a tuple), by its ``name``.

    A module that cannot be loaded, or offers something else, is left out, which the answer says; so is a name
    that two offer: nobody could tell which of them is meant.
    """
    found: dict[str, N] = {}
    homes: dict[str, str] = {}
    twice: set[str] = set()
    loaded = modules(package)
    gone = dict(loaded.left_out)
    for module in loaded.modules:
        file, short = shown(module.__file__ or ""), module.__name__.rpartition(".")[2]
        try:
            things = _offered(module, attribute, kind)
        except _WrongOfferError as error:
            gone[short] = f"{file}:{_line_of(module, attribute)}: {error}"
            continue
        except Exception as error:
            # An attribute may be a property of somebody's own.
            at = blame(error) or f"{file}:{_line_of(module, attribute)}: {files.why(error)}"
            gone[short] = at
            continue
        for thing in things:
            name = thing.name
            if name in homes:
                twice.add(name)
                line = _line_of(module, attribute)
                gone[short] = f"{file}:{line}: {name!r} is offered by {homes[name]} too"
                continue
            found[name], homes[name] = thing, file
    return Found({name: thing for name, thing in found.items() if name not in twice}, gone)


def offer_of(module: ModuleType, attribute: str, kind: type[N]) -> list[N]:
    """What a module outside of our rooms offers. Raises UsageError with what ``collect`` says of ours."""
    at = f"{shown(module.__file__ or '')}:{_line_of(module, attribute)}"
    try:
        return _offered(module, attribute, kind)
    except _WrongOfferError as error:
        raise UsageError(f"{at}: {error}") from error
    except Exception as error:
        raise UsageError(blame(error) or f"{at}: {files.why(error)}") from error


class _WrongOfferError(Exception):
    """What a module offers is not what its room takes; the text says why."""


def _offered(module: ModuleType, attribute: str, kind: type[N]) -> list[N]:
    """Raises _WrongOfferError for what is not a tuple of complete things."""
    things = getattr(module, attribute, ())
    if not isinstance(things, tuple | list):
        raise _WrongOfferError(f"{attribute} must be a tuple, not {files.brief(things)}")
    for thing in things:
        if not isinstance(thing, kind):
            raise _WrongOfferError(f"{attribute} holds {files.brief(thing)}, which is no {kind.__name__}")
        if missing := lacking(thing, kind):
            raise _WrongOfferError(f"{type(thing).__name__} has no {missing}")
        if wrong := unfit(thing, kind):
            raise _WrongOfferError(f"{type(thing).__name__}.{wrong}")
        if not _NAME.fullmatch(thing.name):
            raise _WrongOfferError(
                f"{type(thing).__name__}.name must be a name of letters, digits, dots and hyphens, "
                f"not {files.brief(thing.name)}"
            )
    return list(things)


_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
"""Of things that are selected by name: ``: + , *`` part and select names."""


def _line_of(module: ModuleType, attribute: str) -> int:
    """Where a module assigns that; 1 when it cannot be told."""
    try:
        tree = ast.parse(inspect.getsource(module))
    except (OSError, SyntaxError):
        return 1
    lines = [
        node.lineno
        for node in tree.body
        for name in ast.walk(node)
        if isinstance(name, ast.Name) and name.id == attribute and isinstance(name.ctx, ast.Store)
    ]
    return min(lines, default=1)


def nearest(word: str, known: Iterable[str]) -> list[str]:
    """The known names that look like ``word``, best first: three at most.

    First those that begin with it (article-2), then those that hold all its parts (smb1-off is
    smb1-server-off), else those that are spelt like it. Where none is, the shortest that hold it: xp.
    """
    names = {name.casefold(): name for name in known}
    wanted = word.casefold()
    if wanted in names:
        return [names[wanted]]
    pieces = [piece for piece in re.split(r"[^a-z0-9]+", wanted) if piece]
    long = len("".join(pieces)) > 2
    begin = [name for name in names if long and name.startswith(wanted)]
    whole = [name for name in names if long and set(pieces) <= set(re.split(r"[^a-z0-9]+", name))]
    alike = difflib.get_close_matches(wanted, names, n=3, cutoff=0.4)
    held = [name for name in names if len(wanted) > 1 and wanted in name]
    found = next(
        (sorted(those, key=len) for those in (begin, whole) if those), alike or sorted(held, key=len)
    )
    return [names[name] for name in found[:3]]


def lookup(kind: str, name: str, known: Mapping[str, T], see: str = "") -> T:
    """The thing of that name. Raises UsageError with the nearest names and how to list them (``see``).

    Of a catalogue's things also with those of the kind that cannot be used: one of them may be meant.
    """
    if name in known:
        return known[name]
    near = nearest(name, known)
    meant = f"did you mean {' or '.join(near)}? " if near else ""
    if gone := left_out(known):
        meant = f"left out, for it cannot be used: {'; '.join(gone.values())}. {meant}"
    raise UsageError(f"no {kind} is called {name!r}", f"{meant}See: {see or f'rehearse list {kind}s'}")
