"""Dates as Windows, its PowerShell and lists of people write them, in several languages."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from harness.fleet.forms.when import FIRST_YEAR, LAST_YEAR, MONTHS, iso, moment, zone_of
from harness.fleet.reading import Tally

NO_DATE: Final = "a date that cannot be read; the machine is counted, without a time"
NEVER: Final = "a date that cannot be, such as year 30828; the machine is counted, without a time"
EITHER: Final = "a date that may be day/month or month/day; the machine is counted, without a time"

_TIME = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?")
_ZONE = re.compile(r"\s*(Z|UTC|GMT|[+-]\d{2}:?\d{2})\b|\s*(Z)$")
_AFTERNOON = re.compile(r"p\.?m\.?\b|午後|오후|下午", re.IGNORECASE)
_FORENOON = re.compile(r"a\.?m\.?\b|午前|오전|上午", re.IGNORECASE)
_JSON = re.compile(r"\\?/Date\((-?\d{1,18})(?:[+-]\d{4})?\)\\?/")
_CLOCK_WORDS = re.compile(r"(\d{1,2})\s*[時시]\s*(\d{1,2})\s*[分분](?:\s*(\d{1,2})\s*[秒초])?")
_WORD = re.compile(r"[^\W\d_]+")
_NOON = 12
_LONG_YEAR = 4


class Dates:
    """Reads the dates of one source: what one of them settles of the order of day and month holds for all."""

    def __init__(self, tally: Tally) -> None:
        self._tally = tally
        self._day_first: bool | None = None

    def read(self, text: str, number: int) -> datetime | None:
        """The time; None with a word to the tally where it cannot be told; None alone where none is said."""
        if text[10:11] == "T" and text[4:5] == "-" and text.isascii() and (found := iso(text)):
            return found
        text = text.strip().strip("\u200e\u200f")
        if not text or text in {"-", "N/A"}:
            return None
        text = text.replace("\u200e", "").replace("\u202f", " ").replace("\xa0", " ")
        try:
            return self._read(text)
        except OverflowError:
            self._tally.wonder(NEVER, number, text)
            return None
        except ValueError as error:
            reason = str(error)
            if reason not in (NEVER, EITHER):
                # The year may stand behind the time, as nmap and others write it.
                if found := moment(text):
                    return found
                reason = NO_DATE
            self._tally.wonder(reason, number, text)
            return None

    def _read(self, text: str) -> datetime:
        """Raises ValueError: NEVER, EITHER, or what Python says."""
        if text[10:11] == "T" and text[4:5] == "-" and text.isascii() and (plain := iso(text)):
            return plain
        if found := _JSON.fullmatch(text):
            moment = datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=int(found[1]))
            _check_year(moment.year)
            return moment
        text = _CLOCK_WORDS.sub(lambda at: f"{at[1]}:{int(at[2]):02}:{int(at[3] or 0):02}", text)
        clock = _TIME.search(text)
        date_part, after = (text[: clock.start()], text[clock.end() :]) if clock else (text, "")
        if clock and not re.search(r"\d", date_part):
            # "11:37 13.12.2019": the time stands first.
            date_part, after = after, ""
        year, month, day = self._date(date_part.rstrip("Tt "), american=bool(re.search(r"\b[AP]M\b", text)))
        hour, minute, second, micro = _clock(clock, text)
        zone = _ZONE.match(after)
        return datetime(
            year, month, day, hour, minute, second, micro, tzinfo=zone_of(zone[1] or zone[2] if zone else "")
        )

    def _date(self, text: str, *, american: bool) -> tuple[int, int, int]:
        numbers = re.findall(r"\d+", text)
        month = next((MONTHS[word] for word in map(str.lower, _WORD.findall(text)) if word in MONTHS), 0)
        if month and len(numbers) == 2:
            year, day = (int(one) for one in sorted(numbers, key=len, reverse=True))
            _check_year(year)
            return year, month, day
        if len(numbers) != 3:
            raise ValueError(NO_DATE)
        if len(numbers[0]) >= _LONG_YEAR:
            year, month, day = map(int, numbers)
            _check_year(year)
            return year, month, day
        first, second, year = map(int, numbers)
        if len(numbers[2]) < _LONG_YEAR:
            year += 2000
        _check_year(year)
        if "." in text:
            return year, second, first
        day_first = self._order(first, second, american=american)
        return (year, second, first) if day_first else (year, first, second)

    def _order(self, first: int, second: int, *, american: bool) -> bool:
        """Whether the day stands first. Raises ValueError where nothing tells."""
        if first > _NOON or second > _NOON:
            self._day_first = first > _NOON
            return self._day_first
        if first == second:
            return True
        if self._day_first is not None:
            return self._day_first
        if american:
            # With AM and PM in capitals Windows writes its American form; another order shows itself at
            # the first day above 12.
            return False
        raise ValueError(EITHER)


def _check_year(year: int) -> None:
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise ValueError(NEVER)


def _clock(found: re.Match[str] | None, text: str) -> tuple[int, int, int, int]:
    """Hour of 24, minute, second, microsecond."""
    if not found:
        return 0, 0, 0, 0
    hour, minute, second = int(found[1]), int(found[2]), int(found[3] or 0)
    if _AFTERNOON.search(text):
        hour += _NOON if hour < _NOON else 0
    elif _FORENOON.search(text) and hour == _NOON:
        hour = 0
    return hour, minute, second, int((found[4] or "0")[:6].ljust(6, "0"))
