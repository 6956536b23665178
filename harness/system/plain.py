"""Text from elsewhere (a server, a file, the command line), made harmless before a person sees it."""

from __future__ import annotations

import re
import shlex
import sys
import unicodedata
from typing import Final, TextIO

_COMMANDS: Final = re.compile(
    r"#(#\w*\[)|:(:(?:error|warning|notice|debug|group|endgroup|add-mask|stop-commands|set-output|set-env|"
    r"add-path|save-state|add-matcher|remove-matcher|echo)\b)",
    re.IGNORECASE,
)
"""What runners of continuous integration obey when it stands in the output of a job: ``::error::`` at the
beginning of a line (GitHub), ``##[error]``, ``##vso[...]`` and ``##teamcity[...]`` anywhere."""


def clean(text: str) -> str:
    """``text`` on one line and unable to steer a terminal or a job of continuous integration.

    Control and format characters (escape codes, bidirectional overrides, lone surrogates) become visible
    as ``\\x1b``; line ends, tabs and other white space become a blank. Of a runner's command the first
    character becomes visible likewise: ``\\x3a:error::``.
    """
    if not text.isprintable():
        text = "".join(char if char.isprintable() else _visible(char) for char in text)
    return _COMMANDS.sub(_told, text) if "::" in text or "##" in text else text


def _told(command: re.Match[str]) -> str:
    first, rest = command[0][0], command[0][1:]
    return f"\\x{ord(first):02x}{rest}"


def _visible(char: str) -> str:
    if char in "\n\t" or unicodedata.category(char) == "Zs":
        return " "
    return char.encode("unicode_escape", "surrogatepass").decode("ascii")


def word(text: str) -> str:
    """``text`` as one word of a command that a person copies into a shell.

    What ``clean`` would change, and a byte of a file name that is no UTF-8, is written as ``$'\\xe9'``, which
    bash, zsh, ksh and POSIX.1-2024 read back.
    """
    if text.isprintable():
        return shlex.quote(text)
    return f"$'{''.join(map(_letter, text))}'"


def _letter(char: str) -> str:
    if char in "'\\":
        return f"\\{char}"
    if char.isprintable():
        return char
    byte_of_a_name = "\udc80" <= char <= "\udcff"
    codes = char.encode("utf-8", "surrogateescape" if byte_of_a_name else "surrogatepass")
    return "".join(f"\\x{code:02x}" for code in codes)


def say(text: str, stream: TextIO | None = None) -> None:
    """Write one line for a person, to standard error unless ``stream`` is given.

    What the stream cannot take (an encoding without those letters) is written as ``\\u2192``.
    """
    stream = stream or sys.stderr
    encoding = stream.encoding or "utf-8"
    line = clean(text).encode(encoding, "backslashreplace").decode(encoding)
    stream.write(f"{line}\n")
    stream.flush()


def many(number: int, word: str) -> str:
    """``1 cell``, ``2 cells``."""
    return f"{number} {word}" if number == 1 else f"{number} {word}s"
