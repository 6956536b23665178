"""Of a server's log what belongs to one attempt: written meanwhile, or naming its connections."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Final

from harness.smb.packets import End

_HEAD: Final = re.compile(r"^\[(\d{4}/\d\d/\d\d \d\d:\d\d:\d\d)(\.\d{1,6})?, ", re.MULTILINE)
"""How an entry of a Samba log begins; with microseconds, as ``debug hires timestamp`` has it by default."""
_REMOTE: Final = re.compile(r"remote host \[ipv4:([\d.]+):(\d+)\]")
_ALARM: Final = re.compile(r"PANIC|INTERNAL ERROR")
_EARLY, _LATE = 0.01, 0.05
"""Seconds: a server writes a moment after a client has its answer."""
_ZONE: Final = 900
"""Seconds: clocks of time zones differ by multiples of it."""


def zone(log: str, now: float) -> float:
    """By how many seconds the clock of a log is before UTC, by its last entry and the time it was read."""
    heads = deque(_HEAD.finditer(log), 1)
    return round((_time(heads[0]) - now) / _ZONE) * _ZONE if heads else 0.0


def slice_of(log: str, began: float, ended: float, ends: Iterable[End], ahead: float) -> str:
    """The entries that were written between two times (seconds since 1970) or name one of these connections.

    Left out is what names the connection of somebody else. Alarms are in it whenever they came: a process may
    fall over later. ``ahead``: of the log's clock, as ``zone`` says. Of a log without times all is kept.
    """
    own = {(address, str(port)) for address, port in ends}
    kept = []
    for time, text in _entries(log):
        named = _REMOTE.findall(text)
        meanwhile = time is None or began - _EARLY <= time - ahead <= ended + _LATE
        if _ALARM.search(text) or (own.intersection(named) if named else meanwhile):
            kept.append(text)
    return "".join(kept)


def _entries(log: str) -> Iterator[tuple[float | None, str]]:
    heads = list(_HEAD.finditer(log))
    if not heads or heads[0].start():
        yield None, log[: heads[0].start()] if heads else log
    for at, found in enumerate(heads):
        end = heads[at + 1].start() if at + 1 < len(heads) else len(log)
        yield _time(found), log[found.start() : end]


def _time(found: re.Match[str]) -> float:
    try:
        whole = datetime.strptime(found[1], "%Y/%m/%d %H:%M:%S").replace(tzinfo=UTC)
    except ValueError:
        # Digits that are no date.
        return 0.0
    return whole.timestamp() + float(found[2] or 0)
