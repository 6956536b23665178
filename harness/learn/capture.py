"""A capture file as what was said to SMB servers and KDCs: pcap, pcapng, in gzip or not; a stream.

Memory does not grow with the file: a packet is looked at and let go. Whatever is wrong with the file ends
the reading with a note; what came before counts.
"""

from __future__ import annotations

import hashlib
import io
import struct
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

import dpkt

from harness.errors import UsageError
from harness.learn import packets, pcapng
from harness.learn.magic import MAGIC, PCAPNG
from harness.learn.packets import Datagram, Segment
from harness.learn.unpack import Gunzip
from harness.system import files

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

MAX_PACKET: Final = 1024 * 1024
"""Bytes. libpcap's largest snapshot length is 256 KiB; a longer "packet" is a damaged length field."""
MAX_EMPTY: Final = 1000
_BUFFER: Final = 256 * 1024
_GZIP: Final = b"\x1f\x8b"
_WRONG: Final = (dpkt.Error, struct.error, ValueError)
"""What the readers of the containers throw at bytes that make no sense."""
_HINT: Final = "expected a pcap or pcapng file, optionally compressed with gzip"


@dataclass(slots=True)
class Notes:
    """What reading a capture told about the file itself; complete when the reading has ended."""

    name: str = ""
    sha256: str = ""
    bytes: int = 0
    """Size of the file as it lies there."""
    packets: int = 0
    segments: int = 0
    """TCP segments of SMB servers' ports."""
    kdc: int = 0
    """TCP segments and UDP datagrams of the port of Kerberos KDCs."""
    first: float | None = None
    """Time of the first packet, seconds since 1970."""
    damage: str = ""
    """Why the reading ended before the end of the file; "" when it did not."""
    fragments: int = 0
    links: set[int] = field(default_factory=set)
    """Link types that we cannot read."""

    def partial(self) -> list[str]:
        """What is missing because of the file, a line each."""
        found = [f"the capture ends in the middle: {self.damage}"] if self.damage else []
        if self.fragments:
            found.append(f"{self.fragments} IP fragments were left out")
        if self.links:
            kinds = ", ".join(map(str, sorted(self.links)))
            found.append(f"packets of link type {kinds} cannot be read and were left out")
        return found


class Peekable(Protocol):
    """A buffered stream."""

    def peek(self, size: int = 0, /) -> bytes: ...
    def read(self, size: int = -1, /) -> bytes: ...


class _Senseless(ValueError):
    """Lengths that no packets have."""


class _Hashing(io.RawIOBase):
    """The bytes of the file as they are, hashed on their way."""

    def __init__(self, raw: io.FileIO) -> None:
        self._raw = raw
        self.hash = hashlib.sha256()
        self.size = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer)
        count = self._raw.readinto(view) or 0
        self.hash.update(view[:count])
        self.size += count
        return count


class _Guard:
    """What the containers are read through: no length field gets more than a packet's worth."""

    def __init__(self, stream: Peekable) -> None:
        self._stream = stream
        self.short = ""
        """What the first read that was not whole lacked; "" when the file ended between two packets."""
        self._over = False

    def read(self, size: int) -> bytes:
        """``size`` bytes, fewer at the end of the file. Raises ValueError for a mad size."""
        if not 0 <= size <= MAX_PACKET:
            raise _Senseless(f"a length field says {size} bytes")
        got = self._stream.read(size)
        if len(got) < size and not self._over:
            self._over = True
            # Both formats begin each packet with a header: to find none at all is how a file ends.
            if got or size not in (8, 16):
                self.short = f"{len(got)} of {size} bytes are there"
        return got


def check(path: Path) -> None:
    """Raises UsageError for what is no file: a pipe or a device may never end, a pipe may never begin."""
    with suppress(OSError):
        files.check(path, _HINT)


def segments(path: Path, notes: Notes) -> Iterator[Segment | Datagram]:
    """The segments of port 445 and 139, of other ports from a NEGOTIATE on, and what is said to KDCs.

    Fills ``notes`` meanwhile.

    Raises UsageError when the file cannot be read or is no capture.
    """
    notes.name = path.name
    try:
        with path.open("rb", buffering=0) as raw:
            hashing = _Hashing(raw)
            plain = io.BufferedReader(hashing, _BUFFER)
            yield from _segments(path, plain, notes)
            while plain.read(_BUFFER):  # the hash is that of the whole file
                pass
            notes.sha256 = hashing.hash.hexdigest()
            notes.bytes = hashing.size
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}", _HINT) from error


def _segments(path: Path, plain: io.BufferedReader[_Hashing], notes: Notes) -> Iterator[Segment | Datagram]:
    unpacked = Gunzip(plain) if plain.peek(2)[:2] == _GZIP else None
    stream: Peekable = io.BufferedReader(unpacked, _BUFFER) if unpacked else plain
    magic = stream.peek(4)[:4]
    if not magic and unpacked:
        raise UsageError(f"{path}: {unpacked.damage or 'is empty'}", _HINT)
    if not magic:
        raise UsageError(f"{path}: is empty", _HINT)
    if magic not in MAGIC:
        raise UsageError(f"{path}: is no capture", _HINT)
    guard, servers = _Guard(stream), packets.Servers()
    try:
        for time, link, frame in pcapng.packets(guard) if magic == PCAPNG else _pcap(guard):
            notes.packets += 1
            notes.first = time if notes.first is None else notes.first
            if not servers.may_speak(frame):
                continue
            try:
                said = packets.spoken(time, link, frame, servers)
            except packets.Fragment:
                notes.fragments += 1
            except packets.UnknownLink:
                notes.links.add(link)
            else:
                if said is None:
                    continue
                if isinstance(said, Datagram) or said.kdc:
                    notes.kdc += 1
                else:
                    notes.segments += 1
                yield said
    except _WRONG as error:
        notes.damage = guard.short or str(error) or type(error).__name__
    else:
        notes.damage = guard.short
    if unpacked and unpacked.damage:
        notes.damage = unpacked.damage


def _pcap(guard: _Guard) -> Iterator[tuple[float, int, bytes]]:
    reader = dpkt.pcap.Reader(guard)
    # The upper bits of the field tell about check sequences at the end of packets.
    link = reader.datalink() & 0xFFFF
    empty = 0
    for time, frame in reader:
        # Zeros behind a capture would be read as packets of no bytes, and there may be a gigabyte of them.
        empty = 0 if frame else empty + 1
        if empty > MAX_EMPTY:
            raise _Senseless(f"more than {MAX_EMPTY} packets in a row are empty")
        yield float(time), link, frame
