"""What people see who lose something, on the first screen: the commonest first, the others counted."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from harness.report.explain import grouped, one_or_many
from harness.report.language import Language
from harness.result import CellResult

MOST: Final = 3
"""Texts that are given one by one; of more the commonest of each client, or the commonest of all."""
_LONGEST: Final = 280
"""Characters of all texts that are given: about four lines."""
_OR: Final = ", or: "
"""What stands between several texts for the same thing."""
_Cells = Sequence[CellResult]


def told(lost: _Cells, name: Callable[[Sequence[str]], str], say: Language) -> Iterator[str]:
    """A clause for each text with the clients that see it. ``name``: several clients in words."""
    texts = _commonest_first(
        grouped((cell for cell in lost if cell.user_sees), lambda one: first_words(one.user_sees))
    )
    clients = _clients(lost)
    if not texts:
        if clients:
            yield say("screen.sees_nothing_known")
        return
    # Who sees one text at one thing and another at the next contradicts itself where these are not named.
    split = sum(len(_clients(cells)) for cells in texts.values()) > len(_clients(*texts.values()))
    if len(texts) == 1 and _clients(*texts.values()) == clients:
        key = "screen.sees" if len(clients) == 1 else "screen.they_see"
        first = [say(key, text=text) for text in texts]
    else:
        given = dict([*texts.items()][: len(texts) if _fit(texts) else 1])
        first = [
            _sees("screen.client_sees", text, cells, name, say, split=split) for text, cells in given.items()
        ]
    yield from first
    others = _others(lost, texts)
    if len(first) == len(texts) and _fit([*texts, *others]):
        yield from (
            _sees("screen.or_sees", text, cells, name, say, split=split) for text, cells in others.items()
        )
    else:
        for key, more in (("more", len(texts) - len(first)), ("instead", len(others))):
            if more:
                yield say(f"screen.sees_{key}_{one_or_many(more)}", n=more)
    if blank := [client for client in clients if client not in _clients(*texts.values())]:
        yield say(f"screen.sees_unknown_{one_or_many(len(blank))}", clients=name(blank))


def first_words(text: str) -> str:
    """What a person sees, without the other texts for the same thing, and without the HRESULT that repeats
    the error's number."""
    return _plain(text.split(_OR)[0])


def _plain(text: str) -> str:
    return re.sub(r", 0x8007[0-9A-F]{4}\)", ")", text)


def _others(lost: _Cells, first: Mapping[str, _Cells]) -> Mapping[str, _Cells]:
    """What is seen in the place of a first text."""
    pairs = [(_plain(text), cell) for cell in lost for text in cell.user_sees.split(_OR)[1:]]
    found = grouped(pairs, lambda one: one[0])
    return _commonest_first(
        {text: [cell for _, cell in those] for text, those in found.items() if text not in first}
    )


def _commonest_first(texts: Mapping[str, _Cells]) -> dict[str, _Cells]:
    return dict(sorted(texts.items(), key=lambda one: -len(_clients(one[1]))))


def _fit(texts: Mapping[str, _Cells] | Sequence[str]) -> bool:
    return len(texts) <= MOST and sum(map(len, texts)) <= _LONGEST


def _sees(
    key: str, text: str, cells: _Cells, name: Callable[[Sequence[str]], str], say: Language, *, split: bool
) -> str:
    clients = _clients(cells)
    who = name(clients)
    if split:
        checks = ", ".join(dict.fromkeys(one.cell.check for one in cells))
        who = say("screen.sees_at", clients=who, checks=checks)
    return say(f"{key}_{one_or_many(len(clients))}", clients=who, text=text)


def _clients(*lost: _Cells) -> list[str]:
    return [*dict.fromkeys(cell.cell.client for cells in lost for cell in cells)]
