"""Mistakes in what people add: a mitigation, server, client or exposure of their own is a Python file.

Whoever wrote it is told its name and line, not that smb-rehearsal has a bug; and it costs nobody else: a file
that cannot be loaded is left out, and all others are there.
"""

from __future__ import annotations

import inspect
import sys
from pathlib import Path
from typing import TypeVar

from harness.errors import UsageError

ROOMS = ("harness.mitigations", "harness.servers", "harness.clients", "harness.exposures")
"""The packages that are extended by one more file each."""

T = TypeVar("T")


class MistakeError(UsageError):
    """A mistake in one added file: ``FILE:LINE: what``."""


def added(path: str) -> bool:
    """A file of that path is one of those that people add: a module of a room that offers things."""
    folders = [folder for room in ROOMS if room in sys.modules for folder in sys.modules[room].__path__]
    for folder in folders:
        if Path(path).is_relative_to(folder):
            first = Path(path).relative_to(folder).parts[0]
            return not first.startswith("_") and first != "base.py"
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
    return f"{at}: {type(error).__name__}: {error}".rstrip(": ") if at else ""


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
        f"and returned {made!r:.80}"
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


def shown(path: str) -> str:
    """A path as people name it: below the folder that they are in, if it is."""
    try:
        here = Path.cwd()
        return str(Path(path).relative_to(here)) if here != Path("/") else path
    except (ValueError, OSError):
        return path
