"""JSON of any size, member by member: whole documents behind one another, cut off, with noise between them.

Only what is asked for is looked into; every other value is decoded as a whole and let go. For smbstatus,
whose one document holds everything: behind damage it goes on where the next document begins. Records that
are alike are read by ``json_records``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from harness.fleet.forms.text import MOST_OF_A_LINE
from harness.fleet.reading import Tally

Path = tuple[str, ...]


class Begun:
    """Stands for a table or list that is looked into: its members follow."""


BEGUN: Final = Begun()
MOST_OF_A_VALUE: Final = 4 * 1024 * 1024
"""Characters of one member that is decoded as a whole."""
DEEPEST: Final = 6
_ENOUGH: Final = 64 * 1024
_SPACE: Final = re.compile(r"[ \t\r\n]*")
_BEGINNING: Final = re.compile(r"^[ \t]*[{\[]", re.MULTILINE)
_AT_THE_EDGE: Final = re.compile(r"^[{\[]", re.MULTILINE)
"""Where another document may begin behind a damaged one: what is inside of one is indented or behind it."""
_DECODER: Final = json.JSONDecoder(strict=False)
DAMAGED: Final = "JSON that is damaged"
CUT_OFF: Final = "JSON that ends before it is complete"


class _DamagedError(Exception):
    """What stands there is no JSON; the text says of which kind that is."""


def members(
    lines: Iterable[str], tally: Tally, deeper: Callable[[Path], bool]
) -> Iterator[tuple[Path, object]]:
    """What the documents hold, each with the names that lead to it; () is a document itself.

    ``deeper``: whether the table or list of that path is looked into: then BEGUN stands for it, and its
    members follow, those of a list by their numbers from 0. What is no JSON is counted in ``tally``.
    """
    source = _Source(lines)
    while source.at_a_document(tally):
        try:
            yield from _value(source, (), deeper)
        except _DamagedError as error:
            tally.wonder(str(error), source.line, source.shown())
            source.pass_over()


def _value(source: _Source, path: Path, deeper: Callable[[Path], bool]) -> Iterator[tuple[Path, object]]:
    opening = source.peek()
    if opening not in "{[" or len(path) >= DEEPEST or not deeper(path):
        yield path, source.whole()
        return
    yield path, BEGUN
    closing = "}" if opening == "{" else "]"
    source.take()
    number = 0
    if source.peek() == closing:
        source.take()
        return
    while True:
        name: object = str(number)
        if opening == "{":
            name = source.whole()
            if not isinstance(name, str) or source.take() != ":":
                raise _DamagedError(DAMAGED)
        source.peek()
        yield from _value(source, (*path, str(name)), deeper)
        number += 1
        match source.take():
            case ",":
                source.peek()
            case end if end == closing:
                return
            case _:
                raise _DamagedError(DAMAGED)


class _Source:
    """The text as far as it is needed."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines = iter(lines)
        self._text = ""
        self._at = 0
        self._over = False
        self.line = 0
        """How many lines were taken, which is about where it stands."""

    def _more(self, enough: int = _ENOUGH) -> bool:
        """Whether there was more. What is behind is let go."""
        pieces = [self._text[self._at :]]
        self._at, size = 0, 0
        for line in self._lines:
            self.line += 1
            pieces.append(line)
            size += len(line) + 1
            # A longer line comes in pieces of that length, and a string may be cut.
            if len(line) != MOST_OF_A_LINE:
                pieces.append("\n")
            if size >= enough:
                break
        self._over = size < enough
        self._text = "".join(pieces)
        return size > 0

    def at_a_document(self, tally: Tally) -> bool:
        """Goes on to where a line begins with a bracket; False where there is none any more."""
        while True:
            if (space := _SPACE.match(self._text, self._at)) and self._text[
                space.end() : space.end() + 1
            ] in ("{", "["):
                self._at = space.end()
                return True
            found = _BEGINNING.search(self._text, self._at)
            between = self._text[self._at : found.start() if found else None]
            for line in between.split("\n"):
                if line.strip():
                    tally.wonder("a line between JSON documents", self.line, line)
            if found:
                self._at = found.end() - 1
                return True
            self._at = len(self._text)
            if self._over or not self._more():
                return False

    def pass_over(self) -> None:
        """To the end of the line, from where another document may begin."""
        end = self._text.find("\n", self._at)
        self._at = len(self._text) if end < 0 else end
        while not (found := _AT_THE_EDGE.search(self._text, self._at)):
            self._at = len(self._text)
            if self._over or not self._more():
                return
        self._at = found.start()

    def peek(self) -> str:
        """The next character that is no space."""
        # Mostly there is none.
        if (here := self._text[self._at : self._at + 1]) and not here.isspace():
            return here
        while True:
            space = _SPACE.match(self._text, self._at)
            self._at = space.end() if space else self._at
            if self._at < len(self._text):
                return self._text[self._at]
            if self._over or not self._more():
                raise _DamagedError(CUT_OFF)

    def take(self) -> str:
        """The next character that is no space, gone past."""
        found = self.peek()
        self._at += 1
        return found

    def whole(self) -> object:
        """The next value, decoded."""
        self.peek()
        enough = _ENOUGH
        while True:
            try:
                found, end = _DECODER.raw_decode(self._text, self._at)
            except RecursionError as error:
                raise _DamagedError("JSON that is nested too deeply") from error
            except ValueError as error:
                if len(self._text) - self._at > MOST_OF_A_VALUE:
                    raise _DamagedError("JSON with one value of more than 4 MiB, or damaged") from error
                if self._over or not self._more(enough):
                    near = getattr(error, "pos", len(self._text)) >= len(self._text.rstrip()) - 1
                    cut = near or "Unterminated" in str(error)
                    raise _DamagedError(CUT_OFF if cut else DAMAGED) from error
                enough *= 2
                continue
            # A number may go on in what is not there yet.
            if end < len(self._text) or self._over:
                self._at = end
                return found
            self._more()

    def shown(self) -> str:
        """What stands there."""
        return " ".join(self._text[max(0, self._at - 40) : self._at + 80].split())
