"""How far what ``rehearse plan`` foresees is from what a run then takes, by the clock.

    python -m benchmarks.foreseen [WORDS...]

Each of WORDS is what somebody writes behind ``rehearse run``. Of each it is foreseen how long it takes:
without recorded runs, by the runs of this benchmark before it, and when it was measured, by itself, too. Wall
times: on a machine that does other things as well only the last column says something.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from harness.cli.base import catalogue_of
from harness.cli.parser import build
from harness.model import Tier
from harness.record.forecast import Forecast, forecast
from harness.system import environment
from harness.system.entry import stoppable
from harness.system.process import run
from harness.verbs.run import planned

SELECTIONS: Final = (
    "article",
    "smb3-only:samba-4.22:windows-7:open",
    "smb3-only samba-4.22-smb1",
    "*:samba-4.13:windows-7:*",
    "*:samba-4.17:*:*",
)
ENDS: Final = (0, 1)
"""Exit statuses: 1 is a verdict."""


def main(argv: Sequence[str]) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.foreseen")
    parser.add_argument("what", nargs="*", metavar="WORDS", help="as behind rehearse run")
    what = parser.parse_args(argv).what or SELECTIONS
    print(f"{'':38} {'without a run':>16} {'by those before':>16} {'took':>8} {'by itself, too':>16}")
    with TemporaryDirectory() as folder:
        runs = Path(folder) / "runs"
        for words in what:
            alone = _foreseen(words, Path(folder) / "none")
            before = _foreseen(words, runs)
            begun = time.monotonic()
            argv = [sys.executable, "-m", "harness", "run", *words.split(), "--quiet", "--runs", str(runs)]
            done = run(argv, timeout=7200, env={**environment.tools(), **environment.ours()})
            if done.status not in ENDS:
                done.check("rehearse run")
            took = time.monotonic() - begun
            after = _foreseen(words, runs)
            shown = [_off(one, took) for one in (alone, before, after)]
            print(f"{words:38} {shown[0]:>16} {shown[1]:>16} {took:6.1f} s {shown[2]:>16}", flush=True)
    return 0


def _foreseen(words: str, runs: Path) -> Forecast:
    options = build().parse_args(["plan", *words.split(), "--runs", str(runs)])
    options.lab = Tier.LOCAL
    catalogue = catalogue_of(options)
    return forecast(catalogue, planned(catalogue, options), runs)


def _off(one: Forecast, took: float) -> str:
    """What was foreseen, as times of what it took."""
    return f"{one.least / took:.2f} to {one.most / took:.2f}"


if __name__ == "__main__":
    with stoppable():
        sys.exit(main(sys.argv[1:]))
