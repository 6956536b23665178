"""A file that somebody collected: which importer reads it, and what it says, line after line.

The bytes decide: an encoding, gzip or not, a capture or text. Memory does not grow with the file.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from harness.errors import UsageError
from harness.fleet import captures, importers
from harness.fleet.forms import text
from harness.fleet.reading import Importer, Tally
from harness.fleet.sighting import Sighting
from harness.learn.unpack import Gunzip
from harness.system import files

if TYPE_CHECKING:
    from harness.learn.matching import KnownPersona

HEAD: Final = 64 * 1024
"""Bytes by which an importer is chosen."""
_CHUNK: Final = 64 * 1024
_GZIP: Final = b"\x1f\x8b"
_SEE: Final = "See: rehearse fleet import --help"
_FOREIGN: Final[Mapping[bytes, str]] = {
    b"PK\x03\x04": "a ZIP archive or an Excel workbook: unpack it, or save the table as CSV",
    b"ElfFile\0": "an event log of Windows (.evtx): export its events as XML or CSV with Get-WinEvent",
    b"LPKSHHRH": "a journal of systemd: write it as text with journalctl --file FILE -o short-iso",
    b"%PDF": "a PDF: the text itself is needed",
    b"TDB file": "a database of Samba: run smbstatus, which reads it",
    b"SQLite format 3": "a SQLite database: export the table as CSV",
    b"BZh": "packed with bzip2: unpack it first (gzip is read as it is)",
    b"\xfd7zXZ": "packed with xz: unpack it first (gzip is read as it is)",
    b"\x28\xb5\x2f\xfd": "packed with zstd: unpack it first (gzip is read as it is)",
    b"7z\xbc\xaf\x27\x1c": "a 7-Zip archive: unpack it first",
    b"\x89PNG": "a picture: the text itself is needed",
    b"\xff\xd8\xff": "a picture: the text itself is needed",
    b"\x7fELF": "a program",
    b"MZ": "a program",
}
"""What begins so, and what to do with it."""


@dataclass(slots=True)
class Opened:
    """A file that is about to be read."""

    kind: str
    """The name of the importer that reads it."""
    sightings: Iterator[Sighting]
    """Read lazily, once. Raises UsageError where the file cannot be read any further."""
    tally: Tally = field(default_factory=Tally)
    """Complete when ``sightings`` has ended."""
    encoding: str = ""
    """As it begins; "" for a capture."""


def kinds() -> Mapping[str, str]:
    """Every kind of source that can be read, and what it is with the command that gets it, by name."""
    found = {one.name: one.title for one in importers.by_name().values()}
    return dict(sorted((found | {captures.NAME: captures.TITLE}).items()))


def opened(path: Path, kind: str = "", known: Callable[[], Sequence[KnownPersona]] = tuple) -> Opened:
    """The file, by the importer that recognises it, or by that of ``kind``.

    ``known`` gives the personas that a capture's clients are compared with: it is called for a capture
    alone. Raises UsageError in one line: no file, no text, nothing that an importer knows, or several that
    know it.
    """
    if kind and kind not in kinds():
        raise UsageError(f"no kind of source is called {kind!r}", f"there are {', '.join(kinds())}")
    head = _head(path)
    if captures.is_capture(head):
        if kind not in ("", captures.NAME):
            raise UsageError(f"{path}: is a capture, not {kind}", "leave out --as")
        tally = Tally()
        return Opened(captures.NAME, captures.read(path, tally, known), tally)
    if kind == captures.NAME:
        raise UsageError(f"{path}: is no capture", "expected a pcap or pcapng file, packed with gzip or not")
    encoding = _text_or_not(path, head)
    importer = importers.by_name()[kind] if kind else _recognised(path, head, encoding)
    tally = Tally()
    return Opened(importer.name, _read(path, importer, encoding, tally), tally, encoding)


def _read(path: Path, importer: Importer, encoding: str, tally: Tally) -> Iterator[Sighting]:
    lines = text.lines(_chunks(path, tally), encoding, tally)
    yield from importer.read(str(path), lines, tally)


def _recognised(path: Path, head: bytes, encoding: str) -> Importer:
    shown = "\n".join(text.lines((head,), encoding, Tally()))
    known = importers.by_name()
    found = [importer for importer in known.values() if importer.recognises(shown)]
    if len(found) == 1:
        return found[0]
    if not found:
        raise UsageError(
            f"{path}: is nothing that is known by its beginning", f"name it with --as: {', '.join(kinds())}"
        )
    names = [importer.name for importer in found]
    raise UsageError(f"{path}: could be {' or '.join(names)}", f"say which: --as {names[0]}")


def _text_or_not(path: Path, head: bytes) -> str:
    """Its encoding. Raises UsageError for what is no text, and says what it is where that is known."""
    if not head:
        raise UsageError(f"{path}: is empty", "an importer needs at least the heading of a table")
    if head[257:262] == b"ustar":
        raise UsageError(f"{path}: is a tar archive", "unpack it, and name the files in it")
    for magic, what in _FOREIGN.items():
        if head.startswith(magic):
            raise UsageError(f"{path}: is {what}")
    encoding = text.encoding_of(head)
    if not encoding and not head.strip(b"\0"):
        raise UsageError(f"{path}: holds nothing but NULs", "collect it again")
    if not encoding:
        raise UsageError(f"{path}: is neither text nor a capture", _SEE)
    return encoding


def _head(path: Path) -> bytes:
    try:
        files.check(path)
        with path.open("rb") as raw:
            stream = _unpacked(raw)
            found = b""
            while len(found) < HEAD and (more := stream.read(HEAD - len(found))):
                found += more
            if isinstance(stream, Gunzip) and not found and stream.damage:
                raise UsageError(f"{path}: {stream.damage}")
            return found
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror or error}") from error


def _chunks(path: Path, tally: Tally) -> Iterator[bytes]:
    try:
        with path.open("rb") as raw:
            stream = _unpacked(raw)
            while chunk := stream.read(_CHUNK):
                yield chunk
            if isinstance(stream, Gunzip) and stream.damage:
                tally.notice(f"it ends early: {stream.damage}")
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror or error}") from error


def _unpacked(raw: io.BufferedReader) -> io.BufferedReader | Gunzip:
    return Gunzip(raw) if raw.peek(2)[:2] == _GZIP else raw
