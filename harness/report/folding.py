"""Where a line may be broken in a language that sets no blanks between words."""

from __future__ import annotations

from typing import Final

from rich.cells import cell_len
from rich.text import Text

_NOT_FIRST: Final = frozenset(
    "、。，．・：；？！ー」』）］｝〕】〉》々ぁぃぅぇぉっゃゅょァィゥェォッャュョ,.:;!?)]}"
)
"""What no line begins with (JIS X 4051, 4.2)."""
_NOT_LAST: Final = frozenset("「『（［｛〔【〈《([{")
"""What no line ends with."""
_SEPARATORS: Final = frozenset("+:,/-")
"""Behind which a name that is longer than a line is broken."""


def folded(text: Text, width: int) -> list[Text]:
    """The text in lines of at most ``width`` columns, of which wide characters take two.

    A line ends at a blank or beside a wide character; inside a name only where it is longer than a line.
    """
    plain, start, cuts = text.plain, 0, list[int]()
    while (last := _full(plain, start, width)) < len(plain.rstrip()):
        start = _end(plain, start, last)
        cuts.append(start)
    lines = list(text.divide(cuts)) if cuts else [text.copy()]
    for line in lines:
        line.rstrip()
    return lines


def _full(plain: str, start: int, width: int) -> int:
    """Up to where the line that begins at ``start`` is filled: blanks may hang over it."""
    used, at = 0, start
    while at < len(plain):
        # A selector of emoji style (U+FE0F) makes what is before it wide.
        used += cell_len(plain[at]) + (plain[at] == "\ufe0f")
        if used > width and at > start and not plain[at].isspace():
            break
        at += 1
    return at


def _end(plain: str, start: int, last: int) -> int:
    """Where the line that begins at ``start`` and is full at ``last`` ends."""
    places = range(last, start, -1)
    at_words = (at for at in places if at < len(plain) and _breaks(plain[at - 1], plain[at]))
    in_names = (at for at in places if plain[at - 1] in _SEPARATORS)
    return next(at_words, next(in_names, last))


def _breaks(before: str, after: str) -> bool:
    """Whether a line may end between two characters."""
    if after.isspace():
        return False
    if before.isspace():
        return True
    beside = cell_len(before) > 1 or cell_len(after) > 1
    return beside and after not in _NOT_FIRST and before not in _NOT_LAST
