"""What is kept of sightings: one record for each pair of address and name that sources speak of.

Memory grows with the machines, not with the lines. Records of one pair are put together with ``absorb``,
which comes to the same in any order, and changes nothing the second time. No record has a user.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from harness.fleet.sighting import Logon, Role, Sighting
from harness.model import Dialect

MOST_WORDS: Final = 8
"""Different words of one kind (of its make, unknown dialects) that are kept of one pair: hostile sources have
any number of them. Those that come first in the alphabet, so that the order of files does not matter."""
LONGEST: Final = 200
"""Characters of an address, a name, or a word, that are kept."""
_MOST_MET: Final = 65536
"""Sightings that are kept because others may be like them."""
Key = tuple[str, str, str]
"""Address, name, and for a line of a list that has neither which line that is."""
Times = dict[Dialect, datetime | None]


def comparable(moment: datetime) -> datetime:
    """A moment that can be compared with others: one without a time zone counts as UTC."""
    if moment.tzinfo is None:
        return moment
    try:
        return moment.astimezone(UTC).replace(tzinfo=None)
    except OverflowError:
        return moment.replace(tzinfo=None)


def later(one: datetime | None, other: datetime | None) -> datetime | None:
    """The later of two moments; the known one where one is not known."""
    if one is None or other is None:
        return one or other
    if one is other:
        return one
    # Those that Python can compare are most of them, and then it does it four times as fast.
    alike = (one.tzinfo is None) is (other.tzinfo is None)
    first, second = (one, other) if alike else (comparable(one), comparable(other))
    if first != second:
        return one if first > second else other
    if one.tzinfo == other.tzinfo:
        return one
    # The same moment, written in two ways: always the same of both.
    return max(one, other, key=lambda moment: moment.isoformat())


def earlier(one: datetime | None, other: datetime | None) -> datetime | None:
    """The earlier of two moments; the known one where one is not known."""
    if one is None or other is None:
        return one or other
    return other if later(one, other) == one and one != other else one


@dataclass(slots=True)
class Record:
    """What sources say of one pair of address and name; its fields are those of ``Machine``."""

    address: str = ""
    name: str = ""
    line: str = ""
    """Of a list of kinds with numbers: which line of which list; else ""."""
    dialects: Times = field(default_factory=dict)
    smb2: bool = False
    unknown_dialects: set[str] = field(default_factory=set)
    offered: tuple[Dialect, ...] = ()
    held_at: set[Dialect] = field(default_factory=set)
    smb1_refused: bool = False
    logons: dict[Logon, datetime | None] = field(default_factory=dict)
    signed: set[bool] = field(default_factory=set)
    cannot_sign: bool = False
    encrypted: set[bool] = field(default_factory=set)
    cannot_encrypt: bool = False
    wrong_spn: bool = False
    serves: set[Dialect] = field(default_factory=set)
    said: set[str] = field(default_factory=set)
    named: dict[str, str] = field(default_factory=dict)
    roles: set[Role] = field(default_factory=set)
    first_seen: datetime | None = None
    last_seen: datetime | None = None
    sources: dict[str, int] = field(default_factory=dict)
    """The files that speak of it (by their numbers in the store), and in how many sightings."""
    count: int = 1

    @property
    def key(self) -> Key:
        """By what it is told from other records."""
        return self.address, self.name, self.line

    def see(self, one: Sighting, source: str) -> None:
        """One more sighting of this pair, of a source."""
        seen = one.seen
        if seen is not None:
            self.last_seen = later(self.last_seen, seen)
            self.first_seen = earlier(self.first_seen, seen)
        self.roles.add(one.role)
        self.sources[source] = self.sources.get(source, 0) + 1
        if one.role is Role.SERVER:
            # What it does as a server says nothing of it as a client.
            if one.dialect is not None:
                self.serves.add(one.dialect)
        else:
            if one.dialect is not None:
                self.dialects[one.dialect] = later(self.dialects.get(one.dialect), seen)
            if one.smb2:
                self.smb2 = True
            if one.signed is not None:
                self.signed.add(one.signed)
            if one.encrypted is not None:
                self.encrypted.add(one.encrypted)
        if one.logon is not None:
            self.logons[one.logon] = later(self.logons.get(one.logon), seen)
        if one.offered:
            self.offered = fuller(self.offered, one.offered)
        if one.smb1_refused:
            self.smb1_refused = True
        if one.cannot_sign:
            self.cannot_sign = True
        if one.cannot_encrypt:
            self.cannot_encrypt = True
        if one.wrong_spn:
            self.wrong_spn = True
        if one.unknown_dialect:
            _keep(self.unknown_dialects, one.unknown_dialect)
        if one.said:
            _keep(self.said, one.said)
        if one.persona:
            place = str(one.place)
            self.named[one.persona] = min(self.named.get(one.persona, place), place)
        if one.count > self.count:
            self.count = one.count

    def see_again(self, one: Sighting, source: str) -> None:
        """A sighting that is ``like`` one that was seen of this pair: it says nothing new but its time."""
        self.sources[source] += 1
        seen = one.seen
        if seen is None:
            return
        if self.first_seen is None or self.last_seen is None:
            self.first_seen = self.last_seen = seen
        elif (last := later(self.last_seen, seen)) is seen:
            self.last_seen = seen
        else:
            self.last_seen = last
            self.first_seen = earlier(self.first_seen, seen)
        if one.dialect is not None and one.role is not Role.SERVER:
            self.dialects[one.dialect] = later(self.dialects.get(one.dialect), seen)
        if one.logon is not None:
            self.logons[one.logon] = later(self.logons.get(one.logon), seen)

    def absorb(self, other: Record) -> None:
        """All that another record of the same pair says, too."""
        for dialect, seen in other.dialects.items():
            self.dialects[dialect] = later(self.dialects.get(dialect), seen)
        for logon, seen in other.logons.items():
            self.logons[logon] = later(self.logons.get(logon), seen)
        _keep(self.unknown_dialects, *other.unknown_dialects)
        _keep(self.said, *other.said)
        self.offered = fuller(self.offered, other.offered)
        self.held_at |= other.held_at
        self.signed |= other.signed
        self.encrypted |= other.encrypted
        self.serves |= other.serves
        self.roles |= other.roles
        self.smb1_refused |= other.smb1_refused
        self.smb2 |= other.smb2
        self.cannot_sign |= other.cannot_sign
        self.cannot_encrypt |= other.cannot_encrypt
        self.wrong_spn |= other.wrong_spn
        for kind, place in other.named.items():
            self.named[kind] = min(self.named.get(kind, place), place)
        for source, number in other.sources.items():
            self.sources[source] = max(self.sources.get(source, 0), number)
        self.first_seen = earlier(self.first_seen, other.first_seen)
        self.last_seen = later(self.last_seen, other.last_seen)
        self.count = max(self.count, other.count)

    @property
    def newest(self) -> Dialect | None:
        """The newest dialect that was chosen with it."""
        return max(self.dialects, key=lambda one: one.revision, default=None)


def fuller(one: tuple[Dialect, ...], other: tuple[Dialect, ...]) -> tuple[Dialect, ...]:
    """The offer with more dialects; of as many always the same one."""

    if one == other or not other:
        return one

    def size(offer: tuple[Dialect, ...]) -> tuple[int, list[int]]:
        return len(set(offer)), [dialect.revision for dialect in offer]

    return max(one, other, key=size)


def _keep(kept: set[str], *words: str) -> None:
    for whole in words:
        word = whole[:LONGEST]
        if word in kept:
            continue
        if len(kept) >= MOST_WORDS:
            last = max(kept)
            if word > last:
                continue
            kept.discard(last)
        kept.add(word)


class Gathering:
    """The records of one source, made of its sightings one after the other."""

    def __init__(self, source: str, list_name: str = "") -> None:
        """``source``: its number in the store; ``list_name``: tells its lines from those of other lists."""
        self.source = source
        self.nobody = 0
        """Sightings that name nobody: no address, no name, no kind."""
        self._list = list_name or source
        self._records: dict[Key, Record] = {}
        self._met: dict[int, tuple[Sighting, Record]] = {}
        """Sightings that others are like, by their identity, and the records that have seen them."""

    def add(self, one: Sighting) -> None:
        """One more sighting."""
        like = one.like
        if like is not None and (known := self._met.get(id(like))) is not None:
            known[1].see_again(one, self.source)
            return
        if one.address or one.name:
            key = one.address, one.name, ""
        elif one.persona or one.said:
            key = "", "", f"{self._list}:{one.persona}:{one.said[:LONGEST]}"
        else:
            self.nobody += 1
            return
        record = self._records.get(key)
        if record is None:
            record = self._records[key] = Record(key[0][:LONGEST], key[1][:LONGEST], key[2])
        elif key[2]:
            # Two lines of one list that say the same are two groups of machines.
            record.count += one.count
            return
        record.see(one, self.source)
        if like is not None and not one.persona and not key[2]:
            # Kept from the second of them on: of most there is no second, and all that is kept costs time.
            if len(self._met) >= _MOST_MET:
                self._met.clear()
            self._met[id(like)] = like, record

    def records(self) -> list[Record]:
        """What was gathered. Called once, when the source is read to its end."""
        chosen = {dialect for record in self._records.values() for dialect in record.dialects}
        best = max(chosen, key=lambda one: one.revision, default=None)
        for record in self._records.values():
            newest = record.newest
            if newest is not None and newest is not best:
                record.held_at.add(newest)
        return together(self._records.values())


def together(records: Iterable[Record]) -> list[Record]:
    """Records of the same pair as one."""
    found: dict[Key, Record] = {}
    for record in records:
        known = found.get(record.key)
        if known is None:
            found[record.key] = record
        else:
            known.absorb(record)
    return list(found.values())
