"""Of a server's log what belongs to one attempt: written meanwhile, or naming its connections."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
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


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a log."""

    time: float | None
    """Seconds since 1970; None where it has no time."""
    text: str
    names: frozenset[tuple[str, str]]
    """The clients' ends of connections that it names: address and port."""
    alarm: bool


def entries(log: str, read: float, ahead: float = 0.0) -> tuple[Entry, ...]:
    """The entries of a log that was read at a time (seconds since 1970), in UTC whatever its time zone is.

    ``ahead``: seconds by which the clock of who wrote it is ahead of ours.
    """
    heads = list(_HEAD.finditer(log))
    first = heads[0].start() if heads else len(log)
    times = [_time(found[1]) + float(found[2] or 0) for found in heads]
    # The last entry was written shortly before: all that it differs by is the zone.
    ahead += round((times[-1] - read) / _ZONE) * _ZONE if times else 0
    ends = [*(found.start() for found in heads[1:]), len(log)][: len(heads)]
    found = [(None, log[:first])] if first else []
    dated = zip(heads, times, ends, strict=True)
    whole = [*found, *((time - ahead, log[each.start() : end]) for each, time, end in dated)]
    return tuple(
        Entry(time, text, frozenset(_REMOTE.findall(text)), bool(_ALARM.search(text))) for time, text in whole
    )


def slice_of(
    log: Iterable[Entry], began: float, ended: float, ends: Iterable[End], within: float = 0.0
) -> str:
    """The entries that were written between two times (seconds since 1970) or name one of these connections.

    Left out is what names the connection of somebody else. Alarms are in it whenever they came: a process may
    fall over later. Of a log without times all is kept. ``within``: seconds by which its times may be wrong.
    """
    own = {(address, str(port)) for address, port in ends}
    return "".join(
        one.text
        for one in log
        if one.alarm
        or (
            not own.isdisjoint(one.names)
            if one.names
            else one.time is None or began - _EARLY - within <= one.time <= ended + _LATE + within
        )
    )


@lru_cache(maxsize=256)
def _time(text: str) -> float:
    try:
        return datetime.strptime(text, "%Y/%m/%d %H:%M:%S").replace(tzinfo=UTC).timestamp()
    except ValueError:
        # Digits that are no date.
        return 0.0
