"""Records of a JSON text, one after the other, so that memory does not grow with the file.

For what PowerShell writes: objects that are alike, in a list or one behind the other, with prompts and
messages between them. Braces tell where the next one begins, so that damage between them costs one record. A
document that holds tables of what is looked for is read by ``json_members``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from harness.fleet.forms.text import MOST_OF_A_LINE

LONGEST: Final = 1 << 20
"""Characters of one record; what is longer is none that PowerShell writes of an event or a session."""

BEGINS: Final = re.compile(r'\s*\[?\s*(?:\{\s*(?:"|\}|$)|\[\s*(?:$|\{|\]))')
"""What a first line looks like of a text that is JSON, and of no prompt in brackets."""

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|(?P<cut>"(?:[^"\\]|\\.)*\\?\Z)|[{}]')


class Record(dict[str, object]):
    """One object of the text, with the line on which it begins."""

    number: int = 0


def records(lines: Iterable[str]) -> Iterator[Record | tuple[int, str]]:
    """Each outermost object, whether it stands alone, in a list or one a line.

    What is none comes as (number of the line, why): the rest of a text that ends too soon, a record that is
    no JSON or longer than LONGEST. A line of MOST_OF_A_LINE is a piece of a longer one.
    """
    depth = start = size = 0
    held: list[str] = []
    carried = ""
    for number, line in enumerate(lines, start=1):
        text = carried + line
        carried = ""
        whole = len(line) < MOST_OF_A_LINE
        begin, cut = 0, len(text)
        for token in _TOKEN.finditer(text):
            sign, end = token[0], token.end()
            if token["cut"] is not None and not whole:
                # A string that goes on in the next piece.
                cut = token.start()
            if sign == "{":
                if depth == 0:
                    held, size, start, begin = [], 0, number, token.start()
                depth += 1
            elif sign == "}" and depth:
                depth -= 1
                if depth == 0:
                    held.append(text[begin:end])
                    yield from _loaded("".join(held), start)
                    held, begin = [], end
        if depth:
            held.append(text[begin:cut] + ("\n" if whole else ""))
        carried = text[cut:]
        size += len(line)
        if size > LONGEST:
            yield start, "a record of more than 1 MiB"
            depth, held, size, carried = 0, [], 0, ""
    if depth:
        yield start, "the text ends in the middle of a record"


def _loaded(text: str, number: int) -> Iterator[Record | tuple[int, str]]:
    """The record; those in it where it is the wrapping that PowerShell 5.1 puts around a list."""
    try:
        found = json.loads(text, strict=False)
    except (ValueError, RecursionError):
        yield number, "a record that is no JSON"
        return
    inner = found.get("value")
    wrapped = isinstance(inner, list) and found.keys() <= {"value", "Count"}
    for one in inner if wrapped else [found]:
        if isinstance(one, dict):
            record = Record(one)
            record.number = number
            yield record


def words_of(value: object) -> str:
    """A value as text: what stands in JSON as a number, or as PowerShell's ``{"value": 3, "Value": "x"}`` of
    an enumeration; "" for what is none or a list of others."""
    if isinstance(value, bool):
        return "True" if value else "False"
    if isinstance(value, str | int | float):
        return str(value)
    if isinstance(value, Mapping):
        for key in ("Value", "value", "#text", "DisplayHint"):
            if isinstance(value.get(key), str | int):
                return str(value[key])
        if "DateTime" in value:
            return words_of(value["DateTime"])
    return ""
