"""A run that is read back takes little memory: of attempts that are alike but for their times one is kept."""

from __future__ import annotations

import gc
from dataclasses import fields
from itertools import count
from pathlib import Path

import pytest
from known import CATALOGUE

from harness.model import Attempt, CellId, Effect, Outcome, Phase, Row, Side, Step, StepName
from harness.planning.plan import Plan
from harness.record import journal, readback
from harness.record.entries import Attempted, Begun
from harness.record.sharing import Sharing
from harness.report.documents import result as document
from harness.report.documents.cells import CellPart
from harness.report.formats import FORMATS, Source

DENIED = "STATUS_ACCESS_DENIED"
MANY = 12


def attempt(ms: float, status: str = "STATUS_SUCCESS", note: str = "") -> Attempt:
    """One of two steps; each time is another."""
    steps = (Step(StepName.CONNECT, "STATUS_SUCCESS", ms / 2), Step(StepName.NEGOTIATE, status, ms / 3, "ü"))
    if status == "STATUS_SUCCESS":
        return Attempt(Outcome.OK, steps, ms, dialect="3.1.1", note=note)
    return Attempt(Outcome.REFUSED, steps, ms, StepName.NEGOTIATE, status, Side.SERVER, note=note)


def recorded(folder: Path, cells: int) -> journal.Recorded:
    """A run of so many cells, of which each third is lost, read back."""
    ids = tuple(CellId("smb3-only", "samba-4.22", f"client-{number}", "open") for number in range(cells))
    with journal.create(folder, Plan("test", (Row("test", "A test", ids),), {})) as book:
        book.add(Begun("local", "0"))
        time = count(1)
        for number, cell in enumerate(ids):
            for phase in Phase:
                lost = number % 3 == 0 and phase is Phase.APPLIED
                status = DENIED if lost else "STATUS_SUCCESS"
                book.add(Attempted(cell, phase, attempt(next(time) / 7, status), 0))
    return journal.load(folder)


def live(kind: type) -> int:
    """How many objects of a kind there are."""
    return sum(type(one) is kind for one in gc.get_objects())


def test_what_is_kept_is_what_was_given() -> None:
    made = {
        Phase.BASELINE: attempt(1.1),
        Phase.APPLIED: attempt(2.3, DENIED),
        Phase.ROLLED_BACK: attempt(0.7),
    }
    sharing = Sharing()
    kept = sharing.of(made)
    assert kept == made
    assert list(kept.items()) == list(made.items())
    assert Phase.APPLIED in kept
    assert kept[Phase.APPLIED].steps[1].ms == 2.3 / 3
    with pytest.raises(KeyError):
        sharing.of({Phase.BASELINE: attempt(1.0)})[Phase.APPLIED]
    assert dict(sharing.of({})) == {}


def test_an_attempt_that_is_made_again_takes_the_place_of_the_first() -> None:
    sharing = Sharing()
    first = sharing.of({Phase.BASELINE: attempt(1.0), Phase.APPLIED: attempt(2.0)})
    again = sharing.added(first, Phase.BASELINE, attempt(3.0, DENIED))
    assert list(again.items()) == [(Phase.BASELINE, attempt(3.0, DENIED)), (Phase.APPLIED, attempt(2.0))]
    assert first[Phase.BASELINE] == attempt(1.0)


@pytest.mark.parametrize("name", [one.name for one in fields(Attempt) if one.name not in ("ms", "steps")])
def test_attempts_that_differ_in_more_than_times_are_not_taken_for_each_other(name: str) -> None:
    first = attempt(1.0)
    values = {one.name: getattr(first, one.name) for one in fields(Attempt)}
    other = Attempt(**{**values, name: "another"})
    sharing = Sharing()
    both = [sharing.of({Phase.BASELINE: one}) for one in (first, other)]
    assert [one[Phase.BASELINE] for one in both] == [first, other]
    assert both[0].untimed is not both[1].untimed


def test_a_larger_run_has_as_many_attempts_and_steps_in_memory(tmp_path: Path) -> None:
    """All of its cells are alike, but for their times and for being lost."""
    gc.collect()
    there = live(Step), live(Attempt)
    small = readback.result_of(CATALOGUE, recorded(tmp_path / "small", 9))
    few = live(Step) - there[0], live(Attempt) - there[1]
    large = readback.result_of(CATALOGUE, recorded(tmp_path / "large", 90))
    more = live(Step) - there[0], live(Attempt) - there[1]
    assert (len(small.cells), len(large.cells)) == (9, 90)
    assert more == (2 * few[0], 2 * few[1])
    assert sum(cell.effect is Effect.LOST for cell in large.cells) == 30


@pytest.mark.parametrize("name", ["json", "html"])
def test_the_cells_of_a_document_are_in_memory_one_at_a_time(tmp_path: Path, name: str) -> None:
    result = readback.result_of(CATALOGUE, recorded(tmp_path / "run", MANY))
    most = 0
    for piece in FORMATS[name].pieces(Source(result, tmp_path / "run", CATALOGUE, "en")):
        assert piece
        most = max(most, live(CellPart))
    assert most <= 1
    assert len(document.to_document(result).cells) == MANY
