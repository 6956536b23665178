"""Markdown as job pages, ticket systems and mail show it, around text that may come from anywhere.

Every text goes through ``text`` or ``code``: this is the one place where it is escaped. CommonMark with the
tables and strikethrough of GitHub's dialect.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

from harness.system.plain import clean

_LINKED: Final = re.compile(r"@\w|#\d|gh-\d|://|\bwww\.|mailto:|:[\w+-]+:|\b[0-9a-f]{40}\b", re.IGNORECASE)
"""What becomes a mention, a link or a picture although no character of it is Markdown's: GitHub and GitLab
look for these in the finished text, so that only code is safe."""
_SPECIAL: Final = re.compile(r"[\\`*\[\]~$]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")
"""Characters that mean something inside a line. An underscore between letters means nothing, and names of
statuses stay readable."""
_FIRST: Final = re.compile(r"^(?:(\d+)(?=[.)])|(?=[#+=\-]))")
"""What means something at the beginning of a line: a heading, a list, a rule."""
_HTML: Final = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "|": "&#124;"}
"""What means something in HTML, which Markdown lets through, and what ends the cell of a table."""


BAR: Final = r"\|"


def text(words: str) -> str:
    """Words that are shown as they are, on one line; what a page would make a link of stands as code."""
    words = " ".join(clean(words).split())
    if not _LINKED.search(words):
        return _escaped(words)
    return " ".join(code(word) if _LINKED.search(word) else _escaped(word) for word in words.split())


def code(words: str) -> str:
    """Words in a code span, whatever they are; nothing for nothing."""
    words = clean(words)
    if not words.strip():
        return ""
    fence = "`" * (_longest(words) + 1)
    # A blank inside each fence is taken away again (CommonMark 6.1), where it is on both sides.
    pad = " " if words[0] in "` " or words[-1] in "` " else ""
    return f"{fence}{pad}{words}{pad}{fence}"


def block(lines: Iterable[str], language: str = "") -> list[str]:
    """Lines to copy, in a fenced block."""
    shown = [clean(line) for line in lines]
    fence = "`" * max(3, max(map(_longest, shown), default=0) + 1)
    return [f"{fence}{language}", *shown, fence]


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """A table of cells that are Markdown already. Bars in code need an escape there, and only there."""
    return [
        f"| {' | '.join(head)} |",
        f"|{'|'.join(' --- ' for _ in head)}|",
        *(f"| {' | '.join(cell.replace('|', BAR) for cell in row)} |" for row in rows),
    ]


def names(some: Iterable[str]) -> str:
    """Names as code, with commas."""
    return ", ".join(map(code, some))


def _escaped(words: str) -> str:
    words = _SPECIAL.sub(r"\\\g<0>", words)
    words = _FIRST.sub(r"\1\\", words)
    return "".join(_HTML.get(char, char) for char in words)


def _longest(words: str) -> int:
    """The longest run of backticks."""
    return max((len(run) for run in re.findall("`+", words)), default=0)
