"""A list of kinds of clients with their numbers: ``client,count``, in any order, separated by , ; tab or |.

A client is the exact name of a persona (``rehearse list clients``) or free words, which are kept as the
list's own. A row of an address or a computer's name is that machine.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from harness.fleet.importers._device_table import MOST, Column, Line, lines_of, shipped_personas, table
from harness.fleet.importers._naming import clean, who
from harness.fleet.importers._repeated import Repeated
from harness.fleet.reading import Tally
from harness.fleet.sighting import Place, Role, Sighting

_NO_CLIENT: Final = "a row that names no client"
_NO_NUMBER: Final = "a row whose count is no number of machines"
_NUMBER = re.compile(r"\d{1,3}(?:[.,' \u202f\xa0]\d{3})+")
_WHOLE = re.compile(
    r"(\d{1,9})(?:[.,]0{1,2})?(?:\s*(?:Stück|Stueck|Stk\.?|St\.?|pcs\.?|pieces|units?|台|個|대))?",
    re.IGNORECASE,
)
"""A whole number as spreadsheets write it ("12,0"), and with the unit that somebody wrote behind it."""
_LONGEST_NUMBER: Final = 64
_KINDS = (Column.CLIENT, Column.MODEL, Column.TYPE, Column.OS, Column.NAME, Column.ADDRESS)


class _ClientList:
    name = "clients"
    title = "your own list of clients with their numbers: CSV with client,count"

    def recognises(self, head: str) -> bool:
        found = table(head.splitlines()[:40])
        return found is not None and found[1].has(Column.COUNT) and found[1].has(*_KINDS)

    def read(self, source: str, lines: Iterable[str], tally: Tally) -> Iterator[Sighting]:
        known: Repeated[Sequence[str], Sighting] = Repeated()
        for line in lines_of(lines, tally):
            if line.cells in known:
                yield known[line.cells].again(Place(source, line.number))
                continue
            number = _count(line.word(Column.COUNT))
            kind = next((line.word(column) for column in _KINDS if line.word(column)), "")
            if not kind:
                tally.wonder(_NO_CLIENT, line.number, line.text)
            elif number is None or number > MOST:
                tally.wonder(_NO_NUMBER, line.number, line.text)
            elif number == 0:
                tally.passed_over += 1
            else:
                yield known.keep(line.cells, _kind(kind, number, line, Place(source, line.number)))


def _count(word: str) -> int | None:
    """The number; one where no number stands, as in a list of machines."""
    if not word:
        return 1
    said = word.strip()
    if len(said) > _LONGEST_NUMBER:
        # Python reads no number of thousands of digits, and nobody has so many machines.
        return None
    if said.isdecimal():
        return int(said)
    if whole := _WHOLE.fullmatch(said):
        return int(whole[1])
    return int(re.sub(r"\D", "", said)) if _NUMBER.fullmatch(said) else None


def _kind(kind: str, number: int, line: Line, place: Place) -> Sighting:
    machine = who(line.word(Column.ADDRESS)) or who(kind)
    persona = kind if kind in shipped_personas() else ""
    named = who(line.word(Column.NAME)).name if number == 1 else ""
    make, words = line.make, clean(kind)
    said = clean(f"{kind}, {make}") if make and line.word(Column.CLIENT) and not persona else make or words
    return Sighting(
        place,
        address=machine.address if number == 1 else "",
        name=named,
        role=Role.LISTED,
        said="" if machine.address and said == words else said,
        persona=persona,
        count=number,
    )


IMPORTER = _ClientList()
