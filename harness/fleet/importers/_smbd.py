"""The lines of a log of smbd: their headings, and what may be in one."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

_HEADING: Final = re.compile(
    r"\[(\d{4}/\d\d/\d\d \d\d:\d\d:\d\d)(?:\.\d+)?, *\d+(?:, pid=(\d+))?[^\]]*\]"
    r" *(?:(\S+?):\d+\((\w+)\))? *(.*)"
)
_OURS: Final = re.compile(
    r"^.{0,200}?\[\d{4}/\d\d/\d\d \d\d:\d\d:\d\d(?:\.\d+)?, *\d+[,\]]"
    r"|^[ \t]*(?:Requested protocol \[|Selected protocol (?:SMB|NT|LANMAN))",
    re.MULTILINE,
)


class Heading(NamedTuple):
    """What stands over a message."""

    when: str
    pid: str
    """"" without ``debug pid = yes``."""
    file: str
    function: str
    rest: str
    """A message on the same line, with ``debug prefix timestamp``."""


def heading(line: str) -> Heading | None:
    """The heading that a line is; None for a message."""
    at = line.find("[")
    found = _HEADING.match(line, at) if at >= 0 else None
    if found is None or line[:at].strip():
        return None
    when, pid, file, function, rest = found.groups()
    return Heading(when, pid or "", (file or "").rpartition("/")[2], function or "", rest)


def is_smbd_log(head: str) -> bool:
    """Whether a text has headings of Samba's logs, or what smbd says of dialects without any."""
    return _OURS.search(head) is not None
