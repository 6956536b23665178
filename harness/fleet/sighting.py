"""What one source says of one machine, once: a session, a line of a log, an audit event, a row of a list.

Every fact stands alone and may be absent (None): how a machine logs on does not follow from the dialect
that it speaks, for NTLMv1 over SMB2 exists.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from harness.model import Dialect


class Role(StrEnum):
    """Which end of a connection the machine was."""

    CLIENT = "client"
    """It connected to a server."""
    SERVER = "server"
    """It was asked what it serves, as network scanners do."""
    LISTED = "listed"
    """It stands in a list of devices; nobody saw it connect."""


class Logon(StrEnum):
    """How a machine logged on."""

    NTLMV1 = "NTLMv1"
    NTLMV2 = "NTLMv2"
    NTLM = "NTLM"
    """NTLM, and the source does not tell which version."""
    KERBEROS = "Kerberos"
    GUEST = "guest"
    ANONYMOUS = "anonymous"


class Place(NamedTuple):
    """Where a source says it."""

    source: str
    """The file as the user named it."""
    line: int
    """The first line of it, from 1; for JSON, XML or a capture the number of the record."""

    def __str__(self) -> str:
        return f"{self.source}:{self.line}"


@dataclass
class Sighting:
    """What one source says of one machine, once. None or "": the source does not say.

    Nobody changes one. It is neither frozen nor has it slots, for a source may have half a million: freezing
    so many fields makes 7 microseconds of 1.6 for each, and ``again`` copies all at once (measured with
    Python 3.11).
    """

    place: Place
    address: str = ""
    """An IP address as ``ipaddress`` writes it, without port, brackets, zone or "ipv4:"; "" where only a
    name is known. An IPv4 address mapped into IPv6 is written as IPv4. Never a loopback address."""
    name: str = ""
    """The computer's name as the source writes it (NetBIOS or DNS), without leading backslashes."""
    role: Role = Role.CLIENT
    seen: datetime | None = None
    """When; without a time zone it is the local time of the machine that wrote the source."""
    dialect: Dialect | None = None
    """The dialect that was chosen (or, of a server, one that it speaks)."""
    smb2: bool = False
    """A dialect of SMB2 or later was chosen, and the source does not say which: Samba's log of authentication
    says "SMB2" of all of them. Never beside ``dialect``."""
    unknown_dialect: str = ""
    """The chosen dialect as it is written, where [MS-SMB2] and [MS-CIFS] know none of that name."""
    offered: tuple[Dialect, ...] = ()
    """All dialects that the client offered, in its order. One that offers more than was chosen can do
    more."""
    smb1_asked: bool = False
    """It opened with an SMB1-framed NEGOTIATE. That is no use of SMB1: Windows without SMB1 may send one."""
    smb1_refused: bool = False
    """It tried SMB1 and was refused, e.g. audit event 3000 of a server without SMB1."""
    logon: Logon | None = None
    signed: bool | None = None
    """Whether the session was signed; of a server, whether it requires signing."""
    cannot_sign: bool = False
    """The source says that the client does not support signing, e.g. audit event 3021 of Windows Server
    2025."""
    encrypted: bool | None = None
    cannot_encrypt: bool = False
    wrong_spn: bool = False
    """It sent no, an unknown or an empty service principal name with its logon: audit events 3024 to 3026 of
    Windows Server 2025."""
    cipher: str = ""
    """As [MS-SMB2] 2.2.3.1.2 names it, e.g. AES-128-GCM; "" where the source does not say, or there is
    none."""
    refused: str = ""
    """The NTSTATUS name with which it was refused, as the source writes it."""
    said: str = ""
    """What the source says of its make, in its own words: a native OS, a model of an inventory, a user
    agent."""
    persona: str = ""
    """A kind of client of the catalogue, where the source names one by that very name."""
    count: int = 1
    """How many machines the source speaks of: more than one only in a list of kinds with numbers."""
    like: Sighting | None = field(default=None, compare=False, repr=False)
    """An earlier one of this source that says the very same but for time and place; it has none itself."""

    def again(self, place: Place, seen: datetime | None = None) -> Sighting:
        """The same once more, at another place of the source. Sources say the same over and over."""
        made = object.__new__(Sighting)
        # One field after the other would be half of what it costs to read a sample of sessions.
        made.__dict__ = self.__dict__.copy()
        made.place, made.seen, made.like = place, seen, self.like or self
        return made
