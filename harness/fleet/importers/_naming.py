"""Which machine a word names: an address in the many ways in which sources write one, or a name."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final, NamedTuple

from harness.fleet import addresses

LONGEST_NAME: Final = 255
"""Of a DNS name (RFC 1035 2.3.4); what is longer names no machine."""
LONGEST_WORDS: Final = 200
"""Of what a source says of a make: no list of devices needs more."""

NOTHING: Final = frozenset(
    {
        "",
        "-",
        "--",
        "n/a",
        "na",
        "null",
        "(null)",
        "none",
        "unknown",
        "<unknown>",
        "unbekannt",
        "不明",
        "なし",
    }
)
_HERE = frozenset({"localhost", "localhost.localdomain", "local"})
_CUT = re.compile(r"(\.\.\.|…)$")
_LITERAL = ".ipv6-literal.net"
_NO_NAME = re.compile(r"^[\d.]*\.[\d.]*$|^\W*$|[:;,<>|\"*?/\\`\[\]=]")
"""An address that is none (999.1.1.1), and what neither NetBIOS ([MS-NBTE]) nor DNS takes."""


class Who(NamedTuple):
    """The machine that a word names. Both are "" where it names none."""

    address: str = ""
    name: str = ""
    here: bool = False
    """It is the machine itself that wrote the source, or none: a loopback or unspecified address."""
    cut: bool = False
    """The word was cut off by the width of a column, so that it names nobody."""

    def __bool__(self) -> bool:
        return bool(self.address or self.name)


def clean(text: str, longest: int = LONGEST_WORDS) -> str:
    """Words of a source without what a terminal obeys, with single blanks, cut at ``longest`` characters."""
    if not text.isprintable():
        text = "".join(sign if sign.isprintable() else " " for sign in text)
    return " ".join(text.split())[:longest]


def who(text: str) -> Who:
    r"""The machine that ``text`` names, as Windows, scanners and people write it.

    ``\\10.0.0.1``, ``[fe80::1%3]``, ``10.0.0.1:49152``, ``ipv4:10.0.0.1``, ``::ffff:10.0.0.1``,
    ``fe80--1s4.ipv6-literal.net`` (as UNC paths write an IPv6 address), ``FILES01``, ``ws7.example.test``.
    """
    # What is longer than any name is not remembered either.
    return _who(text) if len(text) <= 2 * LONGEST_NAME else Who()


@lru_cache(maxsize=65536)
def _who(text: str) -> Who:
    word = clean(text, LONGEST_NAME + 1).strip("\"'").lstrip("\\/").strip()
    if _CUT.search(word):
        return Who(cut=True)
    if word.casefold().endswith(_LITERAL):
        word = word[: -len(_LITERAL)].replace("-", ":").partition("s")[0]
    if word.casefold() in NOTHING:
        return Who()
    address = addresses.address(word)
    if not address:
        return _named(word)
    return Who(here=True) if addresses.is_self(address) else Who(address)


def _named(word: str) -> Who:
    if word.casefold() in _HERE:
        return Who(here=True)
    name = word.rstrip("$").rstrip(".")
    if not name or len(name) > LONGEST_NAME or " " in name or _NO_NAME.search(name):
        return Who()
    return Who(name=name)
