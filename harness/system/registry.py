"""Finds what was added as one new file: every module of a room is imported and asked for what it offers."""

from __future__ import annotations

import ast
import difflib
import importlib
import importlib.util
import inspect
import pkgutil
import re
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Protocol, TypeVar

from harness.errors import UsageError
from harness.system import files, trust
from harness.system.mistakes import CONTRACTS, blame, lacking, shown, unfit

T = TypeVar("T")


@cache
def modules(package: str) -> tuple[ModuleType, ...]:
    """All modules of a package, by name; those that start with an underscore and ``CONTRACTS`` are not asked.

    One that cannot be loaded is left out, see ``left_out``.
    """
    room = importlib.import_module(package)
    _left_out[package] = {}
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
            _left_out[package][name] = str(error)
        except (Exception, SystemExit) as error:
            _left_out[package][name] = blame(error) or f"{shown(file)}:1: {files.why(error)}"
    return tuple(loaded)


_left_out: dict[str, dict[str, str]] = {}
"""Package -> module -> why."""
_beside: dict[str, dict[str, str]] = {}
"""The same of what is no module of the package: files of a project, and of other packages."""


def left_out(package: str = "") -> dict[str, str]:
    """What of a room, or of all rooms that were asked, cannot be used: module -> ``FILE:LINE: why``."""
    rooms = [
        room
        for known in (_left_out, _beside)
        for room in ([known.get(package, {})] if package else known.values())
    ]
    return {name: why for room in rooms for name, why in room.items()}


def leave_out(package: str, name: str, why: str) -> None:
    """Remember what cannot be used beside the modules of a room: a file of a project, another package."""
    _beside.setdefault(package, {})[name] = why


def let_in(package: str, name: str) -> None:
    """What could not be used can be now."""
    _beside.get(package, {}).pop(name, None)


class Named(Protocol):
    """Anything that a room offers."""

    @property
    def name(self) -> str: ...


N = TypeVar("N", bound=Named)


def collect(package: str, attribute: str, kind: type[N]) -> dict[str, N]:
    """Everything the modules of a room offer under ``attribute`` (a tuple), by its ``name``.

    A module that offers something else is left out; so is a name that two offer: nobody could tell which of
    them is meant. See ``left_out``.
    """
    found: dict[str, N] = {}
    homes: dict[str, str] = {}
    twice: set[str] = set()
    for module in modules(package):
        file, short = shown(module.__file__ or ""), module.__name__.rpartition(".")[2]
        try:
            things = _offered(module, attribute, kind)
        except _WrongOfferError as error:
            _left_out[package][short] = f"{file}:{_line_of(module, attribute)}: {error}"
            continue
        except Exception as error:
            # An attribute may be a property of somebody's own.
            at = blame(error) or f"{file}:{_line_of(module, attribute)}: {files.why(error)}"
            _left_out[package][short] = at
            continue
        for thing in things:
            name = thing.name
            if name in homes:
                twice.add(name)
                line = _line_of(module, attribute)
                _left_out[package][short] = f"{file}:{line}: {name!r} is offered by {homes[name]} too"
                continue
            found[name], homes[name] = thing, file
    return {name: thing for name, thing in found.items() if name not in twice}


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

    Where none does, the shortest that hold it: xp is windows-xp.
    """
    names = {name.casefold(): name for name in known}
    wanted = word.casefold()
    if wanted in names:
        return [names[wanted]]
    alike = difflib.get_close_matches(wanted, names, n=3, cutoff=0.4)
    held = sorted((name for name in names if len(wanted) > 1 and wanted in name), key=len)
    return [names[name] for name in alike or held[:3]]


def lookup(kind: str, name: str, known: Mapping[str, T], see: str = "") -> T:
    """The thing of that name. Raises UsageError with the nearest names and how to list them (``see``)."""
    if name in known:
        return known[name]
    near = nearest(name, known)
    meant = f"did you mean {' or '.join(near)}? " if near else ""
    if gone := left_out(f"harness.{kind}s"):
        meant = f"left out, for it cannot be used: {'; '.join(gone.values())}. {meant}"
    raise UsageError(f"no {kind} is called {name!r}", f"{meant}See: {see or f'rehearse list {kind}s'}")
