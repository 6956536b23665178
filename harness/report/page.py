"""Text on a console: harmless characters only, never wider than the console, nothing behind the last word."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import zip_longest
from string import Formatter
from typing import TextIO

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from harness.report.folding import folded
from harness.report.language import DEFAULT, Language, language
from harness.system.plain import clean

WIDTH = 80
"""Columns where the output is no terminal and COLUMNS says nothing else."""
NARROWEST = 40
"""Columns that are used even where the console has fewer."""
GAP = 2
"""Blanks between two columns."""
AT_ONCE = 1000
"""Lines that are written at a time where there are many."""
INDENT = 2
"""Blanks by which what belongs to a heading is moved in."""

_ASCII = str.maketrans(
    {
        "✓": "+",
        "✗": "x",
        "○": "o",
        "─": "-",
        "–": "-",
        "—": "-",
        "…": "...",
        "·": "-",
        "→": "->",
        "“": '"',
        "”": '"',
        "„": '"',
        "‘": "'",
        "’": "'",
    }
)


_SEPARATORS = re.compile(r"[+:,/]|-(?=.)")
"""Behind which a name may be broken: between the parts of a combination or of a cell first of all."""


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """Rich would end the program here, with the status of an unexpected loss."""
        raise BrokenPipeError


def console_for(stream: TextIO, environment: Mapping[str, str] = os.environ) -> Console:
    """The console for a stream.

    No escape codes unless the stream is a terminal, no styles when NO_COLOR is set to anything; width of
    the terminal, else COLUMNS, else 80.
    """
    terminal = stream.isatty() and environment.get("TERM", "") != "dumb"
    coloured = terminal and not environment.get("NO_COLOR")
    columns = environment.get("COLUMNS", "")
    width = int(columns) if columns.isdecimal() and int(columns) > 0 else WIDTH
    return _Console(
        file=stream,
        force_terminal=terminal,
        color_system="auto" if coloured else None,
        no_color=not coloured,
        width=None if terminal else width,
        markup=False,
        emoji=False,
        highlight=False,
    )


class Page:
    """Writes lines to a console that are never wider than it (or 40 columns, when it is narrower).

    ``lang``: the language of what is written; where the stream takes ASCII alone it is English all the same.
    """

    def __init__(self, console: Console, lang: str = DEFAULT) -> None:
        self.console = console
        self.width = max(console.width, NARROWEST)
        self.ascii = not console.encoding.lower().replace("-", "").startswith("utf")
        self.lang = DEFAULT if self.ascii else lang
        self.yes, self.no = ("+", "x") if self.ascii else ("✓", "✗")
        self._held: list[Text] | None = None

    @property
    def say(self) -> Language:
        """The words of the page's language."""
        return language(self.lang)

    def text(self, text: str, style: str = "") -> Text:
        """Any string made harmless; plain ASCII where the stream cannot take more."""
        text = clean(text)
        if self.ascii:
            text = text.translate(_ASCII).encode("ascii", "backslashreplace").decode("ascii")
        return Text(text, style=style)

    def join(self, *parts: str | tuple[str, str]) -> Text:
        """One text of several, each plain or with a style."""
        whole = Text()
        for part in parts:
            whole.append_text(self.text(*((part,) if isinstance(part, str) else part)))
        return whole

    def filled(self, key: str, /, **parts: str | tuple[str, str]) -> Text:
        """The words of the page's language, each of their ``{places}`` plain or with a style."""
        pieces: list[str | tuple[str, str]] = []
        for words, place, _, _ in Formatter().parse(self.say(key)):
            pieces += [words, *([parts[place]] if place else [])]
        return self.join(*pieces)

    def blank(self) -> None:
        """An empty line."""
        self._line(Text())

    def heading(self, text: Text) -> None:
        """A line that is underlined as far as it goes."""
        self.hanging(text, indent=0)
        self._line(self.text("─" * min(text.cell_len, self.width), "dim"))

    def hanging(
        self, body: Text, *, first: Text | None = None, indent: int = INDENT, deeper: int = 0
    ) -> None:
        """``first`` and ``body``, wrapped; all lines after the first are moved in by ``deeper`` more."""
        whole = Text() if first is None else first.copy()
        whole.append_text(body)
        # The first line has more room than the rest: it is taken off before the rest is wrapped.
        head, *rest = self._wrap(whole, self.width - indent) or [Text()]
        if rest and deeper:
            left = whole[len(head) :]
            left = left[len(left.plain) - len(left.plain.lstrip()) :]
            rest = self._wrap(left, self.width - indent - deeper)
        self._lines([(head, indent), *((line, indent + deeper) for line in rest)])

    def command(self, command: str, *, before: Text | None = None, indent: int = INDENT) -> None:
        """A command to be pasted, behind a few words, or below them where the page is too narrow for both.

        It is never broken, however long a path in it is: a terminal that breaks it copies it as one line.
        """
        typed = self.text(command)
        if before is None:
            self._line(typed, indent)
        elif before.cell_len + typed.cell_len <= self.width:
            self._line(Text.assemble(before, typed))
        else:
            self.hanging(before, indent=0)
            self._line(typed, indent)

    def grid(self, rows: Sequence[Sequence[Text]], widths: Sequence[int], indent: int = INDENT) -> None:
        """Columns of the given widths; what is wider is folded inside its column."""
        lines = []
        for row in rows:
            folded = [self._wrap(cell, width) for cell, width in zip(row, widths, strict=True)]
            for pieces in zip_longest(*folded, fillvalue=Text()):
                line = Text()
                for piece, width in zip(pieces, widths, strict=True):
                    line.append_text(piece)
                    line.append(" " * (width - piece.cell_len + GAP))
                lines.append((line, indent))
        self._lines(lines)

    def _wrap(self, text: Text, width: int) -> list[Text]:
        if self.lang != DEFAULT and not self.say.blanks:
            return folded(text, width)
        # Almost all are short, and to wrap a text costs as much as all else that is done with it.
        short = cell_len(text.plain) <= width
        lines = (
            [text.copy()]
            if short
            else list(_breakable(text, width).wrap(self.console, width, overflow="fold"))
        )
        for line in lines:
            line.rstrip()
        return lines

    def _line(self, text: Text, indent: int = 0) -> None:
        self._lines([(text, indent)])

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """What is written meanwhile is written many lines at a time: each writing asks the console for its
        size and its kind anew, which takes as long as all else where there are thousands of lines.
        """
        if self._held is not None:
            yield
            return
        held = self._held = []
        try:
            yield
        finally:
            self._held = None
            self._print(held)

    def _lines(self, lines: Sequence[tuple[Text, int]]) -> None:
        for text, indent in lines:
            text.rstrip()
            if text.plain:
                text.pad_left(indent)
        texts = [text for text, _ in lines]
        if self._held is None:
            self._print(texts)
        else:
            self._held += texts
            # All of them would be a quarter of the memory that the details of 45,000 cells take.
            if len(self._held) >= AT_ONCE:
                self._print(self._held)
                self._held.clear()

    def _print(self, texts: Sequence[Text]) -> None:
        if texts:
            self.console.print(*texts, sep="\n", soft_wrap=True, highlight=False, markup=False, emoji=False)


def _breakable(text: Text, width: int) -> Text:
    """Names that are longer than a line are broken behind one of their separators, not inside a word."""
    cuts = []
    for word in re.finditer(r"\S+", text.plain):
        start = word.start()
        while cell_len(text.plain[start : word.end()]) > width:
            end = start + max(
                n for n in range(1, width + 1) if cell_len(text.plain[start : start + n]) <= width
            )
            places = [found.end() for found in _SEPARATORS.finditer(text.plain, start, end)]
            if not places:
                break
            start = places[-1]
            cuts.append(start)
    if not cuts:
        return text
    parts = text.divide(cuts)
    return Text("\n").join(parts)


def widest(texts: Sequence[Text]) -> int:
    """The columns that the widest of them takes; 0 for none."""
    return max((cell_len(text.plain) for text in texts), default=0)
