"""Text from elsewhere (a server, a file, the command line), made harmless before a person sees it."""

from __future__ import annotations

import sys
import unicodedata
from typing import TextIO


def clean(text: str) -> str:
    """``text`` on one line and unable to steer a terminal.

    Control and format characters (escape codes, bidirectional overrides, lone surrogates) become visible
    as ``\\x1b``; line ends, tabs and other white space become a blank.
    """
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else _visible(char) for char in text)


def _visible(char: str) -> str:
    if char in "\n\t" or unicodedata.category(char) == "Zs":
        return " "
    return char.encode("unicode_escape", "surrogatepass").decode("ascii")


def say(text: str, stream: TextIO | None = None) -> None:
    """Write one line for a person, to standard error unless ``stream`` is given.

    What the stream cannot take (an encoding without those letters) is written as ``\\u2192``.
    """
    stream = stream or sys.stderr
    encoding = stream.encoding or "utf-8"
    line = clean(text).encode(encoding, "backslashreplace").decode(encoding)
    stream.write(f"{line}\n")
    stream.flush()
