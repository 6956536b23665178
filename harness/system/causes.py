"""What other programs' messages mean, and what to do: tables of patterns, looked up in one way."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cause:
    """What a message of a program means. The words may have places to be filled in, as ``{user}``."""

    pattern: str
    """A regular expression that the message matches somewhere."""
    why: str = ""
    """What that means; "" where the message says it."""
    hint: str = ""
    """What to do about it; "" where there is something better to say than this table knows."""


def find(causes: Iterable[Cause], texts: Iterable[str]) -> tuple[Cause, str] | None:
    """The first cause that one of the texts shows, and that text; None where none is known.

    Causes stand in their order: the first of them counts, wherever among the texts it is.
    """
    messages = tuple(texts)
    for cause in causes:
        for message in messages:
            if re.search(cause.pattern, message):
                return cause, message
    return None
