"""How much processor time short commands take, as ratios to the start of Python in the same round.

    python -m benchmarks.commands [--rounds N] [--runs DIR]

``--runs``: the folder of some runs; without it that of this user. CPU seconds, not wall time: what else this
machine does changes them little.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from harness.system import environment
from harness.system.entry import stoppable
from harness.system.paths import runs_dir
from harness.system.process import run

COMMANDS: Final = ("list", "list clients", "list runs", "show windows-7", "plan", "report")
ENDS: Final = (0, 1)
"""Exit statuses: 1 is the verdict of a run that is reported."""


def seconds(argv: Sequence[str]) -> float:
    """CPU seconds of one command and all that it starts."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = run(argv, timeout=300, env={**environment.tools(), **environment.ours()})
    if done.status not in ENDS:
        done.check(" ".join(argv[3:]))
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def main() -> int:
    """Measure."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.commands")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--runs", type=Path, default=runs_dir())
    options = parser.parse_args()
    python = [sys.executable, "-c", "pass"]
    words = {name: [*name.split(), *["--runs", str(options.runs)] * (name != "plan")] for name in COMMANDS}
    argvs = {name: [sys.executable, "-m", "harness", *said] for name, said in words.items()}
    taken: dict[str, list[float]] = {name: [] for name in COMMANDS}
    started: list[float] = []
    for _ in range(options.rounds):
        started.append(seconds(python))
        for name, argv in argvs.items():
            taken[name].append(seconds(argv))
    start = statistics.median(started)
    print(f"{'python -c pass':16} {start:.3f} s")
    for name, found in taken.items():
        middle = statistics.median(found)
        print(f"{name:16} {middle:.3f} s, {middle / start:5.1f} times that")
    return 0


if __name__ == "__main__":
    with stoppable():
        sys.exit(main())
