"""SMB frames out of a byte stream: direct TCP framing, and what the decoders tell about each message.

Pure: bytes in, frozen events out, no I/O and no clock. Made for bytes that nobody vouches for: a frame
that makes no sense becomes an ``Unreadable`` event, never an exception, and what is kept in memory is
bounded by ``MAX_FRAME`` whatever length a peer announces.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from harness.smb.shown import SessionShown, Smb1Shown, Smb2Shown

MAX_FRAME = 16 * 1024 * 1024
"""Bytes. Larger frames are counted and skipped; [MS-SMB2] 3.3.5.2 lets a server refuse them as well."""

TOO_LARGE = "frame too large"
"""What ``Unreadable`` says of a frame that was skipped: there is nothing wrong with it."""


class Command(StrEnum):
    """What a message asks for, the same word for SMB1 and SMB2."""

    NEGOTIATE = "negotiate"
    SESSION_SETUP = "session-setup"
    TREE_CONNECT = "tree-connect"
    CREATE = "create"
    READ = "read"
    WRITE = "write"
    LIST = "list"
    PIPE = "pipe"
    """A request on a named pipe in one message: TRANSACTION, or FSCTL_PIPE_TRANSCEIVE."""
    RAP = "rap"
    """A Remote Administration Protocol call, \\PIPE\\LANMAN ([MS-RAP] 2.1)."""
    DELETE = "delete"
    LOGOFF = "logoff"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Request:
    """A message of the client."""

    command: Command
    protocol: int
    """1 or 2, by the header; an SMB1-framed NEGOTIATE is not SMB1 use."""
    mid: int
    tree: int = 0
    signed: bool = False
    smb1_dialects: tuple[str, ...] = ()
    smb2_dialects: tuple[int, ...] = ()
    path: str = ""
    """Share of a TREE_CONNECT, name of a CREATE."""
    auth: str = ""
    """NTLMv1, NTLMv2, LM, plaintext, Kerberos or anonymous, where a session setup carries it."""
    deletes: bool = False
    """The CREATE has FILE_DELETE_ON_CLOSE."""
    payload: bytes = b""
    """Data of a WRITE."""
    smb1: Smb1Shown | None = None
    """The rest of an SMB1-framed NEGOTIATE."""
    smb2: Smb2Shown | None = None
    """The rest of an SMB2 NEGOTIATE."""
    session: SessionShown | None = None
    """The rest of a SESSION_SETUP."""


@dataclass(frozen=True, slots=True)
class Response:
    """A message of the server."""

    command: Command
    protocol: int
    mid: int
    status: str
    """NTSTATUS name of [MS-ERREF]; a DOS error as the NTSTATUS that it stands for."""
    tree: int = 0
    signed: bool = False
    dialect_index: int | None = None
    """SMB1 NEGOTIATE: index into the dialects of the request; 0xFFFF is none of them."""
    dialect: int | None = None
    """SMB2 NEGOTIATE: DialectRevision; 0x02FF asks the client to come again with SMB2."""
    cipher: str = ""
    signing_required: bool = False
    guest: bool = False
    anonymous: bool = False
    encrypt: bool = False
    """The server wants this session or share encrypted."""
    payload: bytes = b""
    """Data of a READ, or what a pipe answered."""

    @property
    def failed(self) -> bool:
        """True for an error status; interim and informational ones are not."""
        return self.status not in _NO_ERROR


@dataclass(frozen=True, slots=True)
class Encrypted:
    """A transform header ([MS-SMB2] 2.2.41): nothing behind it can be read here."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A frame that is no SMB, is damaged, compressed, or too large to look at."""

    why: str


Event = Request | Response | Encrypted | Unreadable

# How successful flows go on or end: the next round of a logon, more data to come, nothing more to come.
_NO_ERROR = frozenset(
    {
        "STATUS_SUCCESS",
        "STATUS_MORE_PROCESSING_REQUIRED",
        "STATUS_PENDING",
        "STATUS_BUFFER_OVERFLOW",
        "STATUS_NO_MORE_FILES",
        "STATUS_NO_MORE_ENTRIES",
        "STATUS_END_OF_FILE",
    }
)


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
        # The decoders know the events of this module, so they are imported where they are used.
        from harness.smb import tap_smb1, tap_smb2

        match frame[:4]:
            case b"\xfeSMB":
                return tap_smb2.decode(frame, from_server=self._from_server)
            case b"\xffSMB":
                return [tap_smb1.decode(frame, from_server=self._from_server)]
            case b"\xfdSMB":
                return [Encrypted()]
            case b"\xfcSMB":
                return [Unreadable("compressed")]
        return [Unreadable("not SMB")]
