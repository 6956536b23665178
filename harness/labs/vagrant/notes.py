"""Notes on what the lab has made in other libvirts, by the number in its names: STATE/elsewhere/TAG.json.

A note is written before anything is made, and held (flock(2)) by whoever uses that: one that nobody holds
tells of what somebody left who was killed.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from harness.errors import LabFault
from harness.system import locks
from harness.system.paths import links_dir


class Note(BaseModel):
    """One of them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    uri: str
    lasting: bool = False
    """For machines that stay up between commands: held by nobody."""


@contextmanager
def held(tag: str, note: Note) -> Iterator[None]:
    """Write a new note, and hold it while the context lasts. Raises LabFault when it cannot be written."""
    file = _file(tag)
    try:
        handle = file.open("x")
        locks.take(handle, wait=True)
        handle.write(note.model_dump_json())
        handle.flush()
    except OSError as error:
        raise LabFault(f"{file}: {error.strerror or error}", "make room") from error
    with handle:
        yield


def write(tag: str, note: Note) -> None:
    """Write a note that nobody holds. Raises LabFault when it cannot be written."""
    try:
        _file(tag).write_text(note.model_dump_json())
    except OSError as error:
        raise LabFault(f"{_file(tag)}: {error.strerror or error}", "make room") from error


def exists(tag: str) -> bool:
    """Whether there is a note with this tag."""
    return _file(tag).exists()


def drop(tag: str) -> None:
    """Remove a note: what it tells of is gone."""
    _file(tag).unlink(missing_ok=True)


def every() -> Iterator[tuple[str, Note]]:
    """All notes by their tags; one that cannot be read was never written to its end, and tells of nothing."""
    for file in sorted(links_dir().glob("*.json")):
        with suppress(OSError, ValidationError):
            yield file.stem, Note.model_validate_json(file.read_bytes())


@contextmanager
def claimed(tag: str) -> Iterator[bool]:
    """True while nobody holds a note but we."""
    with ExitStack() as ours:
        try:
            file = ours.enter_context(_file(tag).open("rb"))
        except FileNotFoundError:
            yield False
        else:
            yield locks.take(file)


def left() -> list[str]:
    """The libvirts in which somebody who was killed has left something."""
    found = []
    for tag, note in every():
        with claimed(tag) as ours:
            if ours and not note.lasting:
                found.append(note.uri)
    return list(dict.fromkeys(found))


def _file(tag: str) -> Path:
    return links_dir() / f"{tag}.json"
