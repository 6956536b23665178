"""Long waits are told of, short ones are not, and none outlives the run."""

from __future__ import annotations

import threading

import pytest

from harness.errors import LabFault, RunStopped
from harness.system import waits
from harness.system.deadline import wait_for


def test_a_short_wait_is_not_told_of() -> None:
    told: list[str] = []
    with waits.watched(told.append, after=30.0), waits.lasting("it boots"):
        pass
    assert told == []


def test_a_long_wait_is_told_of_while_it_lasts() -> None:
    told: list[str] = []
    heard = threading.Event()

    def hear(what: str) -> None:
        told.append(what)
        heard.set()

    with waits.watched(hear, after=0.01), waits.lasting("it boots"):
        assert heard.wait(60)
        assert told == ["it boots"]
    assert told == ["it boots", ""]


def test_it_is_over_also_when_it_fails() -> None:
    told: list[str] = []
    with pytest.raises(LabFault), waits.watched(told.append, after=0.0), waits.lasting("it boots"):
        raise LabFault("it hangs")
    assert told == ["it boots", ""]


def test_at_once_is_before_the_wait_begins() -> None:
    told: list[str] = []
    with waits.watched(told.append, after=0.0), waits.lasting("it boots"):
        assert told == ["it boots"]


def test_a_wait_within_a_wait() -> None:
    told: list[str] = []
    with (
        waits.watched(told.append, after=0.0),
        waits.lasting("brought back"),
        waits.lasting("it boots"),
    ):
        pass
    assert told == ["brought back", "it boots", "brought back", ""]


def test_nobody_watches_other_threads() -> None:
    told: list[str] = []

    def work() -> None:
        with waits.lasting("it boots"):
            waits.check()

    with waits.watched(told.append, lambda: True, after=0.0):
        other = threading.Thread(target=work)
        other.start()
        other.join(60)
    assert told == []


def test_a_run_that_is_stopped_waits_for_nothing() -> None:
    stop = threading.Event()
    with waits.watched(lambda _: None, stop.is_set):
        waits.check()
        stop.set()
        with pytest.raises(RunStopped, match="the run was stopped; continue with: rehearse run --resume"):
            waits.check()
        with pytest.raises(RunStopped), waits.lasting("it boots"):
            pytest.fail("it began")
    waits.check()


def test_no_thread_is_left_behind() -> None:
    before = threading.active_count()
    with waits.watched(lambda _: None, after=60.0), waits.lasting("it boots"):
        assert threading.active_count() == before + 1
    wait_for("the end of the thread", lambda: threading.active_count() <= before, 10)


def test_a_wait_for_nothing_is_ended_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waits, "ASK_SECONDS", 0.0)
    answers = iter([None, LabFault("its disk is full")])
    with waits.unless(lambda: next(answers)):
        waits.check()
        with pytest.raises(LabFault, match="its disk is full"):
            waits.check()
    waits.check()


def test_what_is_soon_over_costs_no_question() -> None:
    asked: list[str] = []
    with waits.unless(lambda: asked.append("once")):
        waits.check()
    assert asked == []
