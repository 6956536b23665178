"""Rows of a CSV file, one after the other: whatever separates its cells, however wrong its quotes are."""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

SEPARATORS: Final = ";\t,|"
DEEPEST: Final = 200
"""Lines that one cell may hold (the message of a logon event has 60); a quote that is not closed by then is
none."""
LARGEST: Final = 1 << 18
"""Characters of such a cell."""


class Row(NamedTuple):
    """Its cells, and where it stands."""

    number: int
    """Its first line, from 1."""
    cells: tuple[str, ...]
    text: str
    """Its first line as it stands there."""


def separator_of(heading: str) -> str:
    """What separates the cells of a heading: the one that stands in it most often outside of quotes; "" for
    a line of one cell."""
    outside = "".join(heading.split('"')[::2])
    best = max(SEPARATORS, key=outside.count)
    return best if best in outside else ""


def rows(lines: Iterable[str], separator: str, first: int = 1) -> Iterator[Row]:
    """All rows, empty ones too (without cells). A quote that is never closed costs its own row alone.

    ``lines`` come without their ends; ``first`` is the number of the first of them.
    """
    coming = iter(lines)
    again: deque[str] = deque()
    number = first - 1
    while (line := again.popleft() if again else next(coming, None)) is not None:
        number += 1
        if '"' not in line:
            yield Row(number, _plain(line, separator), line)
            continue
        held, cells = [line], _quoted(line, separator)
        size = len(line)
        while (
            cells is None
            and len(held) < DEEPEST
            and size < LARGEST
            and (more := again.popleft() if again else next(coming, None)) is not None
        ):
            held.append(more)
            size += len(more)
            if '"' in more:
                cells = _quoted("\n".join(held), separator)
        if cells is None:
            again.extendleft(reversed(held[1:]))
            held, cells = held[:1], _plain(line.replace('"', ""), separator)
        yield Row(number, cells, line)
        number += len(held) - 1


def _plain(text: str, separator: str) -> tuple[str, ...]:
    if not text.strip():
        return ()
    return tuple(map(str.strip, text.split(separator) if separator else [text]))


def _quoted(text: str, separator: str) -> tuple[str, ...] | None:
    """None where a quote is still open at the end."""
    between = f'"{separator}"'
    if text[:1] == text[-1:] == '"' and text.count('"') == 2 * text.count(between) + 2 and len(text) > 1:
        # Every cell has quotes around it and none inside, as Export-Csv writes.
        return tuple(map(str.strip, text[1:-1].split(between)))
    try:
        found = next(csv.reader([text], delimiter=separator or ",", skipinitialspace=True, strict=True), [])
    except csv.Error as error:
        if "end of data" in str(error):
            return None
        # A quote in the middle of a cell, as in 24" display.
        return _plain(text.replace('"', ""), separator)
    return tuple(cell.strip() for cell in found)
