"""What one connection showed of its client. Only what was seen is kept, and nothing that is secret.

Shares have no names here, and pipes only those that everybody knows; users, domains, computers, challenges
and responses are never kept.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import StrEnum
from ipaddress import ip_address
from typing import Final

from harness.learn import words
from harness.learn.streams import Connection, Heard, Key
from harness.model import Dialect
from harness.smb.tap.events import TOO_LARGE, Command, Encrypted, Request, Response, Unreadable
from harness.smb.tap.fingerprint import ProofFingerprint, SessionFingerprint, Smb1Fingerprint, Smb2Fingerprint
from harness.smb.tap.trees import IPC, Trees

_MOST_STRINGS: Final = 32
_MOST_LOGONS: Final = 8
A_SHARE: Final = "a share"
RAP: Final = "RAP (\\PIPE\\LANMAN)"
A_PIPE: Final = "another pipe"
_PIPES: Final = frozenset(
    {
        "srvsvc", "wkssvc", "lsarpc", "samr", "netlogon", "spoolss", "winreg", "svcctl", "browser",
        "atsvc", "eventlog", "epmapper", "initshutdown", "ntsvcs", "lsass", "mdssvc", "trkwks", "llsrpc",
    }
)  # fmt: skip


class Opening(StrEnum):
    """How a connection began."""

    SMB1_ONLY = "SMB1 only"
    MULTI = "SMB1 frame first, SMB2 possible"
    DIRECT = "SMB2 at once"
    UNSEEN = "beginning not in the capture"


@dataclass(frozen=True, slots=True)
class Smb1Offer:
    """The SMB1-framed NEGOTIATE."""

    dialects: tuple[str, ...]
    fingerprint: Smb1Fingerprint


@dataclass(frozen=True, slots=True)
class Smb2Offer:
    """The SMB2 NEGOTIATE; revisions as numbers, for clients offer some that no document knows."""

    dialects: tuple[int, ...]
    fingerprint: Smb2Fingerprint


@dataclass(frozen=True, slots=True)
class Logon:
    """One session setup with all its rounds."""

    kind: str
    """NTLMv1, NTLMv2, LM, plaintext, anonymous or Kerberos; "" when only its first message was seen."""
    session: SessionFingerprint
    """The first round; ``ntlm`` is the NTLM NEGOTIATE message where there was one."""
    result: str = ""
    """NTSTATUS name of the last answer; "" when none was seen."""
    guest: bool = False
    proof: ProofFingerprint | None = None
    """Of an NTLMv2 response, how it is made."""

    @property
    def stopped(self) -> bool:
        """Only the first NTLM message was seen: a probe, or a capture that ends. No failed logon."""
        return not self.kind and self.session.ntlm is not None and self.session.ntlm.message == 1


@dataclass(frozen=True, slots=True)
class Contact:
    """One connection, as far as it tells kinds of client apart: equal ones are counted, not kept."""

    port: int
    opening: Opening
    smb1: Smb1Offer | None = None
    smb2: Smb2Offer | None = None
    chosen: str = ""
    """The dialect that the server chose; "" when its answer was not seen, or it chose none."""
    logons: tuple[Logon, ...] = ()
    opened: tuple[str, ...] = ()
    signed: bool | None = None
    encrypted: bool = False
    ended: str = ""
    """RESET or CLOSED where that was all that the server answered."""
    channel: bool = False
    """A further channel of a session (multichannel): its offer is not what the client can do."""
    missing: tuple[str, ...] = ()
    """What the capture lacks of this connection."""


@dataclass(frozen=True, slots=True)
class Finished:
    """A connection that is over."""

    address: str
    """Of the client."""
    time: float
    """Of its first segment, seconds since 1970."""
    contact: Contact
    key: Key
    opened: int | None
    """The client's first sequence number, where its SYN was seen."""


class Listener:
    """Listens to one connection and hands in a Contact when it is over; a ``streams.Watcher``."""

    def __init__(self, key: Key, time: float, hand_in: Callable[[Finished], None]) -> None:
        self._key = key
        (self._address, _), (_, self._port) = key
        self._time = time
        self._hand_in = hand_in
        self._smb1: Smb1Offer | None = None
        self._smb2: Smb2Offer | None = None
        self._opening = Opening.UNSEEN
        self._chosen = ""
        self._logons: list[Logon] = []
        self._opened: dict[str, None] = {}
        self._trees = Trees()
        self._encrypted = False
        self._channel = False
        self._plaintext = False
        self._mechanisms: tuple[str, ...] = ()
        self._answers = 0
        self._requests = 0
        self._unreadable = 0

    def heard(self, event: Heard) -> None:
        """A message passed by."""
        match event:
            case Request():
                self._requests += 1
                self._request(event)
            case Response():
                self._answers += 1
                self._response(event)
            case Encrypted():
                self._encrypted = True
            case Unreadable() if event.why != TOO_LARGE:
                self._unreadable += 1

    def over(self, connection: Connection) -> None:
        """Hand in what was seen, unless it was no SMB at all."""
        if not self._requests and not self._answers and not self._encrypted:
            return
        contact = Contact(
            self._port,
            self._opening,
            self._smb1,
            self._smb2,
            self._chosen,
            tuple(self._logons),
            tuple(self._opened),
            self._trees.signed,
            self._encrypted,
            "" if self._answers else connection.server.ended,
            self._channel,
            self._missing(connection),
        )
        address = str(ip_address(self._address))
        self._hand_in(Finished(address, self._time, contact, self._key, connection.opened))

    def _missing(self, connection: Connection) -> tuple[str, ...]:
        found = []
        if not self._requests:
            found.append("what the client said")
        if not self._answers and not connection.server.ended:
            found.append("what the server said")
        if connection.client.headless and self._opening is Opening.UNSEEN:
            found.append("the beginning")
        if connection.client.gaps or connection.server.gaps:
            found.append("pieces in the middle")
        if self._unreadable:
            found.append("messages that cannot be read")
        return tuple(found)

    def _request(self, request: Request) -> None:
        if request.command is Command.NEGOTIATE:
            self._negotiate(request)
        elif request.command is Command.SESSION_SETUP:
            self._session_setup(request)
        share = self._trees.request(request)
        in_ipc = self._trees.in_ipc
        if share:
            self._opened[IPC if share.upper() == IPC else A_SHARE] = None
        elif request.command is Command.RAP:
            self._opened[RAP] = None
        elif request.command is Command.CREATE and (in_ipc or self._cannot_tell_trees()):
            pipe = request.path.strip("\\").lower()
            if pipe in _PIPES:
                self._opened[pipe] = None
            elif in_ipc and pipe:
                self._opened[A_PIPE] = None

    def _cannot_tell_trees(self) -> bool:
        """The tree was connected where we do not see it: on another channel, or in the answers we lack."""
        return self._channel or not self._answers

    def _negotiate(self, request: Request) -> None:
        if request.smb1 is not None and self._smb1 is None:
            strings = tuple(words.printable(name) for name in request.smb1_dialects[:_MOST_STRINGS])
            self._smb1 = Smb1Offer(strings, request.smb1)
            multi = any(name.startswith("SMB 2.") for name in strings)
            opening = Opening.MULTI if multi else Opening.SMB1_ONLY
        elif request.smb2 is not None and self._smb2 is None:
            self._smb2 = Smb2Offer(request.smb2_dialects[:_MOST_STRINGS], request.smb2)
            opening = Opening.DIRECT
        else:
            return
        if self._opening is Opening.UNSEEN:
            self._opening = opening

    def _session_setup(self, request: Request) -> None:
        session = request.session
        if session is None:
            return
        self._channel |= session.binding
        if session.spnego:
            # A ticket may come with the second token, where the server chose from the list of the first.
            self._mechanisms = session.spnego.mechanisms or self._mechanisms
            session = replace(session, spnego=replace(session.spnego, mechanisms=self._mechanisms))
        message = session.ntlm.message if session.ntlm else 0
        kind = request.auth
        if self._plaintext and not session.extended and kind not in {"", "anonymous"}:
            kind = "plaintext"  # whatever its length: there was no challenge to respond to
        running = self._logons[-1] if self._logons else None
        if message == 3 and running and running.stopped:
            self._logons[-1] = Logon(
                kind, running.session, proof=session.ntlm.proof if session.ntlm else None
            )
        elif len(self._logons) < _MOST_LOGONS and (kind or message == 1):
            self._logons.append(Logon(kind, _cleaned(session)))

    def _response(self, response: Response) -> None:
        if response.command is Command.NEGOTIATE:
            self._negotiated(response)
        elif response.command is Command.SESSION_SETUP and self._logons:
            last = self._logons[-1]
            # A status beside NEGOTIATE alone is not about a proof, so a probe has no result.
            if last.kind and response.status != "STATUS_MORE_PROCESSING_REQUIRED":
                self._logons[-1] = replace(last, result=response.status, guest=response.guest)
        self._trees.response(response)

    def _negotiated(self, response: Response) -> None:
        if response.failed:
            return
        self._plaintext = response.plaintext
        if response.dialect_index is not None and self._smb1 is not None:
            strings = self._smb1.dialects
            self._chosen = strings[response.dialect_index] if response.dialect_index < len(strings) else ""
        elif response.dialect is not None:
            with suppress(KeyError):  # 0x02FF: the client comes again with an SMB2 NEGOTIATE
                self._chosen = Dialect.from_revision(response.dialect).value


def _cleaned(session: SessionFingerprint) -> SessionFingerprint:
    ntlm = session.ntlm
    first = ntlm if ntlm and ntlm.message == 1 else None
    return replace(
        session,
        ntlm=first,
        native_os=words.software(session.native_os),
        native_lanman=words.software(session.native_lanman),
    )
