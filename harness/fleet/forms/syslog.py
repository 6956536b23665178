"""Lines of syslog and of journalctl: who wrote them, and when."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final, NamedTuple

from harness.fleet.forms.when import moment

NO_YEAR: Final = (
    "these dates have no year, so when machines were seen is not known: take journalctl -o short-iso, or "
    "have syslog write RFC 3339 dates"
)
_YEAR: Final = re.compile(r"\b\d{4}\b")
_LINE: Final = re.compile(
    r"(?:<\d{1,3}>)?(?:1 )?"
    r"(?:(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d\S*)"
    r"|([A-Z][a-z]{2} {1,2}\d{1,2} (?:\d{4} )?\d\d:\d\d:\d\d(?:\.\d+)?))"
    r" (\S+) ([^\s\[\]:]+)(?:\[(\d+)\])?: ?(.*)"
)


class Entry(NamedTuple):
    """One line."""

    host: str
    """The machine that wrote it; "" where the line does not say."""
    program: str
    pid: str
    when: str
    """As it stands there."""
    text: str
    """What the program said."""

    @property
    def seen(self) -> datetime | None:
        """None, too, where the date has no year."""
        return moment(self.when)

    @property
    def lacks_year(self) -> bool:
        """Whether there is a date, and no year in it."""
        return self.when[:1].isalpha() and not _YEAR.search(self.when)


def entry(line: str) -> Entry:
    """The line in its parts; one that is of no syslog is all text."""
    found = _LINE.fullmatch(line)
    if found is None:
        return Entry("", "", "", "", line)
    iso, old, host, program, pid, text = found.groups()
    return Entry(host, program, pid or "", iso or old, text)
