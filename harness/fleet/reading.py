"""What an importer gives: sightings one after the other, and beside them what it has to tell the user.

An importer is one file of ``importers/``. It offers ``IMPORTER``; adding one is adding that file.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final, Protocol

from harness.fleet.sighting import Sighting

EXAMPLES: Final = 3
"""How many lines that were not understood are kept, each cut at ``WIDTH`` characters."""
WIDTH: Final = 120
NOTICES: Final = 32
"""Sentences of one source; the importers have fewer, but some quote a word of it."""


@dataclass(slots=True)
class Tally:
    """What a file held beside sightings. The importer fills it while it reads; nothing grows with the
    file."""

    lines: int = 0
    """Lines (or records) that were read."""
    passed_over: int = 0
    """Lines that are understood and say nothing of a machine: headings, rules, lines of other subjects."""
    not_understood: Counter[str] = field(default_factory=Counter)
    """Why, and how many lines. The reasons are few and fixed; what varies stands in the examples."""
    examples: dict[str, list[tuple[int, str]]] = field(default_factory=dict)
    """For each reason up to ``EXAMPLES`` lines: number, and the beginning of the text."""
    notices: list[str] = field(default_factory=list)
    """What the user must know or do: one sentence each, once. E.g. that this table has no dialect, and the
    command whose table has."""
    answers_nothing: str = ""
    """Why the source says nothing of any machine, although it was read: an error message in the place of a
    table ("Can't open sessionid.tdb"), smbstatus without root. "" where it answers; an empty table is an
    answer."""

    def wonder(self, reason: str, number: int, text: str) -> None:
        """A line that was not understood."""
        self.not_understood[reason] += 1
        kept = self.examples.setdefault(reason, [])
        if len(kept) < EXAMPLES:
            kept.append((number, text[:WIDTH]))

    def leave_out(self, sentence: str) -> None:
        """A line that is understood and counts for nothing, of which the user must know."""
        self.passed_over += 1
        self.notice(sentence)

    def notice(self, sentence: str) -> None:
        """Something that the user must know, said once. Of hostile sources ``NOTICES`` at the most."""
        if sentence not in self.notices and len(self.notices) < NOTICES:
            self.notices.append(sentence)


class Importer(Protocol):
    """How one kind of source is read."""

    name: str
    """Short, as ``--as NAME`` takes it and ``fleet import --help`` lists it, e.g. "smbstatus"."""
    title: str
    """What it is, and how it is got: one line, with the command."""

    def recognises(self, head: str) -> bool:
        """Whether a file that begins so (its first 64 KiB, decoded) is of this kind. Must not guess: a
        file that two importers recognise is a mistake of theirs."""
        ...

    def read(self, source: str, lines: Iterable[str], tally: Tally) -> Iterator[Sighting]:
        """Its sightings, lazily: memory does not grow with the file. ``lines`` come without their ends.

        Raises nothing for any text: what is not understood goes to ``tally``.
        """
        ...
