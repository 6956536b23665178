"""Which part of a combination takes a client away, in words: from what each part was measured to do alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from harness.model import Effect
from harness.result import PartAlone

Parts = Mapping[str, PartAlone]
NOT_MEASURED = "not measured"


def taken_by(parts: Parts) -> tuple[str, tuple[str, ...]]:
    """How parts take the client away, and which.

    How is ``one`` (one part, alone), ``each`` (each of these, alone), ``together`` (all together only),
    ``among`` (these and others together), ``several`` (several together, none of which is known), or
    ``unknown``, where no part is known to and not all was measured.
    """
    alone = tuple(_those(parts, Effect.LOST))
    if alone:
        return "one" if len(alone) == 1 else "each", alone
    if not parts or _unknown(parts):
        return "unknown", ()
    needed = tuple(_needed(parts))
    if len(needed) == len(parts):
        return "together", needed
    return "among" if needed else "several", needed


def cause(parts: Parts, together: str) -> str:
    """Why a combination loses a cell, with the part that was measured to do it.

    ``together``: what can be told from the attempt under the whole combination alone.
    """
    alone = _those(parts, Effect.LOST)
    if alone:
        said = [f"lost to {name}: {parts[name].cause}" for name in alone]
        return "; ".join([*said, *_others(parts)])
    if not parts or _unknown(parts):
        said = [f"which part takes it away: {NOT_MEASURED}"] if not parts else _others(parts)
        return "; ".join([together, *said])
    needed = _needed(parts)
    if len(needed) == len(parts):
        settled = all(one.effect is Effect.KEPT for one in parts.values())
        others = ["kept under each alone"] if settled else _others(parts)
        return "; ".join([f"lost only to {_and(needed)} together: {together}", *others])
    still = [name for name in parts if name not in needed]
    kept = [f"kept without {_or(needed)}"] if needed else []
    return "; ".join(
        [
            f"lost to several parts together: {together}",
            *_others(parts),
            *kept,
            f"lost still without {_or(still)}",
        ]
    )


def _those(parts: Parts, effect: Effect | None) -> list[str]:
    return [name for name, one in parts.items() if one.effect is effect]


def _unknown(parts: Parts) -> bool:
    """No part alone is known to do it, and not everything was tried that would tell which do together."""
    return any(one.effect is None or one.without is None for one in parts.values())


def _needed(parts: Parts) -> list[str]:
    """The parts without which the others do not take it away."""
    return [name for name, one in parts.items() if one.without is not Effect.LOST]


def _others(parts: Parts) -> list[str]:
    """What became of it under each part alone that does not lose it."""
    told = []
    for effect, word in ((Effect.KEPT, "kept"), (Effect.NOT_SETTLED, "not settled")):
        names = _those(parts, effect)
        if names:
            each = f"{names[0]} alone" if len(names) == 1 else f"each of these alone: {', '.join(names)}"
            told.append(f"{word} under {each}")
    by_reason: dict[str, list[str]] = {}
    for name in _those(parts, None):
        by_reason.setdefault(parts[name].attempt.note, []).append(name)
    for why, names in by_reason.items():
        told.append(f"under {_and(names)} alone: {NOT_MEASURED}{f' ({why})' if why else ''}")
    return told


def _and(names: Sequence[str]) -> str:
    return _joined(names, "and")


def _or(names: Sequence[str]) -> str:
    return _joined(names, "or")


def _joined(names: Iterable[str], word: str) -> str:
    *first, last = names
    return f"{', '.join(first)} {word} {last}" if first else last
