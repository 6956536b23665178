"""What one message on the wire was: the events that the decoders tell, pure data."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from harness.smb.tap.fingerprint import SessionFingerprint, Smb1Fingerprint, Smb2Fingerprint

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
    RENAME = "rename"
    QUERY_SECURITY = "query-security"
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
    access: int = 0
    """The DesiredAccess of a CREATE ([MS-SMB2] 2.2.13.1), where it tells one."""
    deletes: bool = False
    """The CREATE has FILE_DELETE_ON_CLOSE."""
    payload: bytes = b""
    """Data of a WRITE."""
    smb1: Smb1Fingerprint | None = None
    """The rest of an SMB1-framed NEGOTIATE."""
    smb2: Smb2Fingerprint | None = None
    """The rest of an SMB2 NEGOTIATE."""
    session: SessionFingerprint | None = None
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
    plaintext: bool = False
    """SMB1 NEGOTIATE: the server takes passwords as they are, and no responses to a challenge."""
    signing_enabled: bool = True
    """SMB1 NEGOTIATE: the server can sign. Every SMB2 server can."""
    guest: bool = False
    anonymous: bool = False
    encrypt: bool = False
    """The server wants this session or share encrypted."""
    payload: bytes = b""
    """Data of a READ, or what a pipe answered."""
    krb_error: str = ""
    """The Kerberos error by which a session setup is refused, by its name, where the server tells it."""

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
