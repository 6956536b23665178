"""The cells for the script of the page: every text once, attempts that differ in their times alone once.

A cell is ``[mitigation, server, client, check, effect, flags, cause, user_sees, owner, claim, not_settled,
inferred, laxer, [attempts], parts, evidence, [files], measured]`` (the last three where there is evidence, or
it was not measured in the run), an attempt
``[shape, ms, ms of each step…]``, a shape ``[outcome, side, {fact: text}, [[step, status, detail]…], [step
and status of a refusal]]``; every text is a number in ``texts``, every shape one in ``shapes``. So ten
thousand cells are a few million characters, where the result document has fifty.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from operator import attrgetter

from harness.model import Outcome
from harness.report.documents.actors import Actor
from harness.report.documents.cells import AttemptPart, CellPart, PartPart
from harness.report.documents.result import ResultDocument
from harness.report.html.beside import Links
from harness.report.html.view import key
from harness.report.language import Language
from harness.report.reuse import when
from harness.system.plain import clean

FACTS = (
    *("dialect", "auth", "as_", "signed", "encrypted", "cipher", "server_signing", "agreed_cipher"),
    *("note", "said", "works", "unsure", "connected", "tried_again", "not_settled", "inferred"),
)
"""What is shown of an attempt besides its steps, in this order."""
_all_but_times = attrgetter("outcome", "side", "step", "status", *FACTS)
_step_but_time = attrgetter("name", "status", "detail")
_step_time = attrgetter("ms")
UNEXPECTED, RESTORED, NOT_RESTORED = 1, 2, 4


class _Numbers(dict[str, int]):
    """A number for each text, in the order in which they were asked for."""

    def __missing__(self, text: str) -> int:
        found = self[text] = len(self)
        return found


class Packed:
    """Collects cells, texts and shapes for a script element."""

    def __init__(self, words: Language, beside: Links) -> None:
        self._words, self._beside = words, beside
        self._cells: list[str] = []
        """Each as JSON, which takes a tenth of the room of its numbers."""
        self._texts = _Numbers()
        self._numbers: dict[object, int] = {}
        self._shapes: list[list[object]] = []
        self.text = self._texts.__getitem__
        """The number of a text, as it may be shown."""

    def add(self, cell: CellPart) -> None:
        """One more cell."""
        before = when(cell.reused, self._words) if cell.reused else ""
        self._cells.append(_text(self._cell(cell, self._beside.files.get(cell.evidence, ()), before)))

    def pieces(self, document: ResultDocument) -> Iterator[str]:
        """The content of the script element; ``document``: what else there is of the run."""
        before = '{"cells":['
        for text in self._cells:
            yield before + text
            before = ","
        rest = {
            "texts": list(map(clean, self._texts)),
            "shapes": self._shapes,
            "facts": FACTS,
            "servers": _actors(document.servers),
            "clients": _actors(document.clients),
            "words": {n: self._words.sections[n] for n in ("script", "effect", "letter", "cells")},
            "run": clean(document.run),
            "beside": self._beside.base,
        }
        yield f"{'' if self._cells else before}],{_text(rest)[1:]}"

    def _cell(self, cell: CellPart, files: Iterable[str], before: str) -> list[object]:
        """As the script reads it; ``files``: those of its evidence that have links.

        ``before``: when it was measured, where that was not in the run.
        """
        flags = UNEXPECTED * (not cell.expected) + RESTORED * (cell.restored is True)
        flags += NOT_RESTORED * (cell.restored is False)
        words = (
            *(
                self._words.cause(cell.cause),
                cell.user_sees,
                str(cell.owner or ""),
                cell.claim,
                cell.not_settled,
                cell.inferred,
            ),
            key(str(cell.effect_on_laxer or "")),
        )
        return [
            *map(self.text, (cell.mitigation, cell.server, cell.client, cell.check, key(str(cell.effect)))),
            flags,
            *map(self.text, words),
            [
                self._attempt(one)
                for one in (cell.phases.baseline, cell.phases.applied, cell.phases.rolled_back)
            ],
            [self._part(name, one) for name, one in cell.parts.items()],
            *(
                [self.text(cell.evidence), list(map(self.text, files)), self.text(before)]
                if cell.evidence or before
                else ()
            ),
        ]

    def _attempt(self, one: AttemptPart | None) -> list[float] | int:
        if one is None:
            return 0
        # Looked up before it is told: most attempts are like another.
        steps = one.steps
        same = _all_but_times(one), *map(_step_but_time, steps)
        number = self._numbers.get(same)
        if number is None:
            number = self._numbers[same] = len(self._shapes)
            self._shapes.append(self._shape(one))
        return [number, *[round(ms, 2 if ms < 10 else 1) for ms in (one.ms, *map(_step_time, steps))]]

    def _shape(self, one: AttemptPart) -> list[object]:
        facts = {name: self.text(_told(getattr(one, name))) for name in FACTS if _there(getattr(one, name))}
        steps = [[self.text(step.name), self.text(step.status), self.text(step.detail)] for step in one.steps]
        refused = one.outcome is Outcome.REFUSED
        at = [self.text(str(one.step or "")), self.text(one.status or "")] if refused else []
        return [self.text(str(one.outcome)), self.text(str(one.side or "")), facts, steps, at]

    def _part(self, name: str, one: PartPart) -> list[int]:
        words = (
            *(name, key(str(one.effect or "")), key(str(one.without or "")), str(one.step or "")),
            *(one.status or "", self._words.cause(one.cause), one.note),
        )
        return list(map(self.text, words))


def _there(value: object) -> bool:
    return value is not None and value != ""


def _told(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return "/".join(map(str, value))
    return str(value)


def _text(data: object) -> str:
    """JSON: pure ASCII, and without any character that HTML could take for its own."""
    text = json.dumps(data, separators=(",", ":"), allow_nan=False)
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def _actors(known: Mapping[str, Actor]) -> dict[str, object]:
    return {
        clean(name): [clean(one.title), clean(one.software), one.emulated, clean(getattr(one, "called", ""))]
        for name, one in known.items()
    }
