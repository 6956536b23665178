"""Mistakes in what people add: a mitigation, server, client or exposure of their own is a Python file.

Whoever wrote it is told its name and line, not that smb-rehearsal has a bug; and it costs nobody else: a file
that cannot be loaded is left out, and all others are there.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Mapping
from dataclasses import is_dataclass
from functools import cache
from pathlib import Path
from types import UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from harness.errors import UsageError
from harness.system import files

ROOMS = ("harness.mitigations", "harness.servers", "harness.clients", "harness.exposures")
"""The packages that are extended by one more file each."""

CONTRACTS = (
    "allowed",
    "base",
    "brought",
    "lists",
    "roles",
    "combination",
    "described",
    "described_file",
    "description",
    "in_domain",
    "inline",
    "ksmbd_conf",
    "left_out",
    "live",
    "parameters",
    "persona_file",
    "persona_words",
    "platform",
    "tries",
    "ways",
)
"""Modules of these packages that offer nothing: what is promised there, and what other rooms use."""

T = TypeVar("T")


class MistakeError(UsageError):
    """A mistake in one added file: ``FILE:LINE: what``."""


_beside: set[str] = set()


def also_added(file: Path) -> None:
    """A file outside of our rooms is loaded as one of those that people add."""
    _beside.add(str(file))


def added(path: str) -> bool:
    """A file of that path is one of those that people add: a module of a room that offers things."""
    if path in _beside:
        return True
    folders = [folder for room in ROOMS if room in sys.modules for folder in sys.modules[room].__path__]
    for folder in folders:
        if Path(path).is_relative_to(folder):
            first = Path(path).relative_to(folder).parts[0]
            return not first.startswith("_") and first.removesuffix(".py") not in CONTRACTS
    return False


def blame(error: BaseException) -> str:
    """``FILE:LINE: what`` of the added file that an exception comes from; "" when it comes from none.

    That file may have called something of ours in a wrong way: it is its own line that is told.
    """
    if isinstance(error, MistakeError):
        return error.message
    if isinstance(error, SyntaxError) and error.filename and added(error.filename):
        return f"{shown(error.filename)}:{error.lineno or 1}: {type(error).__name__}: {error.msg}"
    at = place(error)
    return f"{at}: {files.why(error)}" if at else ""


def place(error: BaseException) -> str:
    """``FILE:LINE`` of the added file that an exception went through last; "" when it went through none."""
    found = ""
    trace = error.__traceback__
    while trace is not None:
        if added(trace.tb_frame.f_code.co_filename):
            found = f"{shown(trace.tb_frame.f_code.co_filename)}:{trace.tb_lineno}"
        trace = trace.tb_next
    return found


def answered(made: object, kind: type[T], by: object, method: str) -> T:
    """What a method of an added thing answered. Raises MistakeError unless it is a ``kind``."""
    if isinstance(made, kind):
        return made
    code = inspect.unwrap(getattr(type(by), method)).__code__
    raise MistakeError(
        f"{shown(code.co_filename)}:{code.co_firstlineno}: {method} must return a {kind.__name__}, "
        f"and returned {files.brief(made)}"
    )


def unwritten(by: object, method: str, why: str) -> MistakeError:
    """That an added thing has not a method which it needs, and why it does."""
    cls = type(by)
    try:
        file, line = inspect.getsourcefile(cls) or "", inspect.getsourcelines(cls)[1]
    except OSError:
        file, line = sys.modules[cls.__module__].__file__ or "", 1
    return MistakeError(f"{shown(file)}:{line}: {cls.__name__} has no {method}: {why}")


def lacking(thing: object, kind: type) -> str:
    """The attributes that every ``kind`` must have and this one has not, e.g. "title, expectation"; or ""."""
    declared = dict.fromkeys(name for one in kind.__mro__ for name in vars(one).get("__annotations__", {}))
    return ", ".join(name for name in declared if not hasattr(thing, name))


def unfit(thing: object, kind: type) -> str:
    """Which attribute of a ``kind`` has another type than it must have: "title must be str, not 5"; or ""."""
    for name, hint in _hints(kind).items():
        value = getattr(thing, name)
        if not _fits(value, hint):
            wanted = hint.__name__ if isinstance(hint, type) and not get_args(hint) else str(hint)
            return f"{name} must be {_MODULES.sub('', wanted)}, not {files.brief(value)}"
    return ""


_MODULES = re.compile(r"\b[a-z_]+(?:\.[a-z_]+)*\.(?=[A-Z])")


@cache
def _hints(kind: type) -> Mapping[str, Any]:
    return get_type_hints(kind)


def _fits(value: object, hint: Any) -> bool:
    """Whether a value is of the type that is declared for it, and all that it holds too."""
    if hint is str:
        return isinstance(value, str)
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return any(_fits(value, one) for one in inner)
    if origin in (tuple, frozenset, list):
        return isinstance(value, origin) and all(_fits(one, inner[0]) for one in value)
    if origin is Mapping:
        return isinstance(value, Mapping) and all(
            _fits(key, inner[0]) and _fits(one, inner[1]) for key, one in value.items()
        )
    if origin is not None or not isinstance(hint, type):
        return True
    if not isinstance(value, hint):
        return False
    nested = _hints(hint) if is_dataclass(hint) else {}
    return all(_fits(getattr(value, name), one) for name, one in nested.items())


def shown(path: str) -> str:
    """A path as people name it: below the folder that they are in, if it is."""
    try:
        here = Path.cwd()
        return str(Path(path).relative_to(here)) if here != Path("/") else path
    except (ValueError, OSError):
        return path
