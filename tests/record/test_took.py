"""How long jobs took in earlier runs: what the next one is ordered by."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.model import CellId, Tier
from harness.planning.plan import Job
from harness.record import took
from harness.record.took import A_JOB, AN_ATTEMPT, FILE, NOTHING, History, Took, history

LOCAL = Tier.LOCAL


def job(change: str, cells: int = 1) -> Job:
    return Job(change, "s", tuple(CellId(change, "s", f"c{number}", "open") for number in range(cells)))


def run(home: Path, name: str) -> Path:
    """A run folder, as far as somebody looks for one."""
    folder = home / name
    folder.mkdir(parents=True)
    (folder / "plan.json").touch()
    return folder


def test_what_was_never_measured_is_guessed() -> None:
    guess = A_JOB + AN_ATTEMPT * 3
    assert NOTHING.seconds([job("a")]) == guess
    assert NOTHING.seconds([job("a")], guessed=7.0) == 7.0
    known = History([Took(LOCAL, "a", "s", 3, guess * 4)])
    # This machine takes four times as long as the guess.
    assert known.seconds([job("b")]) == guess * 4
    assert known.seconds([job("b")], guessed=7.0) == 28.0


def test_more_attempts_take_longer() -> None:
    known = History([Took(LOCAL, "a", "s", 3, 10.0), Took(LOCAL, "b", "s", 3, 1.0)])
    assert known.seconds([job("a")]) == pytest.approx(10.0)
    twice = (A_JOB + AN_ATTEMPT * 6) / (A_JOB + AN_ATTEMPT * 3)
    assert known.seconds([job("a", 2)], guessed=1e9) == pytest.approx(10.0 * twice)
    assert known.all_of([[job("a")], [job("b")]]) == pytest.approx(11.0)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 99), st.floats(0, 1e6)), max_size=6))
def test_seconds_are_never_negative(known: list[tuple[str, int, float]]) -> None:
    made = History(Took(LOCAL, change, "s", attempts, seconds) for change, attempts, seconds in known)
    assert all(made.seconds([job(change, 5)]) >= 0 for change in "abcd")


def test_the_newest_run_of_the_same_lab_counts(tmp_path: Path) -> None:
    for number, (lab, seconds) in enumerate([(LOCAL, 5.0), (LOCAL, 8.0), (Tier.VAGRANT, 900.0)]):
        took.note(run(tmp_path, f"2026-{number}"), lab, [job("a")], seconds)
    run(tmp_path, "2026-9")
    assert history(tmp_path, LOCAL).seconds([job("a")]) == pytest.approx(8.0)
    assert history(tmp_path, Tier.VAGRANT).seconds([job("a")]) == pytest.approx(900.0)
    assert history(tmp_path / "nothing", LOCAL).seconds([job("a")]) == NOTHING.seconds([job("a")])


def test_what_cannot_be_read_or_written_is_left_out(tmp_path: Path) -> None:
    folder = run(tmp_path, "2026-1")
    took.note(folder, LOCAL, [job("a")], 5.0)
    with (folder / FILE).open("ab") as file:
        file.write(
            b'{"lab":"local","mitigation":"a","server":"s","attempts":3,"seconds":-1}\nnonsense\n{"lab"'
        )
    os.mkfifo(run(tmp_path, "2026-2") / FILE)
    assert history(tmp_path, LOCAL).seconds([job("a")]) == pytest.approx(5.0)
    # On the way from a worker, too.
    here = run(tmp_path / "other", "2026-3")
    took.keep(here, took.text(folder))
    assert len(took.text(here).splitlines()) == 1
    assert history(tmp_path / "other", LOCAL).seconds([job("a")]) == pytest.approx(5.0)
    took.note(tmp_path / "gone", LOCAL, [job("a")], 5.0)
    assert not (tmp_path / "gone").exists()
