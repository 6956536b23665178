"""smbstatus(1) of Samba 3.0 to 4.25, as text: its tables of sessions and of connections to shares.

The columns are padded, not delimited: users, groups and shares with blanks, or longer than their column, move
what follows. So a row is read from what cannot hold a blank: the end of it, and the address.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Final

from harness.fleet import addresses
from harness.fleet.forms.when import moment
from harness.fleet.importers._dialects import dialect
from harness.fleet.importers._repeated import Repeated
from harness.fleet.importers._smbstatus import (
    ANOTHER_USER,
    LOOPBACK,
    NO_DIALECT,
    NOTHING_YET,
    REASONS,
    UNKNOWN_DIALECT,
    Protection,
    is_json,
    protection,
    signed_beside,
)
from harness.fleet.reading import Tally
from harness.fleet.sighting import Place, Sighting
from harness.model import Dialect

_VERSION: Final = re.compile(r"\s*Samba version (\S.*)")
_SESSIONS: Final = re.compile(r"\s*PID\s+Username\s+(Group\s+)?Machine\b(.*)", re.IGNORECASE)
_SHARES: Final = re.compile(r"\s*Service\s+pid\s+machine\s+Connected at\b(.*)", re.IGNORECASE)
_FILES: Final = re.compile(
    r"\s*(?:Locked files:|No locked files|Byte range locks:|Pid\s+(?:Uid|User\(ID\)|dev:inode)\s)"
)
_RULE: Final = re.compile(r"\s*-{10,}\s*")
_NO_ROW: Final = re.compile(
    r"\s*(?:-{10}|Samba version|PID\s+User|Pid\s+(?:Uid|User|dev)|Service\s+pid|Locked files:|No locked files"
    r"|Byte range locks:|(?:smbstatus )?only works|\S+\.tdb not|This is normal)",
    re.IGNORECASE,
)
"""What may end a table: any other line behind its heading is a row of it."""
_BEGIN_ROWS: Final = frozenset("0123456789")
"""What none of these lines begins with, and a row of sessions mostly does."""
_PID: Final = re.compile(r"(?:\d+:)?\d+(?:[./]\d+)*")
"""With the node of a cluster before it, and a task behind it."""
_ADDRESS: Final = re.compile(r" (?:[0-9]+:)?[0-9]+ +([0-9]{1,3}(?:\.[0-9]{1,3}){3}) +(.*)")
"""A process, an address, and what is behind them."""
_LONGEST: Final = 1000
"""Characters of any honest row."""
_PROTOCOL: Final = "protocol version"
_WORD: Final = re.compile(r"\S+")
_PREAMBLE: Final = re.compile(
    r"\s*(?:using configfile = |Can't load |lp_|lpcfg_|rlimit_max|Unknown parameter|Ignoring |WARNING"
    r"|Loaded services|Processing section|Load smb config|.{0,80}[$#] .{0,20}smbstatus)"
)
"""What stands above the tables: of the configuration, or the command itself."""
_FILES_ALONE: Final = (
    "smbstatus -L lists open files, and nothing of the machines that opened them: run smbstatus without -L"
)
_SHARES_ALONE: Final = "the table of shares (smbstatus -S) has no dialects: run smbstatus without options"
_ODD_ROW: Final = "a row of the table of sessions in which no machine can be found"
_ODD_SHARE: Final = "a row of the table of shares in which no machine can be found"
_ODD_DATE: Final = "a date that cannot be read: the machine counts, when it connected does not"
_ODD_LINE: Final = "a line outside of every table"

Row = Callable[["_Table", int, str], Sighting | None]


@dataclass(slots=True)
class _Table:
    """Where the reading is."""

    source: str
    tally: Tally
    row: Row | None = None
    """How a row of the current table is read; None for tables that name no machine."""
    columns: tuple[str, ...] = ()
    """Those at the end of a row, which hold no blanks: of dialect, encryption and signing."""
    sessions: bool = False
    """Whether a table of sessions was seen, which has dialects."""
    shares: bool = False
    files: bool = False
    known: Repeated[tuple[str, ...], Sighting] = field(default_factory=Repeated)
    """By rows of this table without process, port and time."""


class SmbStatus:
    """``smbstatus``, ``-p``, ``-S``, ``-L``, ``-b``, ``-v``, of one server or of a cluster."""

    name = "smbstatus"
    title = "text of smbstatus, run as root on the Samba server (3.0 to 4.25; dialects from 4.2 on)"

    def recognises(self, head: str) -> bool:
        """By a heading of its tables, or by what it says in their place."""
        if head.lstrip("\ufeff \t\r\n")[:1] in ("{", "[") or is_json(head):
            return False
        for line in head.split("\n"):
            text = line.rstrip("\r")
            if _SESSIONS.match(text) or _SHARES.match(text) or _is_files(text) or _reason(text):
                return True
        return False

    def read(self, source: str, lines: Iterable[str], tally: Tally) -> Iterator[Sighting]:
        """A sighting a session, and one a connection to a share, which tells when."""
        table = _Table(source, tally)
        for number, line in enumerate(lines, 1):
            if not line or line.isspace():
                tally.passed_over += 1
            elif table.row is not None and (line[0] in _BEGIN_ROWS or not _NO_ROW.match(line)):
                found = table.row(table, number, line)
                if found is not None:
                    yield found
            elif _RULE.fullmatch(line) or _heading(table, line):
                tally.passed_over += 1
            elif reason := _reason(line):
                _no_answer(table, reason)
            elif table.files or _PREAMBLE.match(line):
                tally.passed_over += 1
            else:
                tally.wonder(_ODD_LINE, number, line)
        if table.sessions or table.shares:
            # Tables below an error message answer nevertheless: of another server, or a later try.
            tally.answers_nothing = ""
        elif table.files:
            tally.answers_nothing = tally.answers_nothing or _FILES_ALONE
        if table.shares and not table.sessions:
            tally.notice(_SHARES_ALONE)


def _is_files(line: str) -> bool:
    return _FILES.match(line) is not None


def _heading(table: _Table, line: str) -> bool:
    """Whether the line begins a table, or says which Samba it is."""
    if _VERSION.match(line):
        table.row = None
        return True
    table.known.clear()
    if found := _SESSIONS.match(line):
        table.columns = _present((_PROTOCOL, "encryption", "signing"), found.group(2))
        if _PROTOCOL not in table.columns:
            table.tally.notice(NO_DIALECT)
        table.row, table.sessions = _session, True
        return True
    if found := _SHARES.match(line):
        table.columns = _present(("encryption", "signing"), found.group(1))
        table.row, table.shares = _share, True
        return True
    if _is_files(line):
        table.row, table.files = None, True
        return True
    return False


def _present(columns: Iterable[str], heading: str) -> tuple[str, ...]:
    said = heading.lower()
    return tuple(column for column in columns if column in said)


def _parts(table: _Table, line: str) -> tuple[str, tuple[str, ...]]:
    """A row without the columns at its end, and those in their order; "" where it is too short."""
    columns = table.columns
    rest, *values = line.rsplit(None, len(columns))
    if len(values) < len(columns):
        return "", ()
    if len(line) > _LONGEST:
        values = [value[:80] for value in values]
    if "Unknown (0x" in line and columns[:1] == (_PROTOCOL,) and values[0].startswith("(0x"):
        # "Unknown (0x0222)" is the one dialect with a blank.
        rest, _, word = rest.rpartition(" ")
        values[0] = f"{word} {values[0]}"
        rest = rest.rstrip()
    return rest, tuple(values)


def _reason(line: str) -> str:
    """Why there is no table, where the line says so."""
    return next((why for pattern, why in REASONS if pattern.match(line)), "")


def _no_answer(table: _Table, reason: str) -> None:
    table.tally.passed_over += 1
    table.tally.answers_nothing = table.tally.answers_nothing or reason
    if reason != NOTHING_YET:
        # Where there are tables nevertheless, one may be missing.
        table.tally.notice(reason)


def _session(table: _Table, number: int, line: str) -> Sighting | None:
    key = _without_numbers(line)
    if (known := table.known.get(key)) is not None:
        return known.again(Place(table.source, number))
    found = _new_session(table, number, line)
    # Without an address the number of the process tells whether it is a row, and may stand for a machine.
    if found is not None and found.address and not key[0].lstrip().startswith("("):
        table.known.keep(key, found)
    return found


def _without_numbers(line: str) -> tuple[str, str]:
    """What stands behind the process, without the port: before that, and behind it."""
    head, _, tail = line.rpartition(":")
    port, closing, values = tail.partition(")")
    if not (closing and port.isdigit()):
        head, values = line, ""
    return head.partition(" ")[2], values


def _new_session(table: _Table, number: int, line: str) -> Sighting | None:
    rest, values = _parts(table, line)
    address, name = _machine(rest) if rest else ("", "")
    if not address and not (name and _PID.fullmatch(line.split(None, 1)[0])):
        table.tally.wonder(_ODD_ROW, number, line)
        return None
    if addresses.is_self(address):
        table.tally.leave_out(LOOPBACK)
        return None
    spoken, unknown, encrypted, signed = _said(table.columns, values)
    if unknown:
        table.tally.notice(UNKNOWN_DIALECT.format(unknown))
    if " nobody " in rest and rest.split(None, 2)[1] == "nobody":
        table.tally.notice(ANOTHER_USER)
    return Sighting(
        Place(table.source, number),
        address=address,
        name=name,
        dialect=spoken,
        unknown_dialect=unknown,
        signed=signed_beside(signed, encrypted),
        encrypted=encrypted.partly,
        cipher=encrypted.cipher,
    )


@lru_cache(maxsize=1024)
def _said(
    columns: tuple[str, ...], values: tuple[str, ...]
) -> tuple[Dialect | None, str, Protection, Protection]:
    """What the columns at the end of a row say; there are few different ones."""
    facts = dict(zip(columns, values, strict=False))
    spoken = dialect(facts.get(_PROTOCOL, ""))
    return *spoken, protection(facts.get("encryption")), protection(facts.get("signing"))


def _machine(rest: str) -> tuple[str, str]:
    """Address and name of ``pid user group machine (host)`` or ``pid user group machine``."""
    before, opening, host = rest.rpartition(" (")
    if opening and host.endswith(")") and before.strip():
        host = host[:-1]
        word = before.rsplit(None, 1)[-1]
        address = addresses.address(host) or addresses.address(word)
        name = "" if word == address else addresses.name(word)
        return address, name or ("" if address else addresses.name(host))
    word = rest.rsplit(None, 1)[-1].strip("()")
    address = addresses.address(word)
    # Of one word alone nobody could tell whether it is the machine.
    return address, "" if address or len(rest.split()) < 4 else addresses.name(word)


def _share(table: _Table, number: int, line: str) -> Sighting | None:
    rest, values = _parts(table, line)
    usual = _ADDRESS.search(rest)
    if usual and (known := table.known.get((usual[1], *values))) is not None:
        return known.again(Place(table.source, number), _since(table, number, line, usual[2]))
    row = _split(rest)
    if row is None:
        table.tally.wonder(_ODD_SHARE, number, line)
        return None
    machine, date = row
    address = addresses.address(machine)
    if addresses.is_self(address):
        table.tally.leave_out(LOOPBACK)
        return None
    _, _, encrypted, signed = _said(table.columns, values)
    # A dash means that the share itself asks for nothing: the session may be signed or encrypted.
    found = Sighting(
        Place(table.source, number),
        address=address,
        name="" if address else addresses.name(machine),
        seen=_since(table, number, line, date),
        signed=signed.whole or None,
        encrypted=encrypted.whole or None,
        cipher=encrypted.cipher,
    )
    if address:
        table.known.keep((machine, *values), found)
    return found


def _since(table: _Table, number: int, line: str, date: str) -> datetime | None:
    """When it connected; None with a word to the tally where that cannot be read."""
    seen = moment(date)
    if seen is None and date and "30828" not in date:
        table.tally.wonder(_ODD_DATE, number, line)
    return seen


def _split(rest: str) -> tuple[str, str] | None:
    """Machine and date of ``service pid machine date``; None where no machine can be told."""
    if (usual := _ADDRESS.search(rest)) and addresses.address(usual[1]):
        return usual[1], usual[2]
    words = list(_WORD.finditer(rest))
    for at, word in enumerate(words):
        if at and addresses.address(word.group()):
            return word.group(), rest[word.end() :].strip()
    # A name: it stands behind a number, and a date behind it. The share may hold numbers, too.
    named = [at for at in range(2, len(words)) if _PID.fullmatch(words[at - 1].group())]
    for at in reversed(named):
        date = rest[words[at].end() :].strip()
        if moment(date) is not None:
            return words[at].group(), date
    if named and len(words) > named[0] + 1:
        return words[named[0]].group(), rest[words[named[0]].end() :].strip()
    return None


IMPORTER = SmbStatus()
