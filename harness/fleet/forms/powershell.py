"""What PowerShell shows in its window, as people paste it: tables, lists, prompts and errors."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

_RULE = re.compile(r"\s*-+(?:\s+-+)*\s*")
_PAIR = re.compile(r"(?P<key>[A-Za-z][\w#.]*)\s*:(?: (?P<value>.*)|$)")
_WORD = re.compile(r"\S+")
PROMPT: Final = re.compile(
    r"^(?:\[[^\]]*\]: ?)?PS(?: ?[A-Za-z]:\\[^>]*| [A-Z]+:[^>]*| ?/[^>]*)?> ?(?P<command>.*)$"
)

LONGEST: Final = 4096
"""Characters of a value that goes on over several lines; what is longer is cut."""
MAY_HOLD_BLANKS: Final = frozenset(
    {"clientusername", "username", "credential", "scopename", "path", "sharerelativepath", "message"}
)
"""Columns whose words may have blanks; all others of these cmdlets are one word."""


@dataclass(frozen=True, slots=True)
class Shown:
    """One row of a table, one block of a list, or a line that is neither."""

    number: int
    text: str
    """Its first line."""
    values: Mapping[str, str] = field(default_factory=dict)
    """By the names of columns in lower case; empty for a line that is neither, and for a row that does not
    fit its heading."""
    row: bool = False
    """It stands in a table or a list."""
    command: str = ""
    """What stands behind a prompt."""


@dataclass(slots=True)
class _Table:
    names: tuple[str, ...]
    starts: tuple[tuple[int, int], ...]
    between: tuple[tuple[int, int, int, int], ...] = ()
    """Of each column the end of the one before it, its own start and end, and the start of the next one."""
    regions: tuple[tuple[str, int, int], ...] = ()
    """Of each column its name, its start, and the start of the next one."""

    def __post_init__(self) -> None:
        ends = [0, *(end for _, end in self.starts)]
        begins = [*(begin for begin, _ in self.starts[1:]), sys.maxsize]
        self.regions = tuple(
            (name, left, right) for name, left, right in zip(self.names, (0, *begins), begins, strict=False)
        )
        self.between = tuple(
            (end, *own, next_) for end, own, next_ in zip(ends, self.starts, begins, strict=False)
        )

    def _usual(self, line: str) -> dict[str, str]:
        """A row with one word below each heading and a blank before each, as most rows are; {} for others."""
        if not line.isascii():
            # Signs of two columns move what follows.
            return {}
        found = {}
        for name, left, right in self.regions:
            word = line[left:right].strip()
            if not word or " " in word or (left and line[left - 1] != " "):
                return {}
            found[name] = word
        return found

    def split(self, line: str) -> dict[str, str]:
        """A row by its columns; {} where it does not fit.

        PowerShell aligns columns; whoever pastes them may have lost the blanks. Where the words do not stand
        below their headings, they are taken in their order, and words too many belong to the one column
        that may hold blanks.
        """
        if usual := self._usual(line):
            return usual
        words = [(*found.span(), found[0]) for found in _WORD.finditer(line)]
        if len(words) == len(self.names) and all(
            before <= start < right and left < end <= after
            for (start, end, _), (before, left, right, after) in zip(words, self.between, strict=True)
        ):
            return {name: word for name, (_, _, word) in zip(self.names, words, strict=True)}
        aligned = self._aligned(words)
        if aligned and all(aligned.values()):
            return aligned
        below = {
            at
            for at, (left, right) in enumerate(self.starts)
            if any(start == left or end == right for start, end, _ in words)
        }
        in_order = self._in_order([word for _, _, word in words])
        return (aligned or in_order) if len(below) > 1 else (in_order or aligned)

    def _aligned(self, words: list[tuple[int, int, str]]) -> dict[str, str]:
        cells: list[list[str]] = [[] for _ in self.names]
        for start, end, word in words:
            over = [at for at, (left, right) in enumerate(self.starts) if start < right and end > left]
            if len(over) > 1:
                return {}
            if over:
                column = over[0]
            else:
                # Between two columns: of the left one, unless nothing stands there yet and only the right
                # one can reach so far (numbers are aligned at their right end).
                column = max((at for at, (left, _) in enumerate(self.starts) if left <= start), default=0)
            cells[column].append(word)
        for name, held in zip(self.names, cells, strict=True):
            if len(held) > 1 and name not in MAY_HOLD_BLANKS:
                return {}
        return {name: " ".join(held) for name, held in zip(self.names, cells, strict=True)}

    def _in_order(self, words: list[str]) -> dict[str, str]:
        extra = len(words) - len(self.names)
        loose = [at for at, name in enumerate(self.names) if name in MAY_HOLD_BLANKS]
        if extra and (extra < 0 or len(loose) != 1):
            return {}
        if extra:
            at = loose[0]
            words = [*words[:at], " ".join(words[at : at + extra + 1]), *words[at + extra + 1 :]]
        return dict(zip(self.names, words, strict=True))


def shown(lines: Iterable[str]) -> Iterator[Shown]:
    """All rows, blocks and other lines of a pasted window, in their order."""
    table: _Table | None = None
    block: dict[str, str] = {}
    begun = (0, "")
    last = ""
    held: tuple[int, str] | None = None
    for number, line in enumerate(lines, start=1):
        text = line.rstrip()
        if held and _RULE.fullmatch(text) and text.strip():
            table, held = _table(held[1], text), None
            continue
        if held:
            yield Shown(*held)
            held = None
        if not text:
            table = None
            if block:
                yield Shown(*begun, block, row=True)
                block = {}
            continue
        if prompt := PROMPT.match(text):
            table = None
            yield Shown(number, text, command=prompt["command"] or " ")
        elif table:
            yield Shown(number, text, table.split(text), row=True)
        elif pair := _PAIR.match(text):
            key = pair["key"].lower()
            if key in block:
                yield Shown(*begun, block, row=True)
                block = {}
            if not block:
                begun = (number, text)
            block[key], last = (pair["value"] or "").strip(), key
        elif block and text[0].isspace():
            # A long value goes on below itself.
            if len(block[last]) < LONGEST:
                block[last] += "\n" + text.strip()[:LONGEST]
        else:
            if block:
                yield Shown(*begun, block, row=True)
                block = {}
            held = (number, text)
    if held:
        yield Shown(*held)
    if block:
        yield Shown(*begun, block, row=True)


def _table(heading: str, rule: str) -> _Table | None:
    starts = tuple((found.start(), found.end()) for found in re.finditer("-+", rule))
    words = tuple(found[0].lower() for found in _WORD.finditer(heading))
    if len(words) != len(starts):
        return None
    return _Table(words, starts)
