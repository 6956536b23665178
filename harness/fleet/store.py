"""The stored fleet: one JSON file with what sources said of each machine, and which files that was.

It is replaced as a whole, so that a kill -9 at any time leaves the old one or the new one. Only its owner may
read it: addresses and names say where people work. Users are in no record.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from harness.errors import LabFault, UsageError
from harness.fleet.privacy import hasher
from harness.fleet.records import Record, together
from harness.fleet.sighting import Logon, Role
from harness.model import Dialect
from harness.system import files, locks

FORMAT: Final = 1
KIND: Final = "smb-rehearsal fleet"
MOST: Final = 2**30
"""Bytes of a stored fleet; one of half a million machines has 200 MB."""
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_SEE: Final = "See: rehearse fleet --help"

_Text = Annotated[str, Field(max_length=1000)]


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class FileOf(_Shape):
    """A file that was read into the fleet."""

    id: _Text
    """The beginning of the SHA-256 of its bytes: the same file again counts once."""
    place: _Text
    """A hash of where it lay: what a list says takes the place of what it said before."""
    name: _Text
    """Its name without its folder."""
    kind: _Text
    """The importer that read it."""
    imported: datetime
    lines: int
    sightings: int
    machines: int


class _Stored(_Shape):
    address: _Text = ""
    name: _Text = ""
    line: _Text = ""
    dialects: dict[Dialect, datetime | None] = Field(default_factory=dict)
    smb2: bool = False
    unknown_dialects: list[_Text] = Field(default_factory=list)
    offered: list[Dialect] = Field(default_factory=list)
    held_at: list[Dialect] = Field(default_factory=list)
    smb1_refused: bool = False
    logons: dict[Logon, datetime | None] = Field(default_factory=dict)
    signed: list[bool] = Field(default_factory=list)
    cannot_sign: bool = False
    encrypted: list[bool] = Field(default_factory=list)
    cannot_encrypt: bool = False
    wrong_spn: bool = False
    serves: list[Dialect] = Field(default_factory=list)
    said: list[_Text] = Field(default_factory=list)
    named: dict[_Text, _Text] = Field(default_factory=dict)
    roles: list[Role] = Field(default_factory=list)
    first_seen: datetime | None = None
    last_seen: datetime | None = None
    sources: dict[_Text, int] = Field(default_factory=dict)
    count: int = 1

    def record(self) -> Record:
        """As the room works with it."""
        sets = ("unknown_dialects", "held_at", "signed", "encrypted", "serves", "said", "roles")
        values = {name: getattr(self, name) for name in type(self).model_fields}
        changed = {name: set(values[name]) for name in sets}
        return Record(**{**values, **changed, "offered": tuple(self.offered)})


class _Document(_Shape):
    kind: Literal["smb-rehearsal fleet"]
    format: Literal[1]
    hashed: bool
    files: list[FileOf]
    records: list[_Stored]


@dataclass(slots=True)
class Stored:
    """A stored fleet, read."""

    name: str
    hashed: bool = False
    """Addresses and names are hashes; so they stay."""
    files: list[FileOf] = field(default_factory=list)
    records: list[Record] = field(default_factory=list)

    def take(self, file: FileOf, records: Iterable[Record]) -> None:
        """What one more file says. A list replaces what the list at the same place said before."""
        kept = (one for one in self.records if not one.line.startswith(f"{file.place}:"))
        self.records = together([*kept, *records])
        self.files.append(file)

    def source(self, number: str) -> str:
        """The name of a file by its number in records."""
        return next((one.name for one in self.files if one.id == number), number)


def checked(name: str) -> str:
    """A name that a stored fleet may have. Raises UsageError for another."""
    if not _NAME.fullmatch(name):
        raise UsageError(f"{name!r} is no name of a fleet", "letters, digits, dots, hyphens; e.g. office")
    return name


def load(file: Path) -> Stored:
    """A stored fleet; an empty one where there is none. Raises UsageError for a file that is none."""
    try:
        data = files.read(file, most=MOST) if file.exists() else b""
        if not data:
            return Stored(file.stem)
        found = _Document.model_validate_json(data)
    except ValidationError as error:
        raise UsageError(f"{file}: is no stored fleet: {files.first_mistake(error)}", _SEE) from error
    return Stored(file.stem, found.hashed, list(found.files), [one.record() for one in found.records])


def is_stored(file: Path) -> bool:
    """Whether a file is a stored fleet, by its beginning."""
    try:
        files.check(file)
        with file.open("rb") as opened:
            return KIND.encode() in opened.read(200)
    except (OSError, UsageError):
        return False


@contextmanager
def updating(file: Path, *, hashed: bool = False) -> Iterator[Stored]:
    """A stored fleet that is written when all went well; nobody else changes it meanwhile.

    ``hashed``: addresses and names are hidden in it from now on, those that are there too. Raises UsageError
    as ``load``, LabFault where it cannot be written.
    """
    with ExitStack() as held:
        with _explained(file):
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            locks.take(held.enter_context(file.with_suffix(".lock").open("a")), wait=True)
            stored = load(file)
        # Before anything is read: what cannot be hidden later need not be.
        hiding = hasher(file.with_suffix(".key"), new=not stored.hashed) if stored.hashed or hashed else None
        stored.hashed |= hashed
        # What goes wrong while it is used is no matter of this file.
        yield stored
        if hiding is not None:
            for record in stored.records:
                hiding.hide(record)
            stored.records = together(stored.records)
        with _explained(file):
            _write(file, stored)


@contextmanager
def _explained(file: Path) -> Iterator[None]:
    """Raises LabFault for what the disk refuses."""
    try:
        yield
    except OSError as error:
        raise LabFault(
            f"{file}: cannot be written: {error.strerror or error}", "make room, or look who owns it"
        ) from error


def _write(file: Path, stored: Stored) -> None:
    part = file.with_suffix(".part")
    made = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(made, "w", encoding="utf-8") as out:
        head = {"kind": KIND, "format": FORMAT, "hashed": stored.hashed}
        files_ = [one.model_dump(mode="json") for one in stored.files]
        out.write(f'{json.dumps(head)[:-1]}, "files": {json.dumps(files_)},\n"records": [')
        for number, record in enumerate(sorted(stored.records, key=lambda one: one.key)):
            out.write(",\n" if number else "\n")
            out.write(json.dumps(_plain(record)))
        out.write("\n]}\n")
        out.flush()
        os.fsync(out.fileno())
    part.replace(file)
    folder = os.open(file.parent, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _plain(record: Record) -> dict[str, Any]:
    """A record as JSON, without what it does not know."""
    found: dict[str, Any] = {}
    for name, usual in _USUAL.items():
        value = getattr(record, name)
        if isinstance(value, set):
            value = sorted(value)
        if value and value != usual:
            found[name] = _json(value)
    return found


_USUAL: Final = {name: getattr(_Stored(), name) for name in _Stored.model_fields}
"""What a record says that says nothing."""


def _json(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, dict):
        return {str(key): _json(inner) for key, inner in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return list(map(_json, value))
    return value
