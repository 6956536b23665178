"""What a description is made of, as plain JSON: the same for the same values, in whatever process it is made.

No ``repr``, which may have the address of an object in it, and no pickle: what is hashed is what is said.
"""

from __future__ import annotations

import copyreg
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from datetime import date
from enum import Enum
from functools import cached_property
from pathlib import PurePath
from types import CellType, ModuleType
from typing import Any

from pydantic import BaseModel

Plain = None | bool | int | float | str | list[Any] | dict[str, Any]


def digest(*values: object) -> str:
    """SHA-256 of what these values are made of."""
    text = json.dumps([plain(value) for value in values], ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def plain(value: object, above: tuple[int, ...] = ()) -> Plain:
    """A value as JSON has it, with the names of classes and functions in it.

    ``above``: what it is part of, so that what leads back to itself comes to an end. Of a function its name
    and what it was made with: the code is told apart by the files that it is in.
    """
    if isinstance(value, Enum):
        return [_name(type(value)), value.name]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, bytes):
        return ["bytes", value.hex()]
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, PurePath):
        return str(value)
    if id(value) in above:
        return "..."
    inside = (*above, id(value))
    if isinstance(value, Mapping):
        # In its order, which may count: smb.conf(5) takes the last of two lines.
        return [[plain(key, inside), plain(one, inside)] for key, one in value.items()]
    if isinstance(value, set | frozenset):
        return sorted((plain(one, inside) for one in value), key=lambda one: json.dumps(one))
    if isinstance(value, list | tuple):
        return [plain(one, inside) for one in value]
    if isinstance(value, type):
        return _name(value)
    return {"": _name(type(value)), **{name: plain(one, inside) for name, one in _parts(value)}}


def _parts(value: object) -> list[tuple[str, object]]:
    """What an object is made of, by name."""
    if callable(value) and hasattr(value, "__qualname__"):
        return [("function", f"{value.__module__}.{value.__qualname__}"), *_made_with(value)]
    if is_dataclass(value):
        return [(one.name, getattr(value, one.name)) for one in fields(value)]
    if isinstance(value, BaseModel):
        return [(name, getattr(value, name)) for name in type(value).model_fields]
    found = dict(getattr(value, "__dict__", {}))
    for kind in type(value).__mro__:
        # Whether somebody asked for it before must not count.
        for name, one in kind.__dict__.items():
            if isinstance(one, cached_property):
                found.pop(name, None)
        slots = kind.__dict__.get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            if hasattr(value, name) and not name.startswith("__"):
                found.setdefault(name, getattr(value, name))
    if not found:
        # Made in C, as functools.partial, a regular expression and a time are: what it can be made again of.
        again = copyreg.dispatch_table.get(type(value))
        if again or type(value).__reduce__ is not object.__reduce__:
            return [("made of", again(value) if again else value.__reduce__())]
    return sorted(found.items())


def _made_with(function: object) -> Iterator[tuple[str, object]]:
    """What a function has of its own besides its code: what it was defined among, or belongs to."""
    if not isinstance(of := getattr(function, "__self__", None), ModuleType | None):
        yield "self", of
    function = getattr(function, "__func__", function)
    for name in ("__defaults__", "__kwdefaults__"):
        if own := getattr(function, name, None):
            yield name, own
    if cells := getattr(function, "__closure__", None):
        yield "closure", [cell.cell_contents for cell in cells if cell != CellType()]


def _name(kind: type) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"
