"""Events as text: of Event Viewer, wevtutil /f:text, Get-WinEvent as a list or table, or a message alone.

In English, German and Japanese; other languages by what is the same in all of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from harness.fleet.importers._event import HEADINGS, Event, key

_NUMBERED = re.compile(r"Event\[\d+\]:?\s*$")
_LABEL = re.compile(r"(?P<label>[^\W\d_][^:：]{0,40}?)\s*[:：](?P<rest>.*)")
_ROW = re.compile(
    r"(?P<when>\S.*?\d:\d\d\S*(?: [AP]M)?)\s+(?P<id>\d{3,5})\s+(?P<level>\S+)\s+(?P<message>\S.*)"
)
_RULE = re.compile(r"-+\s+-+[\s-]*$")
_PROVIDER = re.compile(r"\s+(?:ProviderName|Anbietername|プロバイダー名)\s*: (?P<provider>\S+)\s*$")
ALONE: Final = {
    "SMB1 access": 3000,
    "A remote device attempted SMB1 connection to this computer.": 3002,
    "An account was successfully logged on.": 4624,
    "Ein Konto wurde erfolgreich angemeldet.": 4624,
    "アカウントが正常にログオンしました。": 4624,
    "An account failed to log on.": 4625,
    "アカウントがログオンに失敗しました。": 4625,
}
"""First lines of messages, as people paste them without what stands above."""
_LIST = re.compile(r"(?P<label>[A-Z]\w+)\s*: (?P<rest>.*)")
LONGEST: Final = 400
"""Lines of a message; what is longer is none."""
WIDEST: Final = 4096
"""Characters of a line of a message that are kept."""


class _Reader:
    def __init__(self) -> None:
        self.event: Event | None = None
        self.in_message = False
        self.indented = False
        """A list of PowerShell: the lines of a value are indented, its labels are not."""
        self.provider = ""
        """Of the table that follows."""
        self.lines: list[str] = []

    def feed(self, number: int, line: str) -> Iterator[Event | tuple[int, str]]:
        """The event that this line ends or is; (number, text) for a line that is nothing of an event."""
        text = line.strip()
        if text.startswith("Event[") and _NUMBERED.fullmatch(text):
            yield from self.close()
            self.event = Event(number)
        elif ":" in line and line[:1].isspace() and (named := _PROVIDER.match(line)):
            yield from self.close()
            self.provider = named["provider"]
        elif text in ALONE and not (self.event and (self.event.channel or self.event.when)):
            yield from self.close()
            self.event = Event(number, ALONE[text], provider=self.provider)
            self.in_message, self.lines = True, [text]
        elif heading := self._heading(line):
            yield from self._heard(number, text, *heading)
        elif self.in_message:
            if len(self.lines) < LONGEST:
                self.lines.append(text[:WIDEST])
        elif self.provider and (row := _ROW.fullmatch(text)):
            yield Event(
                number,
                int(row["id"]),
                provider=self.provider,
                when=row["when"],
                message=row["message"],
                head=text,
            )
        elif text and not self.event and not _RULE.fullmatch(text):
            yield number, text

    def close(self) -> Iterator[Event]:
        """The event that has been read, if there is one."""
        event, self.event = self.event, None
        if event is not None:
            event.message = "\n".join(self.lines).strip()
            event.head = event.message.partition("\n")[0]
            if event.id or event.message:
                yield event
        self.in_message, self.lines = False, []

    def _heading(self, line: str) -> tuple[str, str] | None:
        """What a line says of the event as a whole: which of HEADINGS, and the value."""
        if ":" not in line and "：" not in line:
            return None
        found = _LABEL.match(line.strip())
        what = HEADINGS.get(key(found["label"])) if found else None
        if found is None or what is None:
            return None
        if self.in_message:
            if self.indented and line[:1].isspace():
                return None
            # A message may have a line such as "Source: ...": the first heading of the next event is another.
            if not self.indented and what != "channel":
                return None
        return what, found["rest"].strip()

    def _heard(self, number: int, text: str, what: str, value: str) -> Iterator[Event]:
        known = self.event
        if known is not None and (
            self._has(known, what) or (self.in_message and what == "channel" and not self.indented)
        ):
            yield from self.close()
        if self.event is None:
            self.event = Event(number)
            self.indented = bool(_LIST.match(text)) and what in ("when", "message", "id", "provider")
        if what == "message":
            self.in_message, self.lines = True, [value]
        elif what == "id":
            self.event.id = int(value) if value.isdecimal() and len(value) < 6 else 0
        else:
            setattr(self.event, what, value)

    def _has(self, event: Event, what: str) -> bool:
        return bool(self.lines) if what == "message" else bool(getattr(event, what))


def events(lines: Iterable[str]) -> Iterator[Event | tuple[int, str]]:
    """All events; (number, text) for lines that belong to none."""
    reader = _Reader()
    for number, line in enumerate(lines, start=1):
        yield from reader.feed(number, line)
    yield from reader.close()
