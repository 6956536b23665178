"""What a signal does to a run; whole runs are stopped in test_run_cut_off.py."""

from __future__ import annotations

import pytest

from harness.inside import Stop


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
