"""Records of what a run has made in a remote libvirt: STATE/elsewhere/TAG.json, by the number in its names.

A record is written before anything is made, and locked (flock(2)) by whoever uses that: one that nobody
holds names what a process that was killed has left. Earlier versions wrote to the same folder.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from harness.errors import LabFault
from harness.system import locks
from harness.system.paths import links_dir


class OwnershipRecord(BaseModel):
    """One record."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    uri: str
    lasting: bool = False
    """For machines that stay up between commands: held by nobody."""


@contextmanager
def held(tag: str, record: OwnershipRecord) -> Iterator[None]:
    """Write a new record, and hold it while the context lasts. Raises LabFault when it cannot be written."""
    file = _file(tag)
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = file.open("x")
        locks.take(handle, wait=True)
        handle.write(record.model_dump_json())
        handle.flush()
    except OSError as error:
        raise LabFault(f"{file}: {error.strerror or error}", "make room") from error
    with handle:
        yield


def write(tag: str, record: OwnershipRecord) -> None:
    """Write a record that nobody holds. Raises LabFault when it cannot be written."""
    file = _file(tag)
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        file.write_text(record.model_dump_json())
    except OSError as error:
        raise LabFault(f"{file}: {error.strerror or error}", "make room") from error


def exists(tag: str) -> bool:
    """Whether there is a record with this tag."""
    return _file(tag).exists()


def drop(tag: str) -> None:
    """Remove a record: what it names is gone."""
    _file(tag).unlink(missing_ok=True)


def every() -> Iterator[tuple[str, OwnershipRecord]]:
    """All records by their tags; one that cannot be read was never written to its end, and is left out."""
    for file in sorted(links_dir().glob("*.json")):
        with suppress(OSError, ValidationError):
            yield file.stem, OwnershipRecord.model_validate_json(file.read_bytes())


@contextmanager
def claimed(tag: str) -> Iterator[bool]:
    """True while nobody holds a record but we."""
    with ExitStack() as ours:
        try:
            file = ours.enter_context(_file(tag).open("rb"))
        except FileNotFoundError:
            yield False
        else:
            yield locks.take(file)


def left() -> list[str]:
    """The remote libvirts in which a process that was killed has left something."""
    found = []
    for tag, record in every():
        with claimed(tag) as ours:
            if ours and not record.lasting:
                found.append(record.uri)
    return list(dict.fromkeys(found))


def _file(tag: str) -> Path:
    return links_dir() / f"{tag}.json"
