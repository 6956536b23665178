"""Where the time of a run went: added up over stretches and workers elsewhere; kept in the journal."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.planning.plan import Plan
from harness.record import journal
from harness.record.duration import spent_of
from harness.record.entries import Begun, Ended, entry_of, line_of
from harness.result.spent import WORK, Kind, Spent, TimeSpent, side_by_side

NOW = datetime(2026, 11, 30, tzinfo=UTC)
numbers = st.floats(0, 1e6)
some = st.builds(Spent, numbers, numbers, st.integers(0, 10**6))
times = st.builds(
    TimeSpent, numbers, st.integers(1, 64), numbers, st.dictionaries(st.sampled_from(Kind), some)
)


@given(times)
def test_the_journal_keeps_it(spent: TimeSpent) -> None:
    ended = Ended(NOW, whole=True, spent=spent)
    assert entry_of(line_of(ended)) == ended


@given(times, times)
def test_of_two_stretches_nothing_is_lost(one: TimeSpent, two: TimeSpent) -> None:
    both = one + two
    assert both.of_workers == pytest.approx(one.of_workers + two.of_workers)
    assert (both.seconds, both.bound) == (one.seconds + two.seconds, one.bound + two.bound)
    assert both.workers == max(one.workers, two.workers)
    assert TimeSpent() + one == one + TimeSpent()
    assert sum(both.share(kind) for kind in Kind) == pytest.approx(1 if both.of_workers else 0)


@given(st.lists(times, max_size=4), st.floats(0, 1e3))
def test_what_workers_elsewhere_did_not_report_they_waited(parts: list[TimeSpent], more: float) -> None:
    workers = sum(one.workers for one in parts)
    worked = sum(one.of_workers for one in parts)
    seconds = more + (worked / workers if workers else 0)
    both = side_by_side(seconds, parts)
    assert both.of_workers == pytest.approx(seconds * workers)
    assert both.bound <= seconds * (1 + 1e-9)
    for kind in WORK:
        told = sum(one.kinds[kind].workers for one in parts if kind in one.kinds)
        assert both.kinds.get(kind, Spent()).workers == pytest.approx(told)


@pytest.mark.parametrize("wrong", [-1.0, float("inf"), float("nan")])
def test_no_time_is_negative_or_without_an_end(wrong: float) -> None:
    with pytest.raises(ValueError, match="no time"):
        TimeSpent(1.0, 1, 0.0, {Kind.START: Spent(lasted=wrong)})
    with pytest.raises(ValueError, match="no time"):
        TimeSpent(wrong)


def test_it_is_known_where_each_stretch_has_told_it(tmp_path: Path) -> None:
    spent = TimeSpent(2.0, 3, 1.0, {Kind.ATTEMPTS: Spent(3.0, 3.0, 7)})

    def stretch(at: datetime, ended: Ended | None) -> None:
        with journal.create(tmp_path, Plan("x", (), {})) as book:
            book.add(Begun("local", "1", at))
            if ended:
                book.add(ended)

    assert spent_of(journal.Recorded(tmp_path, Plan("x", (), {}))) is None
    later = NOW + timedelta(hours=1)
    stretch(NOW, Ended(NOW + timedelta(seconds=2), whole=False, spent=spent))
    assert spent_of(journal.load(tmp_path)) == spent
    stretch(later, Ended(later + timedelta(seconds=2), whole=True, spent=spent))
    assert spent_of(journal.load(tmp_path)) == spent + spent
    stretch(later, None)
    assert spent_of(journal.load(tmp_path)) is None
