"""A client that ran out of time says nothing of a change, is tried once more in the open, or is a fault."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from bad_servers import bad_server, hang
from known import CATALOGUE
from test_verdict import OK, PIPE, verdict

from harness.clients import _process
from harness.clients.base import Log
from harness.conduct.workers import Order, Pool
from harness.errors import LabFault
from harness.model import (
    TIMEOUT,
    Attempt,
    Check,
    ClientPolicy,
    Effect,
    Outcome,
    Side,
    StepName,
    Target,
)
from harness.smb import out_of_time
from harness.smb.attempting import record
from harness.smb.out_of_time import once_more, unless_busy
from harness.system import deadline
from harness.system.deadline import ROOM, SLOWEST, Deadline, Speed, measured, wait_for

LATE = Attempt(Outcome.REFUSED, ms=10000.0, step=StepName.CONNECT, status=TIMEOUT, side=Side.SERVER)
IDLE = Speed(slower=1.0, waited=1.0)
SLOW = Speed(slower=4 * ROOM, waited=1.0)
BUSY = Speed(slower=4 * ROOM, waited=4 * ROOM)


@pytest.mark.parametrize("later", [(OK, OK), (PIPE, OK), (OK, PIPE), (PIPE, PIPE), (OK, LATE)])
def test_a_time_out_before_the_change_says_nothing_of_it(later: tuple[Attempt, ...]) -> None:
    found = verdict(LATE, *later)
    assert (found.effect, found.restored) == (Effect.FAULT, None)
    assert found.cause.startswith("before the change it ran out of time at connect, later it did not")
    assert not found.expected


def test_no_answer_in_any_phase_is_what_never_worked() -> None:
    assert verdict(LATE, LATE, LATE).effect is Effect.NEVER


def test_a_client_that_waits_on_when_the_server_hangs_up_was_not_late() -> None:
    """The server said no in its way, and the change takes that back."""
    found = verdict(replace(LATE, waited_on=True), OK, replace(LATE, waited_on=True))
    assert found.effect is Effect.GAINED


def _at(monkeypatch: pytest.MonkeyPatch, *speeds: Speed) -> None:
    left = list(speeds)
    monkeypatch.setattr(out_of_time, "measured", lambda: left.pop(0) if len(left) > 1 else left[0])


@pytest.mark.parametrize("first", [LATE, replace(LATE, outcome=Outcome.FAULT, step=None)])
def test_the_second_try_counts_and_tells_of_the_first(
    monkeypatch: pytest.MonkeyPatch, first: Attempt
) -> None:
    _at(monkeypatch, BUSY)
    given: list[float] = []

    def again(times: float) -> Attempt:
        given.append(times)
        return OK

    made = once_more(first, again)
    assert made.outcome is Outcome.OK
    assert given == [4.0]
    where = "at connect " if first.step else ""
    assert f"the first try ran out of time {where}after 10.0 s" in made.tried_again
    assert "work takes 12.0 times as long" in made.tried_again
    found = verdict(made, OK, OK)
    assert found.effect is Effect.KEPT
    assert found.remarks == (f"before: {made.tried_again}",)
    lost = verdict(OK, replace(PIPE, tried_again="again"), OK)
    assert lost.remarks == ("with the change: again",)


@pytest.mark.parametrize("speeds", [(BUSY, IDLE), (IDLE, BUSY)])
def test_out_of_time_again_on_a_busy_machine_is_a_fault_with_the_load(
    monkeypatch: pytest.MonkeyPatch, speeds: tuple[Speed, ...]
) -> None:
    _at(monkeypatch, *speeds)
    made = once_more(LATE, lambda _: LATE)
    assert (made.outcome, made.side) == (Outcome.FAULT, None)
    assert "ran out of time at connect after 10.0 s while the machine was busy" in made.note
    assert "load" in made.note
    assert verdict(made, OK, OK).cause == made.note


@pytest.mark.parametrize("speed", [IDLE, SLOW])
def test_out_of_time_again_on_a_machine_that_is_not_busy_is_a_refusal(
    monkeypatch: pytest.MonkeyPatch, speed: Speed
) -> None:
    """A machine that is slow by nature had its longer limit."""
    _at(monkeypatch, speed)
    made = once_more(LATE, lambda _: LATE)
    assert (made.outcome, made.status) == (Outcome.REFUSED, TIMEOUT)
    assert made.tried_again
    assert unless_busy(LATE) == LATE


def test_nothing_else_is_made_again() -> None:
    def again(_: float) -> Attempt:
        raise AssertionError

    for one in (OK, PIPE, Attempt.fault("no image"), replace(LATE, waited_on=True)):
        assert once_more(one, again) == one


def test_a_worker_makes_it_again_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that answers nobody: the second try has more time on a slow machine."""
    _at(monkeypatch, SLOW)
    with bad_server(hang, seconds=0.2) as target, Pool(CATALOGUE, 1) as pool:
        order = Order("windows-7", Check.OPEN, target, ClientPolicy())
        made = pool.submit(order).result(timeout=60)
        assert (made.attempt.outcome, made.attempt.step) == (Outcome.REFUSED, StepName.NEGOTIATE)
        assert "tried once more: the first try ran out of time at negotiate" in made.attempt.tried_again
        assert made.attempt.ms >= 4 * 200
        assert made.healthy is None
        _at(monkeypatch, BUSY)
        made = pool.submit(order).result(timeout=60)
        assert made.attempt.outcome is Outcome.FAULT
        assert made.healthy
        down = pool.submit(replace(order, expect_down=True)).result(timeout=60)
        assert not down.attempt.tried_again


def test_a_program_that_did_not_come_as_far_as_to_connect_was_late() -> None:
    def run(*argv: str) -> Attempt:
        target = Target("127.0.0.1", "share", "user", "", seconds=0.2)
        call = _process.Invocation(argv)

        def perform(_: Log) -> None:
            _process.through_tap("a program", lambda _: call, target)

        return record("a program", perform)

    made = run("sleep", "60")
    assert (made.outcome, made.status, made.timed_out) == (Outcome.FAULT, TIMEOUT, True)
    assert "made no connection" in made.note
    assert "its time was over" in made.note
    assert not run("true").timed_out


def test_a_wait_is_longer_on_a_slow_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deadline, "pace", lambda: 4.0)
    end = Deadline(0.2)
    with pytest.raises(
        LabFault, match=r"^it: not within 0\.05 s, nor within 0\.2 s, for the machine is busy$"
    ):
        wait_for("it", lambda: None, 0.05)
    assert end.expired


def _spin(core: int) -> None:
    os.sched_setaffinity(0, {core})
    while True:
        pass


@contextmanager
def crowded() -> Iterator[None]:
    """This thread on one processor, which seven others want all the time."""
    mine = os.sched_getaffinity(0)
    core = min(mine)
    fork = multiprocessing.get_context("fork")
    others = [fork.Process(target=_spin, args=(core,), daemon=True) for _ in range(7)]
    for one in others:
        one.start()
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, mine)
        for one in others:
            one.kill()
            one.join()
            one.close()


def test_the_speed_is_measured_where_others_have_the_processor() -> None:
    with crowded():
        seen = measured()
    assert seen.busy, seen
    assert 1.0 <= seen.pace <= SLOWEST
    assert Speed(1000.0, 1.0).pace == SLOWEST
    assert (Speed(0.5, 1.0).pace, Speed(ROOM, ROOM).busy) == (1.0, False)
