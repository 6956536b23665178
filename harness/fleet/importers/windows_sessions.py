"""Get-SmbSession, Get-SmbOpenFile and Get-SmbConnection of Windows, and Get-FSxSmbSession of Amazon FSx.

As pasted from the window (table or list), Export-Csv, or ConvertTo-Json. What the columns are:
MSFT_SmbSession and MSFT_SmbConnection of the SMB Management API (learn.microsoft.com); FSx prints the same.

- A session tells of a client. Its default columns have no Dialect: then the dialect stays unknown, and the
  user is told the command that shows it.
- A connection tells of a server that the machine which ran the command is a client of: the server speaks
  that dialect. Of the client it tells only where PSComputerName names it (Invoke-Command adds that); its
  Signed and Encrypted are facts of the client's connection, not of what the server requires.
- PSComputerName of a session is the server, and no client.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import chain
from typing import Final

from harness.fleet.forms import csv_rows, json_records, powershell
from harness.fleet.importers._dialects import dialect
from harness.fleet.importers._naming import Who, clean, who
from harness.fleet.importers._repeated import Repeated
from harness.fleet.reading import Tally
from harness.fleet.sighting import Logon, Place, Role, Sighting

ASK_SESSIONS: Final = (
    "Get-SmbSession | Select-Object ClientComputerName, Dialect, ClientUserName | "
    "Export-Csv sessions.csv -NoTypeInformation -Encoding UTF8"
)
"""Has the dialect, and cuts nothing off."""
ASK_CONNECTIONS: Final = (
    "Get-SmbConnection | Select-Object @{n='PSComputerName';e={$env:COMPUTERNAME}}, ServerName, Dialect, "
    "Signed, Encrypted | Export-Csv connections.csv -NoTypeInformation -Encoding UTF8"
)
NO_DIALECT: Final = (
    "these sessions are shown without their dialect (the default columns have none). This shows "
    f"it: {ASK_SESSIONS} (on Amazon FSx with Get-FSxSmbSession)"
)
CUT: Final = (
    "some names of computers are cut off by the width of the window, so that those rows name no machine. "
    f"This cuts nothing off: {ASK_SESSIONS}"
)
WHOSE: Final = (
    "Get-SmbConnection tells of servers, and of the client that ran it only where PSComputerName names it. "
    f"This names it: {ASK_CONNECTIONS}"
)
CONFIGURATION: Final = (
    "this is the configuration of a server (Get-SmbServerConfiguration), which names no client. "
    f"This shows the clients: {ASK_SESSIONS}"
)

_CUT_ROW: Final = "a row whose computer name is cut off"
_UNFIT: Final = "a row that does not fit its heading"
_NOBODY: Final = "a row without the name of a computer"
_BAD_RECORD: Final = "a record that cannot be read"
_OTHER_LINE: Final = "a line that is neither heading, row nor command"

_LONGEST_DIALECT: Final = 80
_LONGEST_USER: Final = 512
_SESSION, _SERVER, _SHARE = "clientcomputername", "servername", "sharename"
_CMDLET = re.compile(r"\bGet-(?:FSx)?Smb(?:Session|Connection|OpenFile|ServerConfiguration)\b")
_CELL = r"[\"']?\w[\w#. ]*[\"']?"
_OURS = re.compile(
    # The heading of a table with the rule below it, that of a CSV file, a block of a list, a member of JSON.
    r"^.{0,500}\bClientComputerName\b.{0,500}\n[ \t]*---[- \t]*$"
    rf"|^\ufeff?(?:{_CELL}[;,|\t] *)*[\"']?ClientComputerName[\"']? *(?:[;,|\t] *{_CELL})*[ \t]*$"
    r"|^ClientComputerName\s*:|\"ClientComputerName\"\s*:"
    r"|^EnableSMB1Protocol\s*:|^[^\w\n]*(?:PSComputerName[^\w\n]+)?ServerName[^\w\n]+(?:ShareName|Dialect)\b",
    re.MULTILINE,
)
_BANNER = re.compile(
    r"\s*$|(?:Windows )?PowerShell\b|Copyright\b|Install the latest|Installieren Sie die neueste|Try the new"
    r"|Lernen Sie das neue|最新の PowerShell|新しいクロスプラットフォーム|https://",
)
"""What a window of PowerShell begins with."""
_PARTS_OF_CONNECTIONS = ('"ServerName"', '"ShareName"', '"Dialect"')
_EVENTS = re.compile(r"<Event[\s>]|Microsoft-Windows-SMB(?:Server|Client)/|\bEvent ?ID\b")
_CONFIGURED = frozenset({"enablesmb1protocol", "auditsmb1access", "encryptdata", "rejectunencryptedaccess"})
_DENIED = re.compile(
    r"denied|verweigert|拒否|not available to the client|PermissionDenied|0x80070005", re.IGNORECASE
)
_NO_CMDLET = re.compile(r"is not recognized|wurde nicht als|認識されません|CommandNotFound", re.IGNORECASE)
_FAILED = re.compile(r"\s*Get-(?:FSx)?Smb\w+ ?: ")
_GUESTS = frozenset({"guest", "gast", "invité", "invitado", "ゲスト"})


class _Sessions:
    name = "windows-sessions"
    title = "Get-SmbSession, Get-SmbOpenFile, Get-SmbConnection (Windows, FSx): table, list, CSV or JSON"

    def recognises(self, head: str) -> bool:
        """By the form of what the cmdlets print. A text that mentions them, or how to call them, is none."""
        ours = (
            _OURS.search(head)
            or all(part in head for part in _PARTS_OF_CONNECTIONS)
            or _begins_in_a_window(head)
        )
        return bool(ours) and not _EVENTS.search(head)

    def read(self, source: str, lines: Iterable[str], tally: Tally) -> Iterator[Sighting]:
        waiting = iter(lines)
        before: list[str] = []
        first = ""
        for line in waiting:
            before.append(line)
            if line.strip() and not line.startswith("#TYPE"):
                first = line.strip()
                break
        every = chain(before, waiting)
        if json_records.BEGINS.match(first):
            yield from _of_records(source, every, tally)
        elif _is_csv(first):
            yield from _of_cells(source, every, first, tally)
        else:
            yield from _of_window(source, every, tally)


def _begins_in_a_window(head: str) -> bool:
    """Whether it begins with a prompt and one of the cmdlets, or with an error message of one: what stands
    in the place of a table."""
    first = next((line for line in head.splitlines() if not _BANNER.match(line)), "")
    if not _CMDLET.search(first):
        return False
    return bool(powershell.PROMPT.match(first) or _FAILED.match(first) or _NO_CMDLET.search(first))


def _is_csv(first: str) -> bool:
    return bool(csv_rows.separator_of(first)) and not powershell.PROMPT.match(first) and " : " not in first


_TOLD: Final = (
    _SESSION,
    "dialect",
    "clientusername",
    _SERVER,
    _SHARE,
    "pscomputername",
    "signed",
    "encrypted",
)
"""The columns that are looked at."""


class _Rows:
    """What rows of one source tell."""

    def __init__(self, source: str, tally: Tally) -> None:
        self._source = source
        self._tally = tally
        self._known: Repeated[tuple[str | None, ...], Sequence[Sighting]] = Repeated()

    def tell(self, values: Mapping[str, str], number: int, text: str) -> Sequence[Sighting]:
        place = Place(self._source, number)
        key = tuple(map(values.get, _TOLD))
        if key in self._known:
            return [one.again(place) for one in self._known[key]]
        found = _tell(values, place, self._tally, text)
        # What tells nothing is counted each time.
        return self._known.keep(key, found) if found else found


def _of_records(source: str, lines: Iterable[str], tally: Tally) -> Iterator[Sighting]:
    told = _Rows(source, tally)
    for found in json_records.records(lines):
        if isinstance(found, tuple):
            tally.wonder(_BAD_RECORD, *found)
            continue
        values = {key.lower(): json_records.words_of(value) for key, value in found.items()}
        yield from told.tell(values, found.number, str(dict(found)))


def _of_cells(source: str, lines: Iterable[str], first: str, tally: Tally) -> Iterator[Sighting]:
    separator = csv_rows.separator_of(first)
    names: list[str] = []
    told = _Rows(source, tally)
    for number, cells, text in csv_rows.rows(lines, separator):
        if not cells or text.startswith("#TYPE"):
            tally.passed_over += 1
        elif not names or (cells[0].lower() == names[0] and [cell.lower() for cell in cells] == names):
            # Files put one behind the other bring their heading again.
            names = [cell.lower() for cell in cells]
            tally.passed_over += 1
        elif len(cells) > len(names):
            tally.wonder(_UNFIT, number, text)
        else:
            yield from told.tell(dict(zip(names, cells, strict=False)), number, text)


def _of_window(source: str, lines: Iterable[str], tally: Tally) -> Iterator[Sighting]:
    failed, answered, configured = "", False, False
    told = _Rows(source, tally)
    for shown in powershell.shown(lines):
        if shown.row and not shown.values:
            tally.wonder(_UNFIT, shown.number, shown.text)
        elif shown.row:
            configured = configured or not _CONFIGURED.isdisjoint(shown.values)
            answered = answered or _SESSION in shown.values or _SERVER in shown.values
            yield from told.tell(shown.values, shown.number, shown.text)
        elif why := _failure(shown.text):
            failed = failed or why
            tally.passed_over += 1
        elif shown.command or _is_noise(shown.text):
            tally.passed_over += 1
        else:
            tally.wonder(_OTHER_LINE, shown.number, shown.text)
    if not answered:
        tally.answers_nothing = failed or (CONFIGURATION if configured else "")


def _failure(line: str) -> str:
    if "Smb" not in line and "CimException" not in line and "0x8" not in line:
        return ""
    if _NO_CMDLET.search(line):
        return (
            "this Windows has no Get-SmbSession (Windows 7 and Server 2008 R2 have none): an error stands in "
            'the place of the table. "net session" shows its clients, without their dialects'
        )
    if _DENIED.search(line):
        return (
            "access was denied: an error stands in the place of the table. Run PowerShell as administrator, "
            f"and: {ASK_SESSIONS}"
        )
    return f"an error stands in the place of the table: {clean(line)}" if _FAILED.match(line) else ""


def _is_noise(line: str) -> bool:
    """What belongs to an error message of PowerShell, and rules without a heading."""
    return bool(
        re.match(r"\s*(?:\+|At line|In Zeile|~|-+[\s-]*$|CategoryInfo|FullyQualifiedErrorId|>>)", line)
    )


def _tell(values: Mapping[str, str], place: Place, tally: Tally, text: str) -> Sequence[Sighting]:
    if _SESSION in values:
        return _session(values, place, tally, text)
    if _SERVER in values and (_SHARE in values or "dialect" in values):
        return _connection(values, place, tally, text)
    tally.passed_over += 1
    return ()


def _machine(word: str, place: Place, tally: Tally, text: str) -> Who | None:
    found = who(word)
    if found.here:
        tally.passed_over += 1
    elif found.cut:
        tally.wonder(_CUT_ROW, place.line, text)
        tally.notice(CUT)
    elif not found:
        tally.wonder(_NOBODY, place.line, text)
    else:
        return found
    return None


def _session(values: Mapping[str, str], place: Place, tally: Tally, text: str) -> Sequence[Sighting]:
    if "dialect" not in values:
        tally.notice(NO_DIALECT)
    client = _machine(values[_SESSION], place, tally, text)
    if not client:
        return ()
    known, unknown = dialect(values.get("dialect", "")[:_LONGEST_DIALECT])
    logon = _logon(values.get("clientusername", "")[:_LONGEST_USER])
    return (
        Sighting(place, client.address, client.name, dialect=known, unknown_dialect=unknown, logon=logon),
    )


def _connection(values: Mapping[str, str], place: Place, tally: Tally, text: str) -> Sequence[Sighting]:
    known, unknown = dialect(values.get("dialect", "")[:_LONGEST_DIALECT])
    server = _machine(values[_SERVER], place, tally, text)
    client = who(values.get("pscomputername", ""))
    if not client:
        tally.notice(WHOSE)
    if not server:
        return ()
    serves = Sighting(
        place, server.address, server.name, role=Role.SERVER, dialect=known, unknown_dialect=unknown
    )
    if not client:
        return (serves,)
    uses = Sighting(
        place,
        client.address,
        client.name,
        dialect=known,
        unknown_dialect=unknown,
        signed=_truth(values.get("signed", "")),
        encrypted=_truth(values.get("encrypted", "")),
    )
    return uses, serves


def _truth(word: str) -> bool | None:
    return {"true": True, "false": False, "1": True, "0": False}.get(word.lower())


@lru_cache(maxsize=1024)
def _logon(user: str) -> Logon | None:
    """What the name of a user shows of how it logged on. The name itself goes no further."""
    if not user:
        return None
    name = user.rpartition("\\")[2].strip().casefold()
    if name in _GUESTS:
        return Logon.GUEST
    return Logon.ANONYMOUS if name.startswith("anonymous") else None


IMPORTER = _Sessions()
