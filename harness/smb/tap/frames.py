"""SMB frames out of a byte stream: direct TCP framing, and what the decoders tell about each message.

Pure: bytes in, frozen events out, no I/O and no clock. Made for bytes that nobody vouches for: a frame
that makes no sense becomes an ``Unreadable`` event, never an exception, and what is kept in memory is
bounded by ``MAX_FRAME`` whatever length a peer announces.
"""

from __future__ import annotations

from harness.smb.tap import smb1, smb2
from harness.smb.tap.events import TOO_LARGE, Encrypted, Event, Unreadable

MAX_FRAME = 16 * 1024 * 1024
"""Bytes. Larger frames are counted and skipped; [MS-SMB2] 3.3.5.2 lets a server refuse them as well."""


class Splitter:
    """Cuts one direction of a connection into SMB messages ([MS-SMB2] 2.1: type byte, 24-bit length).

    ``feed`` gives the same frames however the bytes are cut. None stands for a frame that was skipped.
    """

    def __init__(self, max_frame: int = MAX_FRAME) -> None:
        self._max = max_frame
        self._buffer = bytearray()
        self._skip = 0

    @property
    def buffered(self) -> int:
        """Bytes kept until their frame is complete; never more than ``max_frame`` + 4 + one chunk."""
        return len(self._buffer)

    def feed(self, chunk: bytes) -> list[bytes | None]:
        """The messages that are complete now; keep-alives and session service replies are left out."""
        frames: list[bytes | None] = []
        view = memoryview(chunk)
        if self._skip:
            dropped = min(self._skip, len(view))
            self._skip -= dropped
            view = view[dropped:]
        self._buffer += view
        start = 0
        while len(self._buffer) - start >= 4:
            size = int.from_bytes(self._buffer[start + 1 : start + 4], "big")
            end = start + 4 + size
            if size > self._max:
                frames.append(None)
                self._skip = max(0, end - len(self._buffer))
                start = min(end, len(self._buffer))
            elif end > len(self._buffer):
                break
            else:
                # Types other than 0 are NetBIOS session service (RFC 1002, 4.3), e.g. keep-alive 0x85.
                if self._buffer[start] == 0 and size:
                    frames.append(bytes(self._buffer[start + 4 : end]))
                start = end
        del self._buffer[:start]
        return frames


class Reader:
    """One direction of one connection: bytes to events."""

    def __init__(self, *, from_server: bool, max_frame: int = MAX_FRAME) -> None:
        self._from_server = from_server
        self._splitter = Splitter(max_frame)

    @property
    def buffered(self) -> int:
        """Bytes kept until their frame is complete."""
        return self._splitter.buffered

    def feed(self, chunk: bytes) -> list[Event]:
        """The events of the messages that are complete now. Never raises for what the bytes are."""
        events: list[Event] = []
        for frame in self._splitter.feed(chunk):
            if frame is None:
                events.append(Unreadable(TOO_LARGE))
            else:
                events.extend(self._decode(frame))
        return events

    def _decode(self, frame: bytes) -> list[Event]:
        match frame[:4]:
            case b"\xfeSMB":
                return smb2.decode(frame, from_server=self._from_server)
            case b"\xffSMB":
                return [smb1.decode(frame, from_server=self._from_server)]
            case b"\xfdSMB":
                return [Encrypted()]
            case b"\xfcSMB":
                return [Unreadable("compressed")]
        return [Unreadable("not SMB")]
