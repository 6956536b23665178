"""The connections of a log: what its lines say of one, put together until it is over."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from harness.fleet import addresses
from harness.fleet.importers._dialects import dialect
from harness.fleet.importers._smbstatus import LOOPBACK, UNKNOWN_DIALECT
from harness.fleet.reading import Tally
from harness.fleet.sighting import Logon, Place, Sighting
from harness.model import Dialect
from harness.smb.offer import SMB2_ANY, SMB2_FIRST

MOST_AT_ONCE: Final = 4096
"""Processes whose connections are kept; the one that was heard of longest ago is told and let go."""
_MOST_REQUESTED: Final = 32
_LONGEST: Final = 80
_NT1: Final = frozenset({Dialect.NT1.value, "NT LANMAN 1.0"})
_MOST_ALLOWED: Final = 64
_NOBODY: Final = "connections of which the log names no client: add debug pid = yes beside log level = 3"
_AT_ONCE: Final = (
    "connections of clients that came at once, and nothing tells which of them spoke which dialect: add "
    "debug pid = yes to smb.conf, or log file = /var/log/samba/log.%m"
)


@dataclass(slots=True)
class Connection:
    """What is known of one."""

    address: str = ""
    name: str = ""
    line: int = 0
    """The first of it; 0 where nothing was said of it yet."""
    seen: datetime | None = None
    requested: list[str] = field(default_factory=list)
    dialect: Dialect | None = None
    unknown: str = ""
    smb2: bool = False
    """Of SMB2 or later, and nothing says which dialect."""
    negotiated: bool = False
    """A dialect was chosen for good."""
    smb1_refused: bool = False
    logon: Logon | None = None
    refused: str = ""
    said: str = ""
    cannot_encrypt: bool = False
    served: bool = False
    """It used a share."""
    unclear: bool = False
    """It may be that of one client or of another: it is nobody's."""

    def met(self, line: int, at: datetime | None) -> None:
        """A line speaks of it."""
        self.line = self.line or line
        self.seen = at or self.seen

    def may_be(self, address: str) -> bool:
        """Whether it may be that client's."""
        return not self.unclear and self.address in ("", address)

    def request(self, name: str) -> None:
        """One of the dialects of its NEGOTIATE."""
        if len(self.requested) < _MOST_REQUESTED:
            self.requested.append(name[:_LONGEST])

    def select(self, name: str) -> None:
        """The dialect that was chosen: SMB2_FF and SMB 2.??? are none yet."""
        spoken, unknown = dialect(name)
        if spoken or unknown:
            self.dialect, self.unknown, self.negotiated = spoken, unknown, True

    def found_none(self) -> None:
        """No dialect of its offer is one of the server's."""
        self.negotiated = True
        self.smb1_refused = bool(self.requested) and not {SMB2_ANY, SMB2_FIRST} & set(self.requested)

    @property
    def offered(self) -> tuple[Dialect, ...]:
        """All that a ``Dialect`` has a name for."""
        found = [Dialect.NT1] if _NT1 & set(self.requested) else []
        found += [Dialect.SMB2_02] if SMB2_FIRST in self.requested else []
        # Any from 2.1 on, [MS-SMB2] 2.2.3: the least that it can be.
        found += [Dialect.SMB2_10] if SMB2_ANY in self.requested else []
        return tuple(found)

    @property
    def tells(self) -> bool:
        """Whether there is a fact beside that somebody connected."""
        return bool(
            self.negotiated
            or self.requested
            or self.logon
            or self.refused
            or self.said
            or self.dialect
            or self.served
            or self.cannot_encrypt
        )


class Connections:
    """Those that are open, by process where the log tells processes apart."""

    def __init__(self, source: str, tally: Tally, address: str = "", name: str = "") -> None:
        """``address``, ``name``: of the client whose own log it is."""
        self._source = source
        self._tally = tally
        self._own = (address, name)
        self._pid = ""
        self._told_apart = False
        """Every entry has its process."""
        self._open: OrderedDict[str, Connection] = OrderedDict()
        self._let_go: list[Connection] = []
        self._allowed: dict[str, str] = {}
        """Addresses that connected since a dialect was chosen last, with names."""
        self._last = self._own
        """Who connected last, or used a share."""
        self._named = ""
        """The process that messages name, in a log whose headings do not."""
        self.at: datetime | None = None

    @property
    def current(self) -> Connection:
        """The one of which the log speaks."""
        found = self._open.get(self._pid)
        if found is None:
            found = self._open[self._pid] = Connection(*self._own)
            if len(self._open) > MOST_AT_ONCE:
                self._let_go.append(self._open.popitem(last=False)[1])
        elif self._told_apart:
            self._open.move_to_end(self._pid)
        return found

    def of(self, pid: str) -> None:
        """The entry that follows is of that process; "" where the log does not say."""
        if pid:
            self._pid, self._told_apart = pid, True

    def process(self, pid: str) -> Iterator[Sighting]:
        """A message names the process."""
        if not self._told_apart and self._named != pid:
            if self._named:
                yield from self.begin()
            self._named = pid

    def allowed(self, address: str, name: str) -> Iterator[Sighting]:
        """Somebody connected, or used a share: smbd says the same of both."""
        connection, self._last = self.current, (address, name)
        if self._told_apart:
            if not connection.may_be(address):
                yield from self.begin()
            self.current.address, self.current.name = address, name or self.current.name
            return
        if connection.address == address and connection.logon is not None:
            return
        if len(self._allowed) < _MOST_ALLOWED:
            self._allowed[address] = name
        if not connection.may_be(address) and connection.negotiated:
            yield from self.begin()
        elif len(self._allowed) == 1:
            connection.address, connection.name = address, name or connection.name
        elif not connection.negotiated:
            connection.unclear = True

    def selected(self, line: int, name: str) -> Iterator[Sighting]:
        """A dialect was chosen, or ("") none was found."""
        if self.current.negotiated:
            yield from self.begin()
        connection = self.current
        connection.met(line, self.at)
        if name:
            connection.select(name)
        else:
            connection.found_none()
        if connection.negotiated:
            self._allowed.clear()

    def begin(self) -> Iterator[Sighting]:
        """Another connection: what was is told."""
        old = self._open.pop(self._pid, None)
        if old is not None and not old.tells:
            # Connected just now: that is the one which begins.
            self._open[self._pid] = old
            return
        if old is not None:
            yield from self._told(old)
        connection = self.current
        if len(self._allowed) > 1:
            connection.unclear = True
        elif self._last[0] or self._last[1]:
            connection.address, connection.name = self._last
        self._allowed.clear()

    def served(self, line: int, address: str, name: str) -> Iterator[Sighting]:
        """A client uses a share."""
        if not self.current.may_be(address):
            self._last = (address, name)
            yield from self.begin()
        connection = self.current
        if connection.may_be(address):
            connection.met(line, self.at)
            connection.served = True
            connection.address = address or connection.address
            connection.name = name or connection.name

    def over(self) -> Iterator[Sighting]:
        """The process of the connection ended."""
        old = self._open.pop(self._pid, None)
        if old is not None:
            yield from self._told(old)

    def logon(self, line: int, kind: Logon | None, refused: str) -> Iterator[Sighting]:
        """It logged on; where it did so in another way before, that is told first."""
        connection = self.current
        connection.met(line, self.at)
        if connection.logon and kind and connection.logon is not kind:
            yield from self._sighting(connection)
            connection.refused = ""
            connection.line = line
        connection.logon = kind or connection.logon
        connection.refused = connection.refused or refused[:_LONGEST]

    def end(self) -> Iterator[Sighting]:
        """All that are still open."""
        while self._open:
            yield from self._told(self._open.popitem(last=False)[1])

    def _told(self, connection: Connection) -> Iterator[Sighting]:
        for one in (*self._let_go, connection):
            if one.tells:
                yield from self._sighting(one)
        self._let_go.clear()

    def _sighting(self, connection: Connection) -> Iterator[Sighting]:
        if connection.unclear:
            self._tally.wonder(_AT_ONCE, connection.line, "")
            return
        if not connection.address and not connection.name:
            self._tally.wonder(_NOBODY, connection.line, "")
            return
        if addresses.is_self(connection.address):
            self._tally.notice(LOOPBACK)
            return
        if connection.unknown:
            self._tally.notice(UNKNOWN_DIALECT.format(connection.unknown))
        yield Sighting(
            Place(self._source, connection.line),
            address=connection.address,
            name=connection.name,
            seen=connection.seen,
            dialect=connection.dialect,
            unknown_dialect=connection.unknown,
            smb2=connection.smb2 and connection.dialect is None,
            offered=connection.offered,
            smb1_asked=bool(connection.requested),
            smb1_refused=connection.smb1_refused,
            logon=connection.logon,
            cannot_encrypt=connection.cannot_encrypt,
            refused=connection.refused,
            said=connection.said,
        )
