"""Elements of an XML text, one after the other, without ever holding the whole text or its entities.

The text need not be one document: wevtutil writes events without a root, Event Viewer's details stand in
the middle of other text, and a file may be cut off. So elements are found by their tags, and each is parsed
alone. An entity can only be declared before the first element, which is never parsed: nothing can be
expanded, and nothing outside of the text is read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final
from xml.etree.ElementTree import Element, ParseError, fromstring

from harness.fleet.forms.text import MOST_OF_A_LINE

LONGEST: Final = 1 << 20
"""Characters of one element."""
_LONGEST_TAG: Final = 64
SHOWN: Final = 80
"""Characters of an element that are shown of it."""
_PREFIX = re.compile(r"(</?|\s(?=[\w.-]+:[\w.-]+\s*=\s*['\"]))[\w.-]+:")
"""Of an element or an attribute."""
_DASHES = re.compile(r"^\s*-\s*(?=<)")
"""A browser shows one before each element that can be folded; people copy it with the rest."""


def elements(lines: Iterable[str], tag: str) -> Iterator[tuple[int, str | Element, str]]:
    """(number of its first line, the element or why it is none, its beginning) of each element of that name.

    Elements of that name inside another one belong to that.
    """
    for number, text, why in texts(lines, tag):
        yield number, why or parsed(text), text[:SHOWN]


def texts(lines: Iterable[str], tag: str) -> Iterator[tuple[int, str, str]]:
    """The same before it is parsed: (number of its first line, its text, why that is no whole element)."""
    begin, end = (f"<{tag} ", f"<{tag}>"), f"</{tag}>"
    opening = re.compile(rf"<(?:\w+:)?{tag}(?=[\s>/])")
    closing = re.compile(rf"</(?:\w+:)?{tag}\s*>")
    held: list[str] = []
    rest, start, size = "", 0, 0
    for number, line in enumerate(lines, start=1):
        if not held and not rest and line.startswith(begin) and line.find(end) == len(line) - len(end):
            # One on a line, as wevtutil writes them.
            yield number, line, ""
            continue
        # A tag may be cut between two pieces of a long line: the end of a piece waits for the next one.
        text = rest + _DASHES.sub("", line) + ("\n" if len(line) < MOST_OF_A_LINE else "")
        rest, at = "", 0
        while True:
            if not held:
                found = opening.search(text, at)
                if not found:
                    break
                at, start, size = found.start(), number, 0
            closed = closing.search(text, at)
            if not closed:
                break
            whole = "".join([*held, text[at : closed.end()]])
            held, at = [], closed.end()
            yield start, whole, ""
        if start and (held or opening.match(text, at)):
            cut = len(text) - (_LONGEST_TAG if text[-1:] != "\n" else 0)
            cut = max(cut, at)
            held.append(text[at:cut])
            rest = text[cut:]
            size += cut - at
            if size > LONGEST:
                yield start, held[0], "an element of more than 1 MiB"
                held, rest, start = [], "", 0
        elif text[-1:] != "\n":
            rest = text[max(at, len(text) - _LONGEST_TAG) :]
    if held:
        yield start, held[0], "the text ends in the middle of an element"


def parsed(text: str) -> Element | str:
    """The element, without namespaces; or why it is none."""
    try:
        element = fromstring(text)
    except ParseError:
        try:
            # The prefix of a namespace may be bound by an element around it, which is not read.
            element = fromstring(_PREFIX.sub(r"\1", text))
        except ParseError:
            return "an element that is no XML"
    for part in element.iter():
        # Without namespaces: writers of events disagree about them.
        if part.tag[:1] == "{":
            part.tag = part.tag.rpartition("}")[2]
    return element
