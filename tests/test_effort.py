"""What takes too much work is ended, and what waits takes none."""

from __future__ import annotations

import pytest
from effort import effort


def loop() -> None:
    while True:
        pass


def test_a_loop_without_end_is_ended() -> None:
    with pytest.raises(AssertionError, match=r"^more than 0\.05 s of processor time$"), effort(0.05):
        loop()


def test_what_is_over_in_time_is_left_alone() -> None:
    with effort(60.0):
        done = sum(range(1000))
    assert done
