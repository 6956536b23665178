"""Dates as programs write them in the words of their locale, by what is the same in all of them.

Read are: a year of four digits, a time with two or three numbers, a month by name or number, a day. What
has none of these is None: a fact that is absent, and no mistake of the rest of its line.
"""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import UTC, datetime, time, timedelta, timezone, tzinfo
from functools import lru_cache
from typing import Final

FIRST_YEAR: Final = 1990
LAST_YEAR: Final = 2100
"""What lies outside is no time at which anybody connected: 1601 and 30828 are "never" of Windows."""
_WORDS: Final = (
    "jan january januar janvier enero gennaio januari janeiro jänner janv ene gen"
    " jän led ledna sty stycznia янв января oca ocak tammi tammikuuta",
    "feb february februar février febrero febbraio februari fevereiro févr fev"
    " úno února lut lutego фев февр февраля şub şubat helmi helmikuuta",
    "mar march märz mars marzo maart março mär mrz mrt bře března marca мар марта maalis maaliskuuta",
    "apr april avril abril aprile avr abr dub dubna kwi kwietnia апр апреля nis nisan huhti huhtikuuta",
    "may mai mayo maggio mei maio mag kvě května maja мая май mayıs touko toukokuuta",
    "jun june juni juin junio giugno junho giu čvn června cze czerwca июн июня haz haziran kesä kesäkuuta",
    "jul july juli juillet julio luglio julho juil lug"
    " čvc července lip lipca июл июля tem temmuz heinä heinäkuuta",
    "aug august août agosto augustus agosto ago aoû"
    " srp srpna sie sierpnia авг августа ağu ağustos elo elokuuta",
    "sep september septembre septiembre settembre setembro sept set"
    " zář září wrz września сен сент сентября eyl eylül syys syyskuuta",
    "oct october oktober octobre octubre ottobre outubro okt out ott"
    " říj října paź października окт октября eki ekim loka lokakuuta",
    "nov november novembre noviembre novembro"
    " lis listopadu listopada ноя нояб ноября kas kasım marras marraskuuta",
    "dec december dezember décembre diciembre dicembre dezembro dez déc dic"
    " pro prosince gru grudnia дек декабря ara aralık joulu joulukuuta",
)
MONTHS: Final = {word: number for number, words in enumerate(_WORDS, 1) for word in words.split()}
"""In small letters."""
_TIME: Final = re.compile(
    r"(?<!\d)(\d{1,2})(?:[:.]|\s*시\s*|\s*時\s*|\s*时\s*)(\d{1,2})(?:(?:[:.]|\s*분\s*|\s*分\s*)(\d{1,2})(?:[.,]\d+)?\s*[초秒]?|[분分])?(?!\d)"
)
_ISO: Final = re.compile(
    r"(\d{4,6})[-/.](\d{1,2})[-/.](\d{1,2})(?:[T ,]+(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?"
    r"\s*(Z\b|UTC\b|GMT\b|[+-]\d{2}:?\d{2}(?!\d))?)?"
)
_EAST: Final = re.compile(r"(?:(\d{4})\s*[年년]\s*)?(\d{1,2})\s*[月월]\s*(\d{1,2})")
_YEAR: Final = re.compile(r"(?<![\d:])(\d{4,6})(?![\d:])")
_WORD: Final = re.compile(r"[^\W\d_]+")
_DAY: Final = re.compile(r"(?<![\d:.])(\d{1,2})(?![\d:])")
_UTC: Final = re.compile(r"(?:\b|(?<=\s))(?:UTC|GMT)(?![+-]|\w)")
_SMBD: Final = re.compile(r"\d{4}/\d\d/\d\d ", re.ASCII)
_LONGEST: Final = 120
_LONGEST_ISO: Final = 33
_AFTERNOON: Final = re.compile(r"\b[Pp]\.?[Mm]\b|오후|午後|下午")
_MORNING: Final = re.compile(r"\b[Aa]\.?[Mm]\b|오전|午前|上午")
_USUAL: Final = re.compile(
    r"[A-Z][a-z]{2} ([A-Z][a-z]{2})  ?(\d{1,2}) (\d{2}):(\d{2}):(\d{2})(?: ([AP]M))? (\d{4})"
    r"(?: ([A-Z]{3,5}))?"
)
"""As Samba writes it in English; it is also the quickest to read."""


def moment(text: str) -> datetime | None:
    """The date in a text; None where none can be read, or it is one at which nobody connects.

    Without a time zone where the text names none, or names one by an abbreviation: IST is three of them.
    """
    # Sources have half a million of them, and most are written in one of two ways.
    if text[10:11] == "T" and len(text) < _LONGEST_ISO and (found := iso(text)):
        return found
    if text[13:14] == ":" == text[16:17] and (day := _day(text[:11], text[19:_LONGEST])):
        with suppress(ValueError):
            return datetime.combine(day, time.fromisoformat(text[11:19]), day.tzinfo)
    return _moment(text[:_LONGEST])


@lru_cache(maxsize=4096)
def _day(before: str, after: str) -> datetime | None:
    """Midnight of what stands around a time as Samba or smbd write it; None for what is written otherwise."""
    if _SMBD.fullmatch(before) and not after:
        return iso(f"{before[:10].replace('/', '-')}T00:00:00")
    usual = _USUAL.fullmatch(f"{before}00:00:00{after}")
    with suppress(ValueError):
        return _usual(usual) if usual and not usual[6] else None
    return None


@lru_cache(maxsize=4096)
def _moment(said: str) -> datetime | None:
    try:
        if usual := _USUAL.fullmatch(said):
            return _usual(usual)
        if dated := _ISO.search(said):
            return _iso(dated)
        return _worded(said)
    except (ValueError, OverflowError):
        return None


def iso(said: str) -> datetime | None:
    """The quickest way for what is nothing but ISO 8601."""
    try:
        found = datetime.fromisoformat(said)
    except ValueError:
        return None
    if not FIRST_YEAR <= found.year <= LAST_YEAR:
        return None
    # Moments of one time zone are compared four times as fast as those of two that are equal.
    zone = found.tzinfo
    return found if zone is None or zone is UTC else found.replace(tzinfo=_one_of(zone))


@lru_cache(maxsize=64)
def _one_of(zone: tzinfo) -> tzinfo:
    return zone


def _usual(match: re.Match[str]) -> datetime | None:
    month, day, hour, minute, second, half, year, zone = match.groups()
    hours = int(hour)
    if half:
        hours = hours % 12 + (12 if half == "PM" else 0)
    if not FIRST_YEAR <= int(year) <= LAST_YEAR or month.lower() not in MONTHS:
        return None
    known = UTC if zone in ("UTC", "GMT") else None
    number = MONTHS[month.lower()]
    return datetime(int(year), number, int(day), hours, int(minute), int(second), tzinfo=known)


def _iso(match: re.Match[str]) -> datetime | None:
    year, month, day, hour, minute, second, part, zone = match.groups()
    if not FIRST_YEAR <= int(year) <= LAST_YEAR:
        return None
    micro = int((part or "0")[:6].ljust(6, "0"))
    numbers = int(hour or 0), int(minute or 0), int(second or 0)
    return datetime(int(year), int(month), int(day), *numbers, micro, tzinfo=zone_of(zone or ""))


def zone_of(text: str) -> timezone | None:
    """The time zone of ``Z``, ``UTC``, ``GMT``, ``+HH:MM`` or ``+HHMM``; None of ""."""
    if not text:
        return None
    if text[0] not in "+-":
        return UTC
    digits = text[1:].replace(":", "")
    away = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return timezone(-away if text[0] == "-" else away)


def _worded(said: str) -> datetime | None:
    clock = _TIME.search(said)
    if clock is None:
        return None
    hour, minute, second = (int(one or 0) for one in clock.groups())
    if _AFTERNOON.search(said) and hour < 12:
        hour += 12
    elif _MORNING.search(said) and hour == 12:
        hour = 0
    rest = f"{said[: clock.start()]} {said[clock.end() :]}"
    found = _date(rest)
    if found is None or not FIRST_YEAR <= found[0] <= LAST_YEAR:
        return None
    return datetime(*found, hour, minute, second, tzinfo=UTC if _UTC.search(rest) else None)


def _date(rest: str) -> tuple[int, int, int] | None:
    """Year, month and day of what is left when the time is taken out."""
    years = [int(one) for one in _YEAR.findall(rest)]
    if east := _EAST.search(rest):
        year, month, day = east.groups()
        # Samba's own format has the year last, whatever the language: "5월 31 17시 23분 44초 2021".
        return (int(year or (years[-1] if years else 0)), int(month), int(day))
    # The last word that is a month: "mar. mars 19" is a Tuesday in March.
    months = [MONTHS[word] for word in (one.lower() for one in _WORD.findall(rest)) if word in MONTHS]
    days = [int(one) for one in _DAY.findall(rest)]
    return (years[-1], months[-1], days[0]) if months and years and days else None
