"""Selectors: words that name cells or holes, with ``*`` and commas, as people write them.

``mitigation:server:client:check`` selects cells, ``mitigation:server:exposure`` holes. A setting is a
mitigation, whose own colons and commas are inside of its brackets: ``set(...)``.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from harness.errors import UsageError
from harness.grammar import words
from harness.mitigations import inline
from harness.model import CellId


def patterns(selector: str) -> list[list[str]]:
    """``mitigation:server:client:check`` with ``*`` and commas; missing parts at the end mean ``*``.

    Raises UsageError when there are more than four parts or an empty one.
    """
    parts = _parted(selector)
    if len(parts) > 4 or not all(map(any, parts)):
        raise UsageError(
            f"{selector!r} is not mitigation:server:client:check",
            "* and commas select; parts may be left off",
        )
    return [list(part) for part in parts] + [["*"]] * (4 - len(parts))


@lru_cache(maxsize=1024)
def _parted(selector: str) -> tuple[tuple[str, ...], ...]:
    """The parts of a selector, each as its words, settings as ``canonical``. Raises UsageError."""
    changes, *rest = (tuple(parted(part, ",")) for part in parted(selector, ":"))
    return tuple(map(inline.canonical, changes)), *rest


def parted(text: str, at: str) -> list[str]:
    """As ``grammar.words.split``. Raises UsageError where a ``set(`` is not closed."""
    try:
        return words.split(text, at)
    except words.UnclosedError as error:
        raise UsageError(str(error), words.HINT) from None


def cell_of(text: str) -> CellId:
    """The cell of that id, with settings in the one way to write them. Raises UsageError for no cell id."""
    parts = parted(text, ":")
    if len(parts) != 4 or not all(parts):
        raise UsageError(f"{text!r} is not mitigation:server:client:check")
    return CellId(inline.canonical(parts[0]), *parts[1:])


def is_cell(text: str) -> bool:
    """Whether a word has the four parts of a cell id. Raises UsageError as ``parted`` does."""
    return len(parted(text, ":")) == 4


def matches(selector: str, cell: CellId) -> bool:
    """Whether a selector selects a cell."""
    names = (cell.mitigation, cell.server, cell.client, cell.check)
    return all(_any(name, wanted) for name, wanted in zip(names, patterns(selector), strict=True))


def selects_hole(selector: str, hole: tuple[str, str, str]) -> bool:
    """Whether ``mitigation:server:exposure`` with ``*`` and commas selects a hole."""
    return all(_any(name, wanted) for name, wanted in zip(hole, hole_patterns(selector), strict=True))


def hole_patterns(selector: str) -> list[list[str]]:
    """``mitigation:server:exposure`` with ``*`` and commas. Raises UsageError for any other shape."""
    parts = _parted(selector)
    if len(parts) != 3 or not all(map(any, parts)):
        raise UsageError(f"{selector!r} is not mitigation:server:exposure", "* and commas select")
    return [list(part) for part in parts]


def _any(name: str, wanted: Iterable[str]) -> bool:
    return any(words.fits(name, pattern) for pattern in wanted)
