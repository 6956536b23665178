"""Waiting: a condition, a limit, and words for what did not happen."""

from __future__ import annotations

import pytest

from harness.errors import LabFault
from harness.system.deadline import Deadline, wait_for


def test_what_is_true_already_takes_no_time() -> None:
    assert wait_for("it", lambda: "answer", 0.0) == "answer"


def test_it_asks_until_there_is_an_answer() -> None:
    answers = iter([None, False, 0])
    assert wait_for("it", lambda: next(answers), 5.0) == 0
    assert next(answers, "none left") == "none left"


def test_too_late_names_what_was_waited_for() -> None:
    with pytest.raises(LabFault, match=r"^the server: not within 0\.05 s.*; look at its log$"):
        wait_for("the server", lambda: None, 0.05, "look at its log")


def test_the_last_look_is_after_the_deadline() -> None:
    """What comes true in the last pause is not missed."""
    end = Deadline(0.03)
    assert wait_for("it", lambda: end.expired, 0.03)


def test_a_deadline_runs_out_and_stays_so() -> None:
    end = Deadline(0.0)
    assert end.expired
    assert end.remaining == 0.0
    later = Deadline(60.0)
    assert not later.expired
    assert 0.0 < later.remaining <= 60.0
