"""What goes over the network, as JSON: a group of cells to be measured, and what it came to.

Read at the other end as anybody's text is: by pydantic, with limits, and no path in it leads out of the
folder that it is for.
"""

from __future__ import annotations

import base64
import os
import stat
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Annotated

from pydantic import BeforeValidator, PlainSerializer, TypeAdapter, ValidationError

from harness.errors import LabFault
from harness.planning.plan import Plan
from harness.record.evidence import Wanted
from harness.system import files

MOST = 2**26
"""Bytes of one file, and of all the evidence of one group, that come back: 64 MiB. The evidence of a whole
run of 100 servers has 20 MB."""
MOST_JOURNAL = 2**28
"""Bytes of the journal lines of one group."""


def _packed(data: bytes) -> str:
    return base64.b64encode(zlib.compress(data, 6)).decode("ascii")


def _unpacked(value: object) -> object:
    """Raises ValueError for what is not packed bytes, or more of them than a group may have."""
    if not isinstance(value, str):
        return value
    unpacker = zlib.decompressobj()
    try:
        data = unpacker.decompress(base64.b64decode(value, validate=True), MOST_JOURNAL)
    except (zlib.error, ValueError) as error:
        raise ValueError(f"cannot be unpacked: {error}") from error
    if unpacker.unconsumed_tail or not unpacker.eof:
        raise ValueError("is cut off, or has too much in it")
    return data


Packed = Annotated[bytes, BeforeValidator(_unpacked), PlainSerializer(_packed)]
"""Bytes that are compressed on their way."""


@dataclass(frozen=True)
class Order:
    """A group of cells to be measured."""

    group: str
    """Of the run, and which of its groups; in names of files, too."""
    number: int
    """Of the group in its run, from 1: decides the address and the name of its server."""
    plan: Plan
    evidence: Wanted
    kept: Mapping[str, Packed] = field(default_factory=dict)
    """What is not built in, by its name in a run folder: personas, servers, and other files of the user's."""


@dataclass(frozen=True)
class Outcome:
    """What a group came to."""

    group: str
    worker: str
    fault: str = ""
    """Why it was not measured; "" where it was."""
    journal: Packed = b""
    """Lines of a journal (``record.journal``)."""
    files: Mapping[str, Packed] = field(default_factory=dict)
    """Evidence, by its name below the run folder."""
    left_out: tuple[str, ...] = ()
    """Of the evidence, with the reason."""
    took: Packed = b""
    """How long its jobs took, as lines of a file of these (``record.took``)."""


_ORDERS: TypeAdapter[Order] = TypeAdapter(Order)
_OUTCOMES: TypeAdapter[Outcome] = TypeAdapter(Outcome)


def order_text(order: Order) -> str:
    """An order as it goes over the network."""
    return _ORDERS.dump_json(order).decode()


def order_of(text: str) -> Order:
    """Raises LabFault for what is no order."""
    try:
        return _ORDERS.validate_json(text)
    except ValidationError as error:
        raise LabFault(f"the order cannot be read: {files.first_mistake(error)}") from error


def outcome_text(outcome: Outcome) -> str:
    """An outcome as it goes over the network."""
    return _OUTCOMES.dump_json(outcome).decode()


def outcome_of(text: object) -> Outcome:
    """Raises LabFault for what is none, or has files that do not belong into a run folder."""
    try:
        outcome = _OUTCOMES.validate_json(text if isinstance(text, str) else "")
    except ValidationError as error:
        raise LabFault(f"what a worker sent cannot be read: {files.first_mistake(error)}") from error
    check(outcome.files, ("evidence",))
    return outcome


def check(names: Mapping[str, bytes], homes: tuple[str, ...]) -> None:
    """Raises LabFault for a name that leads elsewhere than below one of these folders."""
    for name in names:
        path = PurePosixPath(name)
        if path.parts[:1] not in [(home,) for home in homes] or ".." in path.parts or "\0" in name:
            raise LabFault(f"a file called {name!r} does not belong into a run folder")


def write(folder: Path, contents: Mapping[str, bytes]) -> None:
    """Put files below a folder. Raises OSError."""
    for name, data in contents.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def below(folder: Path, place: str, room: int = MOST) -> tuple[dict[str, bytes], list[str]]:
    """The regular files below ``place`` in a folder, by name, and what was left out and why."""
    found: dict[str, bytes] = {}
    left: list[str] = []
    for name, path in _regular(folder, place):
        size = path.lstat().st_size
        if size > room:
            left.append(f"{name}: {size} bytes would be more than the evidence of a group may have")
            continue
        room -= size
        found[name] = path.read_bytes()
    return found, left


def _regular(folder: Path, place: str) -> Iterator[tuple[str, Path]]:
    for above, _, names in sorted(os.walk(folder / place)):
        for name in sorted(names):
            path = Path(above, name)
            if stat.S_ISREG(path.lstat().st_mode):
                yield path.relative_to(folder).as_posix(), path
