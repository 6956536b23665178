"""What a signal does to a run; whole runs are stopped in test_run_cut_off.py."""

from __future__ import annotations

import time
from contextlib import nullcontext, suppress

import pytest

from harness.conduct import namespace_entry
from harness.conduct.namespace_entry import Stop
from harness.system.deadline import Speed


def test_a_signal_that_is_heard_three_times_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    stop = Stop()

    def first() -> None:
        calls.append("first")
        # The next one comes while the first is being answered.
        stop(2, None)

    stop.first = first
    with pytest.raises(KeyboardInterrupt):
        stop(2, None)
    stop(15, None)
    assert calls == ["first"]
    # Somebody who does not want to wait.
    monkeypatch.setattr(Stop, "ONCE", 0.0)
    with pytest.raises(KeyboardInterrupt):
        stop(2, None)
    assert calls == ["first"]


@pytest.mark.parametrize("slower", [1.0, 30.0])
def test_on_a_busy_machine_the_same_signal_may_come_late(
    monkeypatch: pytest.MonkeyPatch, slower: float
) -> None:
    stop = Stop()
    with pytest.raises(KeyboardInterrupt):
        stop(2, None)
    monkeypatch.setattr(namespace_entry, "measured", lambda: Speed(slower, 1.0))
    stop._at = time.monotonic() - 2 * Stop.ONCE
    with pytest.raises(KeyboardInterrupt) if slower == 1.0 else nullcontext():
        stop(2, None)


def test_a_signal_that_was_swallowed_comes_again() -> None:
    stop = Stop()
    stop.insist()
    with suppress(KeyboardInterrupt):
        stop(15, None)
    with pytest.raises(KeyboardInterrupt):
        stop.insist()
