"""What one logged-on session can do, whichever protocol it speaks."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol

from harness.model import Dialect
from harness.smb.kerberos.logon import KerberosLogon
from harness.smb.kerberos.manner import KerberosManner
from harness.smb.ntlm import Logon, NtlmManner

MOST = 1 << 20
"""Bytes that are moved in one request at the most, whatever a server takes."""


class Signing(Enum):
    """When a client signs."""

    NEVER = "never"
    """Even where the server requires it; only what 3.1.1 makes every client sign is signed."""
    IF_REQUIRED = "if-required"
    """When one side requires it."""
    IF_OFFERED = "if-offered"
    """As Windows: SMB1 as soon as the server can, SMB2 when one side requires it."""
    ALWAYS = "always"
    """Required by the client."""


class Encryption(Enum):
    """When a client encrypts."""

    NEVER = "never"
    """Even where the server asks for it."""
    IF_REQUIRED = "if-required"
    """When the server asks for it."""
    ALWAYS = "always"
    """Required by the client."""


class GuestSigning(Enum):
    """What a client does over SMB2 with a guest session whose server requires signing.

    [MS-SMB2] 3.2.5.3.1 has the client go on unsigned, and Samba lets it.
    """

    UNSIGNED = "unsigned"
    """It goes on without signatures."""
    ZERO = "zero-signature"
    """It says that it signs, and leaves the signature all zero."""
    OWN_KEY = "own-key"
    """It signs with the key of its own logon, which the server does not have."""


class Moment(Enum):
    """What must happen for a doubtful value of a client to count."""

    GUEST_SIGNING = "guest_signing"
    """A server that requires signing made it a guest over SMB2 or newer."""
    GUEST_SIGNING_SMB1 = "guest_signing_smb1"
    """The same over SMB1."""


@dataclass(frozen=True, slots=True)
class Doubt:
    """A value of a client that nobody has shown for certain, and what is known of it."""

    at: Moment
    settled: bool
    """False: sources disagree, or are silent. True: they agree, and the value is only inferred."""
    text: str
    """What is not certain, with the sources, for people."""


@dataclass(frozen=True, slots=True)
class Smb1Manner:
    """How a kind of client sets up an SMB1 session."""

    flags2: int = 0xC807
    capabilities: int = 0xA00000D4
    max_mpx: int = 50
    native_os: str = ""
    native_lanman: str = ""


@dataclass(frozen=True, slots=True)
class Manner:
    """What a client does after NEGOTIATE."""

    ntlm: NtlmManner = field(default_factory=NtlmManner)
    kerberos: KerberosManner | None = None
    """None where it has none, or nothing is known of it."""
    smb1: Smb1Manner = field(default_factory=Smb1Manner)
    signing: Signing = Signing.IF_REQUIRED
    encryption: Encryption = Encryption.IF_REQUIRED
    signs_guests: bool = False
    """It signs what must be signed even as a guest, whose key the server does not have."""
    guest_signing: GuestSigning = GuestSigning.UNSIGNED
    signs_tree_connect: bool = True
    """False: not even TREE_CONNECT over 3.1.1, which [MS-SMB2] 3.2.4.1.1 makes every client sign."""
    doubts: tuple[Doubt, ...] = ()


class Act(Enum):
    """One thing that a client does on its session, in the order of its habits."""

    IPC = "ipc"
    """Connect IPC$."""
    DFS = "dfs-referral"
    """Ask on IPC$ where the share really is, when an SMB2 server knows about DFS."""
    SRVSVC = "srvsvc"
    """List the shares over the pipe srvsvc of IPC$."""
    RAP = "rap"
    """List the shares over \\PIPE\\LANMAN of IPC$, which is possible over SMB1 only."""
    SHARE = "share"
    """Connect the share."""
    LIST = "list"
    """List the share's root."""


class Looks(Enum):
    """One way of a client to look for servers in Network."""

    NETBIOS = "netbios"
    """The Computer Browser: ask the workgroup's master browser for its list of servers, over SMB1."""
    WSD = "ws-discovery"
    """Function Discovery: ask all devices by multicast."""
    MDNS = "mdns"
    """Bonjour: ask by multicast for services of the type _smb._tcp."""


class Prints(Enum):
    """How a client sends a job to a printer."""

    SPOOLSS = "spoolss"
    """Over the pipe spoolss."""
    SHARE = "share"
    """It writes into the printer's share."""


@dataclass(frozen=True, slots=True)
class Habits:
    """What a client does when its user opens a share or a server, in order."""

    open: tuple[Act, ...] = (Act.SHARE, Act.LIST)
    """``\\\\server\\share``: only SHARE and LIST decide, the rest is noted whatever its answer."""
    browse: tuple[Act, ...] = (Act.IPC, Act.SRVSVC)
    """``\\\\server``: IPC, then ways to list the shares, each tried when those before it are refused."""
    discover: tuple[Looks, ...] = ()
    """Network: ways to find servers, each tried where those before it do not show this one."""
    prints: Prints | None = None
    """Printing; None where it does not print to a server over SMB."""
    quic: bool = False
    """Where TCP fails it tries SMB over QUIC."""


@dataclass(frozen=True, slots=True)
class Opened:
    """An open file, directory or pipe: its tree and the server's handle."""

    tree: int
    handle: bytes


AnyLogon = Logon | KerberosLogon
"""By NTLM in two rounds, or with a ticket in one."""


class Session(Protocol):
    """Both protocols offer exactly this. Every method raises Refused or LabFault."""

    dialect: Dialect
    guest: bool

    @property
    def signed(self) -> bool:
        """Every request after session setup is signed."""

    @property
    def encrypted(self) -> bool:
        """Every request is encrypted, or those to a share that asks for it."""

    @property
    def cipher(self) -> str | None:
        """The cipher in use, or None while nothing is encrypted."""

    @property
    def signing_required(self) -> bool:
        """The server said in NEGOTIATE that it accepts signed requests only."""

    @property
    def can_sign(self) -> bool:
        """A session key was agreed on, so signing is possible at all."""

    def log_on(self, logon: AnyLogon) -> None:
        """Set up the session."""

    @property
    def takes_tickets(self) -> bool:
        """Session setup is by SPNEGO, where a Kerberos ticket has its place."""

    def tree_connect(self, path: str) -> int:
        """Connect ``\\\\server\\share``; the tree's id."""

    def open_pipe(self, tree: int, name: str) -> Opened:
        """Open a named pipe of IPC$."""

    def transceive(self, pipe: Opened, data: bytes) -> bytes:
        """Write one message to a pipe and read the answer."""

    def read_pipe(self, pipe: Opened) -> bytes:
        """Read the rest of an answer that did not fit."""

    def list_root(self, tree: int) -> list[str]:
        """The names in the root of a share."""

    def root_security(self, tree: int) -> bytes:
        """The security descriptor of the root of a share: owner, group and DACL ([MS-DTYP] 2.4.6)."""

    def may_add(self, tree: int) -> None:
        """Ask whether files may be added to the root of a share; adds none."""

    def create(self, tree: int, name: str) -> Opened:
        """Create a file that must not exist yet."""

    def open_file(self, tree: int, name: str) -> Opened:
        """Open a file that is there, to read, write and delete it."""

    def create_cached(self, tree: int, name: str) -> tuple[Opened, str]:
        """Create a file and ask for leave to cache it; what was granted ("a lease"), "" for nothing."""

    def open_beside(self, other: object, held: Opened, tree: int, name: str) -> tuple[Opened, bool]:
        """Open a file that the session ``other`` has open as ``held``; whether it gave up caching then."""

    def lock(self, file: Opened, length: int) -> None:
        """Lock the first bytes of a file for oneself alone, or fail at once."""

    def unlock(self, file: Opened, length: int) -> None:
        """Unlock them again."""

    def close(self, file: Opened) -> None:
        """Close what is open."""

    def rename(self, tree: int, name: str, new: str) -> None:
        """Rename a closed file within its share; fails when the new name is taken."""

    @property
    def write_size(self) -> int:
        """Bytes that one write of a large file has: what the server takes, and MOST at the most."""

    @property
    def read_size(self) -> int:
        """The same of a read."""

    def write(self, file: Opened, data: bytes, offset: int = 0) -> None:
        """Write into a file."""

    def read(self, file: Opened, length: int, offset: int = 0) -> bytes:
        """Read from a file."""

    def delete(self, file: Opened, name: str) -> None:
        """Close and delete a file."""

    def log_off(self) -> None:
        """End the session."""
