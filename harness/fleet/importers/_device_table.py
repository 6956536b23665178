"""The headings of lists of devices, as people and programs write them, in several languages."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache, lru_cache
from itertools import chain, islice
from pathlib import Path
from typing import Final, NamedTuple

from harness import clients
from harness.fleet.forms import csv_rows
from harness.fleet.importers._naming import LONGEST_WORDS, NOTHING, clean
from harness.fleet.reading import Tally


class Column(StrEnum):
    """What a column holds."""

    COUNT = "count"
    CLIENT = "client"
    """A kind of client, by the name of a persona or in free words."""
    NAME = "name"
    ADDRESS = "address"
    MAC = "mac"
    VENDOR = "vendor"
    MODEL = "model"
    OS = "os"
    TYPE = "type"
    SEEN = "seen"


_WORDS: Final[Mapping[Column, str]] = {
    Column.COUNT: "count|number|qty|quantity|amount|total|#|machines|anzahl|menge|stück|stueck"
    "|台数|数量|個数|件数|nombre|quantité|cantidad|número|수량|대수|개수"
    "|count of machines|number of machines",
    Column.CLIENT: "client|clients|persona|personas|kind|kind of client|client kind|client type|clientart"
    "|art|クライアント|クライアントの種類|種類|클라이언트|종류|cliente|client-typ",
    Column.NAME: "hostname|host name|host|name|computer name|computername|computer|device name|devicename"
    "|device|dns name|dnshostname|fqdn|netbios name|asset name|asset|machine"
    "|rechner|rechnername|gerätename|gerät|hostname/fqdn|ホスト名"
    "|コンピューター名|コンピュータ名|機器名|端末名|호스트|호스트 이름|호스트명|컴퓨터 이름"
    "|nom|nom d'hôte|ordinateur|equipo|client name",
    Column.ADDRESS: "ip|ip address|ip-address|ip addr|ipv4|ipv4 address|ipv4address|address|ip-adresse"
    "|ip adresse|adresse|adresse ip|dirección ip"
    "|ipアドレス|アドレス|ip 주소|client ip address|primary ip"
    "|client ip|ip_addr",
    Column.MAC: "mac|mac address|mac-address|mac-adresse|mac adresse|hardware address|hwaddr|physical address"
    "|clientid|client id|unique id"
    "|macアドレス|mac 주소|adresse mac|ethernet address",
    Column.VENDOR: "vendor|manufacturer|make|brand|oem|hersteller|メーカー|製造元|ベンダー"
    "|제조사|fabricant|fabricante"
    "|vendor class|vendor class id|vendorclass|dhcp vendor class|class id|mac vendor|marke",
    Column.MODEL: "model|modell|model name|device model|asset model|product|product name|produkt|hardware"
    "|hardware model|型番|モデル|機種|機種名|製品名"
    "|모델|모델명|modèle|modelo|gerätemodell",
    Column.OS: "os|operating system|operatingsystem|os name|osname|os version|operatingsystemversion|platform"
    "|firmware|firmware version|betriebssystem|os/firmware|オペレーティング システム"
    "|os 名|운영 체제"
    "|système d'exploitation|sistema operativo|system",
    Column.TYPE: "type|device type|category|device category|asset type|class|description|comment|notes|typ"
    "|gerätetyp|kategorie|beschreibung|kommentar|bemerkung|notiz|種別|カテゴリ|説明|備考"
    "|유형|설명|비고|catégorie"
    "|tipo|remarks",
    Column.SEEN: "last seen|lastseen|last logon|lastlogondate|last logon date|last contact|last activity|seen"
    "|zuletzt gesehen|letzte anmeldung|最終接続|最終確認|마지막 접속|dernière connexion",
}
_PLAIN = re.compile(r"[\s_.\-]+")


def _key(word: str) -> str:
    return _PLAIN.sub("", word.strip(" \t\"'*\ufeff")).casefold()


HEADINGS: Final[Mapping[str, Column]] = {
    _key(word): column for column, words in _WORDS.items() for word in words.split("|")
}
_NOT_OURS: Final = frozenset(
    map(_key, ("Event ID", "TimeCreated", "ClientComputerName", "Message", "Ereignis-ID", "イベント ID"))
)
"""Headings of events and sessions, which other importers read."""
_TOTALS: Final = frozenset(
    ("total", "sum", "grand total", "all", "summe", "gesamt", "insgesamt", "合計", "計", "합계", "총계")
)
_AHEAD: Final = 8
MOST: Final = 10_000_000
"""Machines that one row may stand for; more is a mistake of the list."""
UNFIT: Final = "a row with more cells than its heading"


@dataclass(frozen=True, slots=True)
class Table:
    """How a list is written."""

    columns: tuple[Column | None, ...]
    separator: str
    heading: tuple[str, ...] = ()
    """Its first line, where that is a heading."""

    def has(self, *columns: Column) -> bool:
        return any(column in self.columns for column in columns)


def table(first: Sequence[str]) -> tuple[int, Table] | None:
    """How a list is written that begins so, and how many lines stand above its first row; None for no list.

    Above the heading may stand empty lines, comments (#) and Excel's "sep=;".
    """
    for at, line in enumerate(first[:_AHEAD]):
        text = line.strip().lstrip("\ufeff")
        if not text or text.startswith("#") or text.lower().startswith("sep="):
            continue
        separator = csv_rows.separator_of(text)
        if not separator:
            return None
        words = [_key(cell) for cell in text.split(separator)]
        if not _NOT_OURS.isdisjoint(words):
            return None
        columns = _once([HEADINGS.get(word) for word in words])
        if sum(column is not None for column in columns) >= _ENOUGH:
            return at + 1, Table(
                columns, separator, tuple(cell.strip(' "') for cell in text.split(separator))
            )
        bare = _bare([line for line in first[at:] if line.strip()], separator)
        return (at, bare) if bare else None
    return None


_ENOUGH = 2
_FEW_ROWS = 20


def _once(columns: Sequence[Column | None]) -> tuple[Column | None, ...]:
    """A second column of one kind has nothing to say, but for the words of a make."""
    seen: set[Column] = set()
    kept: list[Column | None] = []
    for column in columns:
        several = column in (Column.VENDOR, Column.MODEL, Column.OS, Column.TYPE)
        kept.append(column if column is not None and (several or column not in seen) else None)
        if column:
            seen.add(column)
    return tuple(kept)


def _bare(rows: Sequence[str], separator: str) -> Table | None:
    """A list without a heading: each row a word and a number, in one order."""
    orders = set()
    for row in rows[:_FEW_ROWS]:
        cells = [cell.strip(' "') for cell in row.split(separator)]
        if len(cells) != _ENOUGH:
            return None
        orders.add(tuple(cell.isdecimal() for cell in cells))
    if orders == {(False, True)}:
        return Table((Column.CLIENT, Column.COUNT), separator)
    if orders == {(True, False)}:
        return Table((Column.COUNT, Column.CLIENT), separator)
    return None


class Line(NamedTuple):
    """One row of a list."""

    number: int
    text: str
    cells: Sequence[str]
    where: Mapping[Column, Sequence[int]]
    """In which cells a column stands."""
    makes: Sequence[int]
    """In which what is said of the make stands: maker, model, system and type."""

    def word(self, column: Column) -> str:
        """The first word in columns of that kind; "" where none is there."""
        for at in self.where.get(column, ()):
            if at < len(self.cells) and self.cells[at]:
                return " ".join(self.cells[at].split())
        return ""

    @property
    def make(self) -> str:
        """What the list says of the make: maker, model, system and type, each once."""
        cells = self.cells
        return _make(tuple([cells[at][:LONGEST_WORDS] for at in self.makes if at < len(cells)]))


_OF_MAKES: Final = (Column.VENDOR, Column.MODEL, Column.OS, Column.TYPE)


@lru_cache(maxsize=4096)
def _make(words: tuple[str, ...]) -> str:
    """Lists say the same makes over and over."""
    kept = (" ".join(word.split()) for word in words if word.casefold() not in NOTHING)
    return clean(", ".join(dict.fromkeys(kept)))


def lines_of(lines: Iterable[str], tally: Tally) -> Iterator[Line]:
    """The rows of a list, without its heading, empty rows and the sum below it."""
    coming = iter(lines)
    first = list(islice(coming, _AHEAD + _FEW_ROWS))
    found = table(first)
    if found is None:
        tally.answers_nothing = NO_HEADING
        return
    above, kind = found
    where: dict[Column, list[int]] = {}
    for at, column in enumerate(kind.columns):
        if column:
            where.setdefault(column, []).append(at)
    makes = [at for column in _OF_MAKES for at in where.get(column, ())]
    width = len(kind.columns)
    tally.passed_over += above
    for number, cells, text in csv_rows.rows(chain(first[above:], coming), kind.separator, first=above + 1):
        if not any(cells) or text.startswith("#"):
            tally.passed_over += 1
        elif len(cells) > width and any(cells[width:]):
            tally.wonder(UNFIT, number, text)
        elif cells[0].casefold() in _TOTALS or cells == kind.heading:
            # The sum below a list, or its heading again, as where files were put one behind the other.
            tally.passed_over += 1
        else:
            yield Line(number, text, cells, where, makes)


NO_HEADING: Final = (
    "there is no heading that is known here: a list needs at least client and count, or a name and a model"
)


@cache
def shipped_personas() -> frozenset[str]:
    """The names of the personas that come with the program, without loading one."""
    folder = Path(clients.__file__).parent / "personas"
    return frozenset(file.stem for file in folder.glob("*.toml"))
