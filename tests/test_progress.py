"""How far the tests are, told while they run: what is done, what is left, and about how long."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from progress import Tally

TESTS = Path(__file__).resolve().parent
CONFTEST = """
from progress import Telling

def pytest_configure(config):
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Telling(0.05))
"""
SLOW = """
import time
from pathlib import Path
import pytest

@pytest.mark.parametrize("number", range(3))
def test_it(number):
    last = time.monotonic() + 60
    while number == 2 and not Path("go on").exists() and time.monotonic() < last:
        time.sleep(0.01)
    assert number != 0
"""


def test_what_is_done_and_what_is_left() -> None:
    now = 0.0
    tally = Tally(lambda: now)
    assert tally.line() == "test: pytest collects the tests"
    tally.expect(f"t{number}" for number in range(200))
    for number in range(50):
        tally.start(f"t{number}")
        now += 2.0
        tally.end(f"t{number}")
    assert tally.line() == "test: 50 of 200 done (25 %); about 5 min left"
    tally.start("slow")
    tally.fail("t3")
    now += 20.0
    assert tally.line() == "test: 50 of 200 done (25 %), 1 failed; about 5 min left; for 20 s: slow"
    assert tally.news() == ["test: FAILED t3"]
    tally.fail("t3")
    tally.fail("t9")
    assert tally.news() == ["test: FAILED t9"], "each is named once, when it is known"


def test_tests_in_a_lab_tell_nothing_of_the_others(tmp_path: Path) -> None:
    """The longest are begun first: by their mean alone the rest would seem to take hours."""
    lab, quick = tmp_path / "test_lab.py", tmp_path / "test_quick.py"
    lab.write_text("pytestmark = pytest.mark.local_lab\n")
    quick.write_text("")
    now = 0.0
    tally = Tally(lambda: now)
    tally.expect([f"{lab}::test[{n}]@lab" for n in range(20)] + [f"{quick}::test[{n}]" for n in range(1000)])

    def do(test: str, seconds: float) -> None:
        nonlocal now
        tally.start(test)
        now += seconds
        tally.end(test)

    for n in range(10):
        do(f"{lab}::test[{n}]@lab", 4.0)
    assert tally.line().endswith("; about 4 min left"), "10 * 4 s, and 1000 * 0.2 s by the first guess"
    for n in range(10):
        do(f"{quick}::test[{n}]", 0.04)
    assert tally.line().endswith("; about 80 s left"), "10 * 4 s, and 990 * 0.04 s"


@pytest.mark.parametrize("workers", ["0", "2"], ids=["alone", "xdist"])
def test_it_is_told_at_once_also_where_there_is_no_terminal(tmp_path: Path, workers: str) -> None:
    (tmp_path / "conftest.py").write_text(CONFTEST)
    (tmp_path / "test_slow.py").write_text(SLOW)
    argv = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-n", workers, "test_slow.py"]
    running = subprocess.Popen(
        argv, cwd=tmp_path, env={"PYTHONPATH": str(TESTS)}, stdout=subprocess.PIPE, text=True
    )
    assert running.stdout is not None
    with running:
        seen = []
        # Not at the end of it all: the last test waits for us.
        for line in running.stdout:
            seen.append(line)
            if line.startswith("test: 2 of 3 done (66 %), 1 failed; about "):
                (tmp_path / "go on").touch()
    assert (tmp_path / "go on").exists(), "".join(seen)
    assert running.returncode == 1
    assert any(line.startswith("test: FAILED test_slow.py::test_it[0]") for line in seen)
