"""The files of gates: TOML that people write, read with one clear line for each mistake in it.

[[kept]]                                        [[loss]]
cells = "smb3-only:*:windows-11-*:open,write"   cells = "smb3-only:*:office-scanner"
                                                reason = "replaced in January"
[[closed]]                                      until = 2027-01-31
holes = "smb3-only:*:smb1-spoken"
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, TypeVar, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from harness.catalogue import Catalogue
from harness.errors import UsageError
from harness.gates import names
from harness.model import Tier
from harness.planning import interpret, selecting
from harness.result.gates import Entry
from harness.system import files, trust
from harness.system.registry import nearest

M = TypeVar("M", bound=BaseModel)

HINT = "See: docs/ci.md"
MOST = 1000
"""Entries of a file; each is held against every cell of a run."""
_LONGEST = 2000
"""Characters of a selector or a reason."""


def _day(value: object) -> object:
    """A date alone: neither a moment nor a number, which pydantic would take for one."""
    if isinstance(value, str):
        return date.fromisoformat(value)
    if not isinstance(value, date) or isinstance(value, datetime):
        raise ValueError(f"must be a date like 2027-01-31, not {files.brief(value)}")
    return value


_Text = Annotated[str, Field(min_length=1, max_length=_LONGEST, pattern=r"\S")]
_Table = ConfigDict(extra="forbid", frozen=True, strict=True, defer_build=True)


class _Kept(BaseModel):
    model_config = _Table
    cells: _Text
    why: str = Field("", max_length=_LONGEST)


class _Closed(BaseModel):
    model_config = _Table
    holes: _Text
    why: str = Field("", max_length=_LONGEST)


class _Loss(BaseModel):
    model_config = _Table
    cells: _Text
    reason: _Text
    until: Annotated[date, BeforeValidator(_day)]


class _Required(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)
    kept: list[_Kept] = Field([], max_length=MOST)
    closed: list[_Closed] = Field([], max_length=MOST)


class _Accepted(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)
    loss: list[_Loss] = Field([], max_length=MOST)


@dataclass(frozen=True, slots=True)
class Requirement:
    """Cells that must be kept (``entry.table`` kept), or holes that must be closed (closed)."""

    entry: Entry
    why: str


@dataclass(frozen=True, slots=True)
class Acceptance:
    """Losses that somebody has accepted, to the end of a day."""

    entry: Entry
    reason: str
    until: date


T = TypeVar("T", Requirement, Acceptance)


def requirements(catalogue: Catalogue, path: Path) -> tuple[Requirement, ...]:
    """What a file for ``--require`` asks for. Raises UsageError: which file, which entry, what is wrong."""
    made = _read(path, _Required, _Accepted, "--known")
    kept = [
        Requirement(Entry(path.name, "kept", n, one.cells), one.why) for n, one in enumerate(made.kept, 1)
    ]
    closed = [
        Requirement(Entry(path.name, "closed", n, one.holes), one.why) for n, one in enumerate(made.closed, 1)
    ]
    return tuple(_sound(catalogue, path, [*kept, *closed], "[[kept]] or [[closed]]"))


def acceptances(catalogue: Catalogue, path: Path) -> tuple[Acceptance, ...]:
    """The losses that a file for ``--known`` accepts. Raises UsageError as ``requirements``."""
    made = _read(path, _Accepted, _Required, "--require")
    found = [
        Acceptance(Entry(path.name, "loss", n, one.cells), one.reason, one.until)
        for n, one in enumerate(made.loss, 1)
    ]
    return tuple(_sound(catalogue, path, found, "[[loss]]"))


def _read(path: Path, kind: type[M], other: type[BaseModel], option: str) -> M:
    table = files.table(path, HINT)
    trust.check(path)
    if table and set(table) <= set(other.model_fields):
        raise UsageError(f"{path}: this is a file for {option}", HINT)
    try:
        return kind.model_validate(table)
    except ValidationError as error:
        raise UsageError(f"{path}: {_mistake(error, kind)}", HINT) from error


def _mistake(error: ValidationError, kind: type[BaseModel]) -> str:
    """The first mistake: the entry it is in, and what was expected. A wrong key explains what is missing."""
    found = error.errors(include_url=False, include_context=False)
    one = next((each for each in found if each["type"] == "extra_forbidden"), found[0])
    table, *inner = one["loc"] or ("",)
    place = f"[[{table}]] {int(inner[0]) + 1}: " if inner and isinstance(inner[0], int) else ""
    if one["type"] == "extra_forbidden":
        within = _entry_of(kind, str(table)) if place else kind
        near = nearest(str(one["loc"][-1]), within.model_fields)
        return f"{place}no key is called {files.brief(one['loc'][-1])}" + (
            f"; did you mean {near[0]}?" if near else f"; there are: {', '.join(within.model_fields)}"
        )
    if one["type"] == "missing":
        return f"{place}has no {one['loc'][-1]}"
    if not place:
        return f"{table}: must be written as [[{table}]], each entry with its keys below"
    return f"{place}{inner[-1]}: {one['msg'].removeprefix('Value error, ')}"


def _entry_of(kind: type[BaseModel], table: str) -> type[BaseModel]:
    """What the entries of a table are."""
    entries: tuple[type[BaseModel], ...] = get_args(kind.model_fields[table].annotation)
    return entries[0]


def _sound(catalogue: Catalogue, path: Path, entries: list[T], tables: str) -> Iterator[T]:
    """The entries, once every name in them is known. Raises UsageError, also where there is none."""
    if not entries:
        raise UsageError(f"{path}: asks for nothing", f"it needs {tables}; {HINT}")
    for one in entries:
        try:
            _HELD[one.entry.table](catalogue, one.entry.selector)
        except UsageError as error:
            place = f"{path}: [[{one.entry.table}]] {one.entry.number}"
            raise UsageError(f"{place}: {error.message}", error.hint) from error
        yield one


def _cells(catalogue: Catalogue, selector: str) -> None:
    """Raises UsageError for a selector of another shape, and for names that nothing has."""
    if len(selecting.parted(selector, ":")) == 1:
        raise UsageError(f"{selector!r} is not mitigation:server:client:check", "* and commas select")
    interpret.selector_of(catalogue, selector, Tier.LOCAL)
    names.check(catalogue, dict(zip(interpret.PARTS, selecting.patterns(selector), strict=True)))


def _holes(catalogue: Catalogue, selector: str) -> None:
    parts = ("mitigation", "server", "exposure")
    names.check(catalogue, dict(zip(parts, selecting.hole_patterns(selector), strict=True)))


_HELD: dict[str, Callable[[Catalogue, str], None]] = {"kept": _cells, "closed": _holes, "loss": _cells}
