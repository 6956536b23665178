"""Where the time of workers goes: each second once, whatever they and the jobs do."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.conduct.meter import Meter
from harness.result.spent import WORK, Kind, TimeSpent


class Clock:
    """One that goes on when it is told to."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def seconds(spent: TimeSpent) -> dict[Kind, float]:
    """The time of workers by kind, as far as there is any."""
    return {kind: one.workers for kind, one in spent.kinds.items() if one.workers}


def test_who_is_idle_waits_for_what_the_jobs_do() -> None:
    clock = Clock()
    meter = Meter(3, clock)
    with meter.doing(Kind.START):
        clock.now += 2
        with meter.at_work(Kind.ATTEMPTS):
            clock.now += 5
        with meter.doing(None):
            clock.now += 1
    spent = meter.spent()
    assert seconds(spent) == {Kind.ATTEMPTS: 5, Kind.START: 3 * 2 + 2 * 5, Kind.WAIT: 3}
    assert (spent.kinds[Kind.START].lasted, spent.kinds[Kind.START].times) == (7, 1)
    assert (spent.seconds, spent.workers, spent.of_workers) == (8, 3, 24)
    assert spent.bound == 5 / 3


def test_two_jobs_share_what_the_idle_wait_for() -> None:
    clock = Clock()
    meter = Meter(1, clock)
    beside = threading.Event()
    ended = threading.Event()

    def other() -> None:
        with meter.doing(Kind.CHANGE):
            beside.set()
            assert ended.wait(60)

    with meter.doing(Kind.START):
        thread = threading.Thread(target=other)
        thread.start()
        assert beside.wait(60)
        clock.now += 4
        ended.set()
        thread.join(60)
    spent = meter.spent()
    assert seconds(spent) == {Kind.START: 2, Kind.CHANGE: 2}
    assert {spent.kinds[kind].lasted for kind in (Kind.START, Kind.CHANGE)} == {4}


def test_a_start_beside_busy_workers_costs_none_of_their_time() -> None:
    clock = Clock()
    meter = Meter(1, clock)
    with meter.at_work(Kind.ATTEMPTS), meter.doing(Kind.START):
        clock.now += 4
    spent = meter.spent()
    assert seconds(spent) == {Kind.ATTEMPTS: 4}
    assert spent.kinds[Kind.START].lasted == 4
    assert spent.bound == spent.seconds


def test_entering_and_leaving_are_told_apart() -> None:
    clock = Clock()
    meter = Meter(1, clock)

    @contextmanager
    def server() -> Iterator[str]:
        clock.now += 1
        try:
            yield "running"
        finally:
            clock.now += 4

    def broken() -> None:
        with meter.doing(Kind.OTHER), meter.around(Kind.START, server(), Kind.STOP) as running:
            assert running == "running"
            clock.now += 2
            raise KeyError

    with pytest.raises(KeyError):
        broken()
    assert seconds(meter.spent()) == {Kind.START: 1, Kind.OTHER: 2, Kind.STOP: 4}
    clock.now += 8
    assert seconds(meter.spent())[Kind.WAIT] == 8


def test_what_was_before_the_beginning_does_not_count() -> None:
    clock = Clock()
    meter = Meter(2, clock)
    with meter.at_work(Kind.PROBES):
        clock.now += 9
        meter.begin()
        clock.now += 1
    assert seconds(meter.spent()) == {Kind.PROBES: 1, Kind.WAIT: 1}


@given(
    st.integers(1, 4),
    st.lists(st.tuples(st.sampled_from([*Kind, None]), st.booleans(), st.floats(0, 100)), max_size=12),
)
def test_the_kinds_come_to_all_the_time(workers: int, steps: list[tuple[Kind | None, bool, float]]) -> None:
    clock = Clock()
    meter = Meter(workers, clock)
    busy = 0
    with ExitStack() as stack:
        for kind, over, passed in steps:
            if kind in WORK:
                # There are no more workers than that.
                if busy < workers:
                    stack.enter_context(meter.at_work(kind))
                    busy += 1
            elif kind is not Kind.WAIT:
                stack.enter_context(meter.doing(kind))
            clock.now += passed
            if over:
                stack.close()
                busy = 0
    spent = meter.spent()
    assert spent.of_workers == pytest.approx(workers * spent.seconds)
    assert 0 <= spent.bound <= spent.seconds * (1 + 1e-9)
    for one in spent.kinds.values():
        assert one.workers <= one.lasted * workers * (1 + 1e-9) or one is spent.kinds[Kind.WAIT]
