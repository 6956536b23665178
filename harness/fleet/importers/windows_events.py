"""Audit events of Windows: SMB1 access, clients without signing or encryption, guests, NTLM and its version.

As XML (wevtutil qe LOG /f:xml, Event Viewer), CSV (Export-Csv, Event Viewer), JSON (ConvertTo-Json, log
shippers) or text in English, German and Japanese. XML needs no language and is read alone where a text has
both.
What each event says of a machine: ``_event_meaning``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Final
from xml.etree.ElementTree import Element

from harness.fleet.forms import csv_rows, json_records, xml
from harness.fleet.importers import _event_text
from harness.fleet.importers._event import HEADINGS, LABELS, Event, key
from harness.fleet.importers._event_meaning import NOBODY, SAYS_SMB, Teller, is_cut
from harness.fleet.importers._naming import clean
from harness.fleet.importers._repeated import Repeated
from harness.fleet.reading import Tally
from harness.fleet.sighting import Sighting

ASK_MESSAGE: Final = (
    "some messages are cut off, so that they name no machine. This shows them whole: Get-WinEvent -LogName "
    "Microsoft-Windows-SMBServer/Audit | Select-Object TimeCreated, Id, ProviderName, LogName, MachineName, "
    "Message | Export-Csv events.csv -NoTypeInformation -Encoding UTF8"
)
NO_EVENTS: Final = "Get-WinEvent found no event: nobody did what is audited, or auditing was not on"

_NO_ELEMENT: Final = "an event that cannot be read"
_NO_ID: Final = "an event without a number"
_STRAY: Final = "a line that belongs to no event"

_XML = re.compile(r"<(?:\w+:)?Event(?=[\s>])")
_NONE_FOUND = re.compile(
    r"No events were found|Es wurden keine .*Ereignisse|イベントは見つかりません|NoMatchingEventsFound"
)
_ERROR = re.compile(r"\s*(?:\+|At line|In Zeile|~|CategoryInfo|FullyQualifiedErrorId|Get-WinEvent|PS\b|-)")
_LOG = re.compile(
    r"Microsoft[- ]Windows[- ](?:SMBServer|SmbClient|NTLM|Security[- ]Auditing|Security-Netlogon)\b",
    re.IGNORECASE,
)
_ID = re.compile(
    r"^[^\w\n]*(?:Event ?ID|EventId|Ereignis-ID|イベント ID|이벤트 ID|ID de l.événement|Id"
    r"|\"(?:winlog\.)?event_?(?:id|code)\")[^\w\n]*[:：=][^\w\n]*\d{3,5}\b",
    re.MULTILINE | re.IGNORECASE,
)
_JSON_ID = re.compile(
    r'"(?:winlog\.)?(?:Event_?Id|Event_?Code|Id)"\s*:\s*[{"]?\s*(?:"#text"\s*:\s*)?"?\d{3,5}\b', re.IGNORECASE
)
_MESSAGES = re.compile(rf"^\s*(?:{'|'.join(map(re.escape, _event_text.ALONE))})\s*$", re.MULTILINE)
_NAMED_BY_MESSAGE = re.compile(
    rf"(?:^Id\s*:|\"Id\"\s*:)\s*(?:{'|'.join(map(str, sorted(SAYS_SMB)))})\b", re.MULTILINE
)
_SAYS_SMB = re.compile(
    r"(?:^Message\s*:|\"Message\"\s*:)[^\n]{0,400}(?:\n[ \t][^\n]{0,400}){0,3}?SMB", re.MULTILINE
)
"""Id and Message alone, in any language: the number is one of the log of SMB, and the message says SMB."""
_SAMBA = re.compile(r'"type"\s*:\s*"(?:Authentication|Authorization)"')
_FIRST_HEADINGS = frozenset({"id", "when", "message", "provider", "channel"})
_ENOUGH_HEADINGS = 2


class _Events:
    name = "windows-events"
    title = "audit events of Windows, as wevtutil or Get-WinEvent export them: XML, CSV, JSON or text"

    def recognises(self, head: str) -> bool:
        if _SAMBA.search(head):
            return False
        first = next(
            (line for line in head.splitlines() if line.strip() and not line.startswith("#TYPE")), ""
        )
        return (
            bool(_XML.search(head))
            or bool(_MESSAGES.search(head))
            or _has_headings(first)
            or bool(
                _LOG.search(head)
                and (_ID.search(head) or _JSON_ID.search(head) or "LevelDisplayName" in head)
            )
            or bool(_NAMED_BY_MESSAGE.search(head) and _SAYS_SMB.search(head))
            or bool(_NONE_FOUND.search(head))
            or bool(_FAILED.match(first))
        )

    def read(self, source: str, lines: Iterable[str], tally: Tally) -> Iterator[Sighting]:
        teller = Teller(source, tally)
        waiting = iter(lines)
        before: list[str] = []
        first, is_xml = "", False
        for line in waiting:
            before.append(line)
            first = first or ("" if line.startswith("#TYPE") else line.strip().lstrip("\ufeff"))
            is_xml = is_xml or bool(_XML.search(line))
            if is_xml or len(before) >= _AHEAD:
                break
        every = chain(before, waiting)
        if json_records.BEGINS.match(first):
            found = _of_records(every, tally)
        elif _has_headings(first):
            found = _of_cells(every, first, tally)
        elif is_xml:
            yield from _of_xml(every, teller, tally)
            return
        else:
            found = _of_text(every, tally)
        for event in found:
            yield from _told(event, teller, tally)


def _told(event: Event, teller: Teller, tally: Tally) -> Iterator[Sighting]:
    if not event.id:
        tally.wonder(_NO_ID, event.number, event.head)
        return
    unnamed = tally.not_understood[NOBODY]
    yield from teller.tell(event)
    if tally.not_understood[NOBODY] > unnamed and is_cut(event.message):
        tally.notice(ASK_MESSAGE)


_AHEAD = 400
"""Lines that are looked at for the XML that Event Viewer puts below the text of an event."""


def _has_headings(first: str) -> bool:
    """Whether a line is the heading of a table of events, in one of the languages."""
    cells = [key(cell.strip(' "')) for cell in first.split(csv_rows.separator_of(first) or "\0")]
    found = {HEADINGS[cell] for cell in cells if cell in HEADINGS}
    return "id" in found and len(found & _FIRST_HEADINGS) >= _ENOUGH_HEADINGS


def _of_xml(lines: Iterable[str], teller: Teller, tally: Tally) -> Iterator[Sighting]:
    known: Repeated[str, Sequence[Sighting]] = Repeated()
    for number, text, why in xml.texts(lines, "Event"):
        key, when = _without_time(text)
        if key in known:
            for one in known[key]:
                yield teller.again(one, number, when)
            continue
        element = why or xml.parsed(text)
        head = text[: xml.SHOWN]
        if isinstance(element, str):
            tally.wonder(_NO_ELEMENT, number, f"{element}: {head}")
            continue
        found = list(_told(_of_element(element, number, head), teller, tally))
        # What names no machine is counted each time.
        yield from known.keep(key, found) if key and found else found


def _without_time(text: str) -> tuple[str, str]:
    """An event without its time and what numbers it, and its time: "" where that is not sure."""
    found = _NUMBERING.search(text)
    if found is None or "<!" in text:
        return "", ""
    rest = text[found.end() :]
    # Events of logons have more of them.
    return text[: found.start()] + (_NUMBERS.sub("", rest) if "LogonId" in rest else rest), found[2]


_NUMBERING = re.compile(
    r"<TimeCreated SystemTime=(['\"])([^'\"<>&]*)\1\s*/>(?:\s*<EventRecordID>\d*</EventRecordID>)?"
    r"(?:\s*<Correlation(?: [^<>]*)?/>)?(?:\s*<Execution [^<>]*/>)?"
)
_NUMBERS = re.compile(
    r"<Data Name=['\"](?:IpPort|(?:Target|Subject|TargetLinked)LogonId|ProcessId|LogonGuid)['\"]>"
    r"[^<>]*</Data>"
)


def _of_element(element: Element, number: int, head: str) -> Event:
    event = Event(number, head=head)
    for part in element:
        if part.tag == "System":
            _of_system(part, event)
        elif part.tag in ("EventData", "UserData"):
            _of_data(part, event)
        elif part.tag == "RenderingInfo":
            event.message = part.findtext("Message") or ""
    return event


def _of_system(system: Element, event: Event) -> None:
    number = (system.findtext("EventID") or "").strip()
    event.id = int(number) if number.isdecimal() and len(number) < 6 else 0
    event.channel = system.findtext("Channel") or ""
    event.computer = system.findtext("Computer") or ""
    provider, created = system.find("Provider"), system.find("TimeCreated")
    event.provider = (provider.get("Name") or "") if provider is not None else ""
    event.when = (created.get("SystemTime") or "") if created is not None else ""


def _of_data(part: Element, event: Event) -> None:
    """Named values stand in Data elements with a name (EventData) or in elements of that name (UserData)."""
    for leaf in part.iter():
        if len(leaf) or not (leaf.text or "").strip():
            continue
        value = (leaf.text or "").strip()
        name = leaf.get("Name") or ("" if leaf.tag == "Data" else leaf.tag)
        if name:
            event.data[key(name)] = value
        else:
            event.values.append(value)


def _of_records(lines: Iterable[str], tally: Tally) -> Iterator[Event]:
    for found in json_records.records(lines):
        if isinstance(found, tuple):
            tally.wonder(_NO_ELEMENT, *found)
            continue
        event = Event(found.number)
        _flatten(found, event, "")
        event.head = event.head or event.message.partition("\n")[0] or str(dict(found))
        yield event


def _flatten(value: object, event: Event, name: str, depth: int = 0) -> None:
    """Puts every value of nested JSON under the name that stands next to it."""
    if depth > _DEEPEST:
        return
    if isinstance(value, Mapping):
        named = next((value[at] for at in ("@Name", "Name", "-Name") if isinstance(value.get(at), str)), "")
        text = next((value[at] for at in ("#text", "Value", "value") if at in value), None)
        if text is not None and not isinstance(text, Mapping | list):
            _set(event, str(named) or name, json_records.words_of(text))
            return
        if key(name) == "provider" and named:
            _set(event, name, str(named))
            return
        for inner, content in value.items():
            _flatten(content, event, str(inner).lstrip("@"), depth + 1)
    elif isinstance(value, list):
        for content in value:
            _flatten(content, event, name, depth + 1)
    else:
        _set(event, name, json_records.words_of(value))


_DEEPEST = 8


def _set(event: Event, name: str, value: str) -> None:
    what = HEADINGS.get(key(name.rpartition(".")[2])) or HEADINGS.get(key(name))
    if what is None:
        if key(name) in ("properties", "data", ""):
            event.values.append(value)
        elif value.strip():
            # A column or member that is empty says no more than one that is not there, as in XML.
            event.data.setdefault(LABELS.get(key(name), key(name)), value)
    elif what == "id":
        # Id of a process or a thread stands deeper than that of the event.
        if not event.id and value.isdecimal() and len(value) < 6:
            event.id = int(value)
    elif value and not getattr(event, what):
        setattr(event, what, value)


def _of_cells(lines: Iterable[str], first: str, tally: Tally) -> Iterator[Event]:
    names: list[str] = []
    for row in csv_rows.rows(lines, csv_rows.separator_of(first)):
        if not row.cells or row.text.startswith("#TYPE"):
            tally.passed_over += 1
            continue
        if not names or [key(cell) for cell in row.cells] == [key(name) for name in names]:
            names = [cell.lstrip("\ufeff") for cell in row.cells]
            tally.passed_over += 1
            continue
        event = Event(row.number, head=row.text)
        for name, value in zip(names, row.cells, strict=False):
            _set(event, name, value)
        if len(row.cells) > len(names) and not event.message:
            # Event Viewer gives the column of the message no heading.
            event.message = row.cells[len(names)]
        yield event


def _of_text(lines: Iterable[str], tally: Tally) -> Iterator[Event]:
    some = False
    for found in _event_text.events(lines):
        if isinstance(found, Event):
            some = True
            yield found
        elif _NONE_FOUND.search(found[1]):
            tally.leave_out(NO_EVENTS)
            some = True
        elif _ERROR.match(found[1]) or "LevelDisplayName" in found[1]:
            tally.passed_over += 1
            if not some and _DENIED.search(found[1]):
                tally.answers_nothing = DENIED
            elif not some and not tally.answers_nothing and _FAILED.match(found[1]):
                tally.answers_nothing = f"an error stands in the place of the events: {clean(found[1])}"
        else:
            tally.wonder(_STRAY, *found)


_FAILED = re.compile(r"\s*Get-WinEvent ?: ")
_DENIED = re.compile(r"denied|verweigert|unauthorized|拒否", re.IGNORECASE)
DENIED: Final = (
    "access was denied: an error stands in the place of the events. Run PowerShell as administrator, and "
    "Get-WinEvent again"
)

IMPORTER = _Events()
