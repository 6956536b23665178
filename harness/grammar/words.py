"""The one place that takes names apart: at ``:``, ``,``, ``+`` and blanks, but never inside ``set(...)``.

``set(name=value)`` and ``unset(name)`` are words of smb.conf(5) within a name. From ``set(`` to the ``)``
that closes it everything is the word's own, ``:``, ``,``, ``+``, ``*``, ``?``, ``[``, ``/`` and blanks too,
and it stands for itself in patterns. Parentheses may stand inside in pairs; one without a partner has a
backslash in front. So has a backslash before a parenthesis, before a backslash, and at the end; every other
backslash is itself.
"""

from __future__ import annotations

import re
from fnmatch import fnmatchcase, translate
from functools import lru_cache

SET, UNSET = "set", "unset"
_MARKS = "*?["
_OPENS = (f"{SET}(", f"{UNSET}(")
_SPECIAL = "()\\"
HINT = r"as in 'set(server signing=mandatory)'; one without a partner inside is written \( or \)"


class UnclosedError(ValueError):
    """A ``set(`` without the parenthesis that closes it; what to do about it is in ``HINT``."""


def split(text: str, at: str) -> list[str]:
    """The words of a text, between ``at``: one character, or a blank for any number of blanks of any kind.

    Blanks give no empty words, as ``str.split`` does. Raises UnclosedError where a ``set(`` is not closed.
    """
    if "set(" not in text:
        return text.split() if at == " " else text.split(at)
    words, word, place = list[str](), "", 0
    while place < len(text):
        end = _end(text, place) if _begins(text, place) else 0
        if end:
            word += text[place:end]
        elif text[place] == at or (at == " " and text[place].isspace()):
            words.append(word)
            word = ""
        else:
            word += text[place]
        place = end or place + 1
    words.append(word)
    return [word for word in words if word] if at == " " else words


def is_combination(change: str) -> bool:
    """Whether the name of a change is that of several, joined by ``+``. Raises as ``split`` does."""
    return len(split(change, "+")) > 1


def is_literal(word: str) -> bool:
    """Whether a word is one ``set(...)`` or ``unset(...)``, and nothing else. Raises as ``split`` does."""
    return word.startswith(_OPENS) and _end(word, 0) == len(word)


def opened(word: str) -> tuple[str, str]:
    """``set`` or ``unset``, and what stands between the parentheses; of what ``is_literal`` says yes to."""
    kind, _, rest = word.partition("(")
    return kind, re.sub(r"\\([()\\])", r"\1", rest[:-1])


def closed(kind: str, inside: str) -> str:
    """The word with that between its parentheses: what ``opened`` takes apart again."""
    paired = _paired(inside)
    made = ""
    for place, letter in enumerate(inside):
        following = inside[place + 1 : place + 2]
        escaped = letter in "()" and not paired
        if letter == "\\":
            escaped = not following or following in _SPECIAL
        made += f"\\{letter}" if escaped else letter
    return f"{kind}({made})"


def is_pattern(word: str) -> bool:
    """Whether a word selects by ``*``, ``?`` or ``[``: outside of every ``set(...)``."""
    return any(mark in piece for piece, literal in _pieces(word) if not literal for mark in _MARKS)


def fits(name: str, pattern: str) -> bool:
    """As ``fnmatch.fnmatchcase``, but that a ``set(...)`` of the pattern stands for itself."""
    if "set(" not in pattern:
        return fnmatchcase(name, pattern)
    return _compiled(pattern).fullmatch(name) is not None


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> re.Pattern[str]:
    made = (re.escape(piece) if literal else f"(?:{_glob(piece)})" for piece, literal in _pieces(pattern))
    return re.compile("".join(made), re.DOTALL)


def _glob(piece: str) -> str:
    # translate() gives (?s:...)\Z, or \z since Python 3.14.
    return translate(piece)[:-2]


def _pieces(text: str) -> list[tuple[str, bool]]:
    """The text in pieces, each with whether it is a ``set(...)``."""
    if "set(" not in text:
        return [(text, False)]
    found, plain, place = list[tuple[str, bool]](), "", 0
    while place < len(text):
        if _begins(text, place):
            end = _end(text, place)
            found += [(plain, False), (text[place:end], True)]
            plain, place = "", end
        else:
            plain += text[place]
            place += 1
    return [(piece, literal) for piece, literal in [*found, (plain, False)] if piece]


def _begins(text: str, place: int) -> bool:
    """Whether a ``set(`` begins there: at the beginning of a name."""
    before = text[place - 1 : place] if place else ""
    return text.startswith(_OPENS, place) and (not before or before in ":,+" or before.isspace())


def _end(text: str, place: int) -> int:
    """Behind the parenthesis that closes the ``set(`` there. Raises UnclosedError where there is none."""
    depth, at = 0, text.index("(", place)
    while at < len(text):
        if text[at] == "\\" and text[at + 1 : at + 2] and text[at + 1] in _SPECIAL:
            at += 1
        elif text[at] == "(":
            depth += 1
        elif text[at] == ")":
            depth -= 1
            if not depth:
                return at + 1
        at += 1
    raise UnclosedError(f"{text[place:]!r} is not closed: its parenthesis is missing")


def _paired(text: str) -> bool:
    """Whether every parenthesis has its partner, read as ``_end`` reads them."""
    depth = 0
    for letter in text:
        depth += (letter == "(") - (letter == ")")
        if depth < 0:
            return False
    return not depth
