"""The lines of smb.conf(5) as Samba's own parser reads them (lib/util/tini.c), byte by byte.

Every rule was measured with testparm of Samba 4.13 and 4.25, which agree; tests/importing holds them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from harness.errors import UsageError

_BLANKS = rb" \t\v\f\r"
_GOES_ON = rb"\\[" + _BLANKS + rb"]*\n"
"""A backslash at a line's end, blanks behind it or not: name, value and section go on in the next line."""
_COMMENT = re.compile(rb"[#;][^\n]*")
_NAME = rb"((?:[^=\n\\]++|" + _GOES_ON + rb"|\\)*+)"
_VALUE = rb"((?:[^\n\\]++|" + _GOES_ON + rb"|\\)*+)"
_HEAD = rb"((?:[^]\n\\]++|" + _GOES_ON + rb"|\\)*+)"
_SECTION = re.compile(rb"\[" + _HEAD + rb"(\]?)[^\n]*")
"""What stands behind the bracket counts for nothing, and no backslash makes it longer."""
_SETTING = re.compile(_NAME + rb"(?:(=)" + _VALUE + rb")?")
_CONTINUED = re.compile(_GOES_ON)
_SEVERAL = re.compile(rb"(?<=[" + _BLANKS + rb"])[" + _BLANKS + rb"]+")


@dataclass(frozen=True, slots=True)
class Line:
    """A section's head, or a parameter with its value; in the bytes of the file."""

    number: int
    """Where it begins in its file, from 1."""
    name: bytes
    value: bytes | None = None
    """None: it is the head of a section."""


def lines(data: bytes, file: str, idle: list[int] | None = None) -> Iterator[Line]:
    """What counts in a file, in its order. A line without "=" does not, as Samba says nothing of it either.

    The numbers of such lines are added to ``idle``.
    Raises UsageError, with the file's name and the line, for what Samba loads no file with.
    """
    at, number = 0, 1
    while at < len(data):
        if data[at : at + 1].isspace():
            number += data[at] == 0x0A
            at += 1
            continue
        comment = _COMMENT.match(data, at)
        section = _SECTION.match(data, at)
        found = comment or section or _SETTING.match(data, at)
        assert found is not None
        if section is not None:
            if not section[2]:
                raise UsageError(f"{file}:{number}: the name of a section has no ] behind it")
            yield Line(number, _named(section[1], file, number, "a section has no name"))
        elif comment is None and found[2] is not None:
            name = _named(found[1], file, number, "there is no name before the =")
            yield Line(number, name, _whole(found[3]).strip())
        elif comment is None and idle is not None:
            idle.append(number)
        number += found[0].count(b"\n")
        at = max(found.end(), at + 1)


def _named(text: bytes, file: str, number: int, otherwise: str) -> bytes:
    name = _whole(text).strip()
    if not name:
        raise UsageError(f"{file}:{number}: {otherwise}, and Samba loads no such file")
    return name


def _whole(text: bytes) -> bytes:
    """One line, with one blank where several are."""
    return _SEVERAL.sub(b"", _CONTINUED.sub(b"", text))
