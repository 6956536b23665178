"""One QUIC connection and the byte stream beside it, tied together: what comes on one goes out on the other.

Both sides have it: the relay in front of a server, whose byte stream is TCP to smbd, and the client, whose
byte stream leads to the code that speaks SMB. [MS-SMB2] 2.1: the client opens one bidirectional stream.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import Any, Final

from aioquic.asyncio.protocol import QuicConnectionProtocol
from aioquic.quic.connection import QuicConnection
from aioquic.quic.events import ConnectionTerminated, HandshakeCompleted, QuicEvent, StreamDataReceived

STREAM: Final = 0
"""The first bidirectional stream that a client opens (RFC 9000 2.1)."""
_CHUNK: Final = 64 * 1024
_BACKLOG: Final = 2**20
"""Bytes that may wait for a slow other side before no more are taken."""
_LAST_WORDS: Final = 1.0
"""Seconds that a closing connection gets to say so."""
# aioquic says on stderr what it also tells as an event.
logging.getLogger("quic").propagate = False
logging.getLogger("quic").addHandler(logging.NullHandler())


class Channel(QuicConnectionProtocol):
    """A QUIC connection with a byte stream behind it, once ``tie`` was told which."""

    def __init__(self, quic: QuicConnection, stream_handler: Any = None) -> None:
        super().__init__(quic, stream_handler)
        self.ended: ConnectionTerminated | None = None
        self.shaken = False
        """The handshake is complete: this side takes the other one for what it says it is."""
        self._arrived: asyncio.Queue[bytes] = asyncio.Queue()
        self._room = asyncio.Event()
        self._sent = asyncio.Event()
        self._look_for_room()
        self._tasks: list[asyncio.Task[None]] = []
        self._writer: asyncio.StreamWriter | None = None

    def quic_event_received(self, event: QuicEvent) -> None:
        """See ``QuicConnectionProtocol``. Other streams than the first carry nothing of SMB."""
        if isinstance(event, HandshakeCompleted):
            self.shaken = True
        elif isinstance(event, StreamDataReceived) and event.stream_id == STREAM:
            if event.data:
                self._arrived.put_nowait(event.data)
            if event.end_stream:
                self.lost()
            self.spoke()
        elif isinstance(event, ConnectionTerminated):
            self.ended = event
            self.lost()
            self._look_for_room()

    def datagram_received(self, data: bytes | str, addr: Any) -> None:
        """See ``QuicConnectionProtocol``; an acknowledgement alone makes no event."""
        super().datagram_received(data, addr)
        self._look_for_room()

    def spoke(self) -> None:
        """The other side said something on the stream."""

    def lost(self) -> None:
        """Nothing more comes."""
        self._arrived.put_nowait(b"")

    def tie(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass on from now on, until either side ends."""
        self._writer = writer
        self._tasks = [asyncio.ensure_future(self._out(reader)), asyncio.ensure_future(self._in(writer))]

    async def untied(self) -> None:
        """Wait until one side has ended, and end the other. Never raises for what either does."""
        try:
            await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in self._tasks:
                task.cancel()
            if self._writer is not None:
                self._writer.close()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        # Closing a connection drops what still waits to be sent.
        with suppress(TimeoutError):
            await asyncio.wait_for(self._sent.wait(), _LAST_WORDS)
        self.close()
        with suppress(TimeoutError):
            await asyncio.wait_for(self.wait_closed(), _LAST_WORDS)

    async def _out(self, reader: asyncio.StreamReader) -> None:
        with suppress(OSError):
            while data := await reader.read(_CHUNK):
                await self._room.wait()
                if self.ended is not None:
                    return
                self._quic.send_stream_data(STREAM, data)
                self.transmit()
                self._look_for_room()

    async def _in(self, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await self._arrived.get():
                writer.write(data)
                await writer.drain()

    def _look_for_room(self) -> None:
        """How much waits to be sent or acknowledged decides whether more is taken."""
        stream = self._quic._streams.get(STREAM)
        waits = len(stream.sender._buffer) if stream is not None else 0
        over = self.ended is not None
        (self._room.set if over or waits <= _BACKLOG else self._room.clear)()
        (self._sent.set if over or not waits else self._sent.clear)()
