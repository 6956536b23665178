"""TCP connections put together again, as far as they matter here: the beginning of each direction.

Everything is bounded: connections that are followed, bytes of a direction that are looked at, bytes that
wait for a missing segment, and the bytes of all of that together.
"""

from __future__ import annotations

import heapq
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from harness.learn.packets import Segment
from harness.smb.tap import kdc
from harness.smb.tap.events import Event
from harness.smb.tap.frames import Reader
from harness.smb.tap.kdc import KdcMessage, KdcReader

WINDOW: Final = 256 * 1024
"""Bytes of a direction that are looked at: who a client is shows in its first few messages."""
MAX_CONNECTIONS: Final = 4096
MAX_WAITING: Final = 128 * 1024
"""Bytes, and a quarter of a KiB for each segment, that wait for a missing one before it counts as lost."""
MAX_KEPT: Final = 32 * 1024 * 1024
"""Bytes kept for all connections together; then those that were silent the longest are given up."""
MAX_FRAME: Final = 128 * 1024
_OVERHEAD: Final = 256
_TURN: Final = 1 << 32
_HALF: Final = 1 << 31
_MAGICS: Final = (b"\xffSMB", b"\xfeSMB", b"\xfdSMB", b"\xfcSMB")

End = tuple[bytes, int]
Key = tuple[End, End]
"""Client and server."""
Heard = Event | KdcMessage
"""What is told of one message."""


class Reads(Protocol):
    """Makes messages of the bytes of one direction."""

    @property
    def buffered(self) -> int:
        """Bytes kept until their message is complete."""

    def feed(self, chunk: bytes, /) -> Sequence[Heard]:
        """The messages that are complete now. Never raises for what the bytes are."""


@dataclass(frozen=True, slots=True)
class Speech:
    """What is spoken on a connection."""

    reader: Callable[[bool], Reads]
    """Of the direction that the server sends, or of the other."""
    begins: Callable[[bytes], bool]
    """A segment that may be the beginning of a message."""


def _begins_smb(data: bytes) -> bool:
    return data[4:8] in _MAGICS and data[0] == 0


SMB: Final = Speech(lambda server: Reader(from_server=server, max_frame=MAX_FRAME), _begins_smb)
KERBEROS: Final = Speech(lambda _: KdcReader(), kdc.begins)


@dataclass(slots=True)
class Direction:
    """One direction of a connection."""

    from_server: bool
    speech: Speech = SMB
    reader: Reads = field(init=False)
    next: int | None = None
    """The sequence number that continues the stream; None before its first byte is known."""
    offset: int = 0
    """The place of that byte in the stream: sequence numbers begin anew after 4 GiB, this does not."""
    waiting: list[tuple[int, bytes]] = field(default_factory=list)
    """A heap of what came too early, by its place in the stream."""
    waiting_size: int = 0
    taken: int = 0
    gaps: int = 0
    aligned: bool = False
    """The reader stands at the beginning of a message, or followed the stream from there."""
    headless: bool = False
    """Its beginning is not in the capture."""
    ended: str = ""
    """RESET or CLOSED, whichever came first."""

    def __post_init__(self) -> None:
        self._fresh()

    def _fresh(self) -> None:
        self.reader = self.speech.reader(self.from_server)

    @property
    def kept(self) -> int:
        """Bytes in memory."""
        return self.waiting_size + self.reader.buffered

    @property
    def full(self) -> bool:
        """Enough was seen."""
        return self.taken >= WINDOW

    def begin(self, sequence: int) -> None:
        """The SYN was seen: the first byte has the next number."""
        if self.next is None:
            self.next = (sequence + 1) % _TURN
            self.aligned = True

    def add(self, sequence: int, data: bytes) -> list[Heard]:
        """What the stream tells with this segment; one that came too early waits for those before it."""
        if self.full or not data:
            return []
        if self.next is None:
            self.next = sequence
            self.headless = True
        offset = self.offset + (sequence - self.next + _HALF) % _TURN - _HALF
        if offset <= self.offset:
            return self._take(offset, data) + self._catch_up()
        heapq.heappush(self.waiting, (offset, data))
        self.waiting_size += len(data) + _OVERHEAD
        return self.give_up() if self.waiting_size > MAX_WAITING else []

    def give_up(self) -> list[Heard]:
        """What is waited for does not come: go on behind each gap."""
        events: list[Heard] = []
        while self.waiting:
            self._move(self.waiting[0][0] - self.offset)
            self.gaps += 1
            self.aligned = False
            events += self._catch_up()
        return events

    def _catch_up(self) -> list[Heard]:
        """Take what waits and continues the stream now."""
        events: list[Heard] = []
        while self.waiting and self.waiting[0][0] <= self.offset:
            offset, data = heapq.heappop(self.waiting)
            self.waiting_size -= len(data) + _OVERHEAD
            events += self._take(offset, data)
        return events

    def _take(self, offset: int, data: bytes) -> list[Heard]:
        new = data[self.offset - offset :]
        if not new:
            return []
        self._move(len(new))
        self.taken += len(new)
        if not self.aligned:
            # A message mostly begins a segment; what is before the next one that does cannot be read.
            if not self.speech.begins(new):
                return []
            self._fresh()
            self.aligned = True
        events = list(self.reader.feed(new))
        if self.full:
            self._fresh()
            self.waiting.clear()
            self.waiting_size = 0
        return events

    def _move(self, count: int) -> None:
        assert self.next is not None
        self.offset += count
        self.next = (self.next + count) % _TURN


class Watcher(Protocol):
    """Whoever is told what is said on one connection."""

    def heard(self, event: Heard) -> None:
        """A message, in the order of its direction."""

    def over(self, connection: Connection) -> None:
        """Nothing more comes."""


@dataclass(slots=True)
class Connection:
    """One TCP connection of a client to a server."""

    key: Key
    watcher: Watcher
    time: float
    """Of its first segment, seconds since 1970."""
    opened: int | None = None
    """The client's first sequence number, where its SYN was seen."""
    speech: Speech = SMB
    client: Direction = field(init=False)
    server: Direction = field(init=False)

    def __post_init__(self) -> None:
        self.client = Direction(from_server=False, speech=self.speech)
        self.server = Direction(from_server=True, speech=self.speech)

    @property
    def kept(self) -> int:
        """Bytes in memory."""
        return self.client.kept + self.server.kept


class Streams:
    """Sorts segments into connections. ``watch`` makes the watcher of a new one."""

    def __init__(self, watch: Callable[[Key, float], Watcher], speech: Speech = SMB) -> None:
        self._watch = watch
        self._speech = speech
        self._open: OrderedDict[Key, Connection] = OrderedDict()
        self._kept = 0
        self.given_up = 0
        """Connections that were dropped because too many were open at once."""

    def add(self, segment: Segment) -> None:
        """One more segment of the capture."""
        connection, from_server = self._connection(segment)
        direction = connection.server if from_server else connection.client
        direction.ended = direction.ended or segment.ends
        if direction.full:
            return
        before = connection.kept
        if segment.syn:
            direction.begin(segment.sequence)
        else:
            self._tell(connection, direction.add(segment.sequence, segment.data))
        self._kept += connection.kept - before
        while len(self._open) > MAX_CONNECTIONS or (self._kept > MAX_KEPT and len(self._open) > 1):
            self.given_up += 1
            self._finish(next(iter(self._open)))

    def end(self) -> None:
        """The capture has ended."""
        while self._open:
            self._finish(next(iter(self._open)))

    def _connection(self, segment: Segment) -> tuple[Connection, bool]:
        """The connection of a segment, and whether the server sent it."""
        key = (segment.source, segment.target)
        from_server = self._is_from_server(segment, key)
        if from_server:
            key = (segment.target, segment.source)
        known = self._open.get(key)
        if known and segment.opens and known.opened not in (None, segment.sequence):
            self._finish(key)  # the client uses its port again
            known = None
        if known is None:
            known = self._open[key] = Connection(
                key, self._watch(key, segment.time), segment.time, speech=self._speech
            )
        self._open.move_to_end(key)
        if segment.opens:
            known.opened = segment.sequence
        return known, from_server

    def _is_from_server(self, segment: Segment, key: Key) -> bool:
        source, target = segment.serves
        if source != target:
            return source
        # Old computers connect from 139 to 139: the SYN tells, or what is known already.
        if segment.syn:
            return not segment.opens
        return key not in self._open and (key[1], key[0]) in self._open

    def _finish(self, key: Key) -> None:
        connection = self._open.pop(key)
        self._kept -= connection.kept
        for direction in (connection.client, connection.server):
            self._tell(connection, direction.give_up())
        connection.watcher.over(connection)

    @staticmethod
    def _tell(connection: Connection, events: list[Heard]) -> None:
        for event in events:
            connection.watcher.heard(event)
