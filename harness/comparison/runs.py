"""Two runs held against each other: cells, exposures, expectations, and which versions were measured."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from harness.comparison.cells import CellTurn, HoleTurn, hole_turned, turned
from harness.comparison.turns import Turn
from harness.model import CellId
from harness.result import ClientFact, RunResult, ServerFact


@dataclass(frozen=True, slots=True)
class VersionTurn:
    """Something that the two runs were measured with, and that was not the same in both."""

    kind: str
    """smb-rehearsal, lab, machine, server, client or tool."""
    name: str
    """Of the server, client or tool; else ""."""
    what: str
    """Which of its facts: version, software, packages, fidelity ..."""
    first: str
    """"" where the first run says nothing of it."""
    second: str


@dataclass(frozen=True, slots=True)
class ExpectationTurn:
    """A cell or exposure that one run holds for expected and the other does not."""

    what: str
    """The cell's id; of an exposure ``mitigation:server:exposure``."""
    expected: bool
    """In the second run."""
    claim: str
    """Why it is not expected, in the words of the run that says so; "" for a loss that nobody foresaw."""


@dataclass(frozen=True, slots=True)
class Doubt:
    """That a part of a run is missing."""

    run: str
    damage: str
    """What of its folder cannot be read; "" where it was cut off."""
    there: int
    """Cells that are measured."""
    planned: int

    def __str__(self) -> str:
        if self.damage:
            return f"{self.run}: {self.damage}"
        return f"{self.run} was cut off: {self.there} of {self.planned} cells are measured"


@dataclass(frozen=True, slots=True)
class Comparison:
    """What is not the same in two runs. Everything is in the order of the second run's plan."""

    first: RunResult
    second: RunResult
    cells: tuple[CellTurn, ...]
    holes: tuple[HoleTurn, ...]
    same: int
    """Cells that are the same in both."""
    same_holes: int
    only_first: tuple[CellId, ...]
    """Cells that the first run alone has measured."""
    only_second: tuple[CellId, ...]
    expectations: tuple[ExpectationTurn, ...]
    versions: tuple[VersionTurn, ...]

    def many(self, turn: Turn) -> tuple[int, int]:
        """How many cells and how many exposures turned that way."""
        return (
            Counter(one.turn for one in self.cells)[turn],
            Counter(one.turn for one in self.holes)[turn],
        )

    @property
    def worse(self) -> bool:
        """Something got worse: a cell, a hole, a rollback."""
        return any(self.many(Turn.WORSE))

    @property
    def comparable(self) -> bool:
        """They have at least one cell or one exposure in common."""
        return bool(self.cells or self.holes or self.same or self.same_holes)

    @property
    def compared(self) -> bool:
        """At least one cell or exposure is known in both, and says something."""
        turns = {one.turn for one in self.cells} | {one.turn for one in self.holes}
        return bool(self.same or self.same_holes or turns - {Turn.NOT_COMPARABLE})

    @property
    def doubts(self) -> tuple[Doubt, ...]:
        """What of the runs is missing, so that what is not told here may have changed all the same."""
        return tuple(_doubts(self.first)) + tuple(_doubts(self.second))


def _doubts(run: RunResult) -> Iterator[Doubt]:
    if run.damage:
        yield Doubt(run.run, run.damage, len(run.cells), run.planned)
    if not run.complete:
        yield Doubt(run.run, "", len(run.cells), run.planned)


def compare(first: RunResult, second: RunResult) -> Comparison:
    """Hold the second run against the first. Times, names of runs and machines' names do not count."""
    were = {one.cell: one for one in first.cells}
    pairs = [(were[one.cell], one) for one in second.cells if one.cell in were]
    holes = {(one.mitigation, one.server, one.exposure): one for one in first.exposures}
    both = [
        (holes[key], one)
        for one in second.exposures
        if (key := (one.mitigation, one.server, one.exposure)) in holes
    ]
    cells = tuple(found for found in (turned(*pair) for pair in pairs) if found)
    found_holes = tuple(found for found in (hole_turned(*hole) for hole in both) if found)
    now = {one.cell for one in second.cells}
    expected = [
        ExpectationTurn(str(new.cell), new.expected, new.claim or old.claim)
        for old, new in pairs
        if old.expected is not new.expected
    ]
    expected += [
        ExpectationTurn(new.id, new.expected, new.claim or old.claim)
        for old, new in both
        if old.expected is not new.expected
    ]
    return Comparison(
        first,
        second,
        cells,
        found_holes,
        len(pairs) - len(cells),
        len(both) - len(found_holes),
        tuple(cell for cell in were if cell not in now),
        tuple(one.cell for one in second.cells if one.cell not in were),
        tuple(expected),
        tuple(versions(first, second)),
    )


def versions(first: RunResult, second: RunResult) -> Iterator[VersionTurn]:
    """What the two were not both measured with."""
    yield from _facts("lab", "", {"lab": first.lab}, {"lab": second.lab})
    ours, theirs = _circumstances(first), _circumstances(second)
    for kind in theirs:
        yield from _facts(kind, "", ours[kind], theirs[kind])
    tools = [dict(run.circumstances.tools) if run.circumstances else {} for run in (first, second)]
    for name in sorted({*tools[0]} | {*tools[1]}):
        yield from _facts(
            "tool", name, {"version": tools[0].get(name, "")}, {"version": tools[1].get(name, "")}
        )
    yield from _of_kind("server", first.servers, second.servers)
    yield from _of_kind("client", first.clients, second.clients)


def _circumstances(run: RunResult) -> dict[str, dict[str, str]]:
    found = run.circumstances
    return {
        "smb-rehearsal": {"version": found.version, "commit": found.commit} if found else {},
        "machine": {
            "system": found.system,
            "kernel": found.kernel,
            "architecture": found.machine,
            "Python": found.python,
        }
        if found
        else {},
    }


def _of_kind(
    kind: str,
    first: Mapping[str, ServerFact] | Mapping[str, ClientFact],
    second: Mapping[str, ServerFact] | Mapping[str, ClientFact],
) -> Iterator[VersionTurn]:
    """Of servers or clients that both runs know; that one was not asked is no version."""
    for name in second:
        if name in first:
            yield from _facts(kind, name, *_words(first[name], second[name]))


def _words(first: ServerFact | ClientFact, second: ServerFact | ClientFact) -> Iterator[dict[str, str]]:
    """The facts of each. Of what a client's data rest on, that in which the two differ: it may be long."""
    for fact, other in ((first, second), (second, first)):
        found = {"software": fact.software, "fidelity": fact.fidelity}
        if isinstance(fact, ServerFact):
            found["packages"] = ", ".join(fact.packages)
        elif isinstance(other, ClientFact):
            more = (one for one in fact.evidence if one not in other.evidence)
            found["data"] = "; ".join(f"{one.what} ({one.source})" for one in more)
        yield found


def _facts(
    kind: str, name: str, first: Mapping[str, str], second: Mapping[str, str]
) -> Iterable[VersionTurn]:
    for what in {**first, **second}:
        was, now = first.get(what, ""), second.get(what, "")
        if was != now:
            yield VersionTurn(kind, name, what, was, now)
