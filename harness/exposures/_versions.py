"""Versions of software, compared as numbers."""

from __future__ import annotations

import re

_CLAUSE = re.compile(r"(<=|>=|<|>)\s*([\d.]+)")


def parts(version: str) -> tuple[int, ...]:
    """The numbers that a version begins with: "4.17.12-Debian" -> (4, 17, 12); () for none."""
    match = re.match(r"\d+(?:\.\d+)*", version.strip())
    return tuple(int(number) for number in match[0].split(".")) if match else ()


def within(version: tuple[int, ...], span: str) -> bool:
    """Whether a version is in a span like ">=4.14.0 <4.14.12". Raises ValueError when that is none."""
    clauses = _CLAUSE.findall(span)
    if not clauses or _CLAUSE.sub("", span).strip():
        raise ValueError(f"{span!r} is not like '>=4.14.0 <4.14.12'")
    return all(_holds(version, sign, parts(text)) for sign, text in clauses)


def _holds(version: tuple[int, ...], sign: str, limit: tuple[int, ...]) -> bool:
    # 4.17 and 4.17.0 are the same version.
    size = max(len(version), len(limit))
    ours, theirs = (numbers + (0,) * (size - len(numbers)) for numbers in (version, limit))
    return {"<": ours < theirs, "<=": ours <= theirs, ">": ours > theirs, ">=": ours >= theirs}[sign]
