"""TOML files that people write, read into their shape: every mistake is one line, ``FILE:LINE: what``."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.fields import FieldInfo

from harness.errors import UsageError
from harness.system import files
from harness.system.registry import nearest

M = TypeVar("M", bound=BaseModel)
Place = tuple[str | int, ...]
"""Where something stands in a document: the keys and numbers that lead to it."""

_MOST_LINES = 400
"""Lines of a file in which a mistake is still looked for; each beginning of it is read once."""
_AT = re.compile(r"^(?P<what>.*) \(at (?:line (?P<line>\d+), column \d+|end of document)\)$", re.DOTALL)


class Table(BaseModel):
    """A table as people write it: hyphens in the names of its keys, and no key that is not known."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,
        defer_build=True,
        alias_generator=lambda name: name.replace("_", "-"),
    )


def load(path: Path, shape: type[M], hint: str) -> M:
    """The document of a file. Raises UsageError, ``FILE:LINE: what`` where the line can be had."""
    text = files.text(path, hint)
    try:
        document = files.table(path, hint)
    except UsageError as error:
        what = error.message.removeprefix(f"{path}: ")
        if found := _AT.match(what):
            line = int(found["line"] or max(text.count("\n"), 1))
            raise UsageError(f"{path}:{line}: {found['what']}", hint) from error
        raise
    try:
        return shape.model_validate(document)
    except ValidationError as error:
        place, what = _first(error, shape)
        raise mistake(path, text, place, what, hint) from error


def mistake(path: Path, text: str, place: Place, what: str, hint: str) -> UsageError:
    """That what stands at a place of a file's text is wrong, with its line."""
    line = line_of(text, place)
    return UsageError(f"{path}:{line}: {what}" if line else f"{path}: {what}", hint)


def _first(error: ValidationError, shape: type[BaseModel]) -> tuple[Place, str]:
    """Where the first mistake is, and what it is, for whoever wrote the file."""
    every = error.errors(include_url=False, include_context=False)
    # A key that is missing is mostly one that is misspelt.
    one = next((other for other in every if other["type"] == "extra_forbidden"), every[0])
    place, said = one["loc"], one["msg"].removeprefix("Value error, ")
    name = ".".join(map(str, place))
    if one["type"] == "extra_forbidden":
        near = nearest(str(place[-1]), _keys(shape, place[:-1]))
        return place, f"no key is called {name!r}" + (f", did you mean {near[0]!r}?" if near else "")
    if one["type"] == "missing":
        return place, f"{name} is missing"
    if one["type"] in ("literal_error", "enum"):
        said = said.replace("Input should be", "must be") + f", not {files.brief(one['input'])}"
    elif one["type"].endswith("_type"):
        said = f"must be {_WORDS.get(one['type'], 'something else')}, not {files.brief(one['input'])}"
    return place, f"{name}: {said}" if name else said


_WORDS = {
    "string_type": "text",
    "bool_type": "true or false",
    "int_type": "a whole number",
    "list_type": "a list",
    "tuple_type": "a list",
    "dict_type": "a table",
    "model_type": "a table",
}


def _keys(shape: type[BaseModel], place: Place) -> list[str]:
    """The keys that a table at a place may have; none where that cannot be told."""
    found: Any = shape
    for step in place:
        found = _into(found, step)
    return [field.alias or name for name, field in _fields(found).items()]


def _fields(hint: Any) -> dict[str, FieldInfo]:
    return hint.model_fields if isinstance(hint, type) and issubclass(hint, BaseModel) else {}


def _into(hint: Any, step: str | int) -> Any:
    """The type of what a table or list of a type holds under a key or number; None where it holds no such."""
    for name, field in _fields(hint).items():
        if step == (field.alias or name):
            return _plain(field.annotation)
    return _plain(get_args(hint)[-1]) if get_origin(hint) in (dict, list) else None


def _plain(hint: Any) -> Any:
    """A type without what is said of it besides, and without None."""
    if get_origin(hint) is Annotated:
        return _plain(get_args(hint)[0])
    if get_origin(hint) in (Union, UnionType):
        return _plain(next(one for one in get_args(hint) if one is not NoneType))
    return hint


def line_of(text: str, place: Sequence[str | int]) -> int:
    """The line of a TOML text at which something begins, or the table that ought to have it; 0 if unknown.

    Asked of tomllib itself: it is the line behind the longest beginning that does not hold it yet.
    """
    lines = text.splitlines(keepends=True)
    if len(lines) > _MOST_LINES:
        return 0
    for depth in range(len(place), 0, -1):
        last = 0
        for number in range(len(lines) + 1):
            try:
                document = tomllib.loads("".join(lines[:number]))
            except ValueError:
                continue
            if _holds(document, place[:depth]):
                return last + 1
            last = number
    return 1


def _holds(document: object, place: Sequence[str | int]) -> bool:
    for step in place:
        if isinstance(document, list):
            document = dict(enumerate(document))
        if not isinstance(document, dict) or step not in document:
            return False
        document = document[step]
    return True
