"""How much memory each verb takes for runs of 1,000, 10,000 and 35,000 cells, and for one cell more.

    python -m benchmarks.memory [CELLS...]

The runs are made up (``benchmarks.large_runs``). Each verb is a process of its own, and the most that it had
in memory is what wait4(2) tells; for a run of one cell that is what it takes to start. Needs no lab and no
root.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from harness.system import environment
from harness.system.entry import stoppable

CELLS: Final = (1_000, 10_000, 35_000)
OF_A_VERDICT: Final = (0, 1, 2)
"""Exit statuses that say what a run came to."""
VERBS: Final[Mapping[str, tuple[str, ...]]] = {
    "list runs": ("list", "runs"),
    "report": ("report", "first"),
    "report --details": ("report", "first", "--details"),
    **{f"report {name}": ("report", "first", "--format", name) for name in ("json", "html", "junit")},
    **{f"report {name}": ("report", "first", "--format", name) for name in ("ticket", "sarif", "summary")},
    "diff": ("diff", "first", "second"),
    "diff --json": ("diff", "first", "second", "--json"),
    "rollout": ("rollout", "--run", "first"),
    "merge": ("merge",),
}


@dataclass(frozen=True, slots=True)
class Cost:
    """What one command took."""

    megabytes: float
    """That it had in memory at most."""
    seconds: float
    """Of the processor."""


def main(argv: Sequence[str]) -> int:
    """Measure and print a line for each verb."""
    sizes = [int(word) for word in argv] or list(CELLS)
    columns: list[dict[str, Cost]] = []
    for size in (1, *sizes):
        with TemporaryDirectory() as home:
            runs = Path(home)
            # Not in here: a child's memory counts from what this process had when it was started.
            _cost([sys.executable, "-m", "benchmarks.large_runs", home, str(size)])
            columns.append({verb: _cost(_command(runs, words)) for verb, words in VERBS.items()})
    print(f"{'':18}{'to start':>10}" + "".join(f"{size:>9,} cells" for size in sizes) + "   a cell more")
    for verb in VERBS:
        start, *others = (column[verb] for column in columns)
        more = (others[-1].megabytes - start.megabytes) * 2**20 / sizes[-1]
        told = "".join(f"{one.megabytes:6.0f} MB {one.seconds:3.0f} s" for one in others)
        print(f"{verb:18}{start.megabytes:7.0f} MB{told}   {more:,.0f} bytes")
    return 0


def _command(runs: Path, words: Sequence[str]) -> list[str]:
    parts = sorted(path.name for path in runs.glob("shard-*")) if words == ("merge",) else ()
    return [sys.executable, "-m", "harness", *words, *parts, "--runs", str(runs), "--no-project"]


def _cost(argv: Sequence[str]) -> Cost:
    """What a program takes. Raises RuntimeError when it fails."""
    env = {**environment.tools(), **environment.ours()}
    # Not through process.run: what one child took at most, wait4(2) alone tells.
    with subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=env) as child:
        said = child.stderr.read() if child.stderr else b""
        _, status, used = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode not in OF_A_VERDICT:
        raise RuntimeError(f"{' '.join(argv)}: {said.decode(errors='replace')}")
    return Cost(used.ru_maxrss / 1024, used.ru_utime + used.ru_stime)


if __name__ == "__main__":
    with stoppable():
        sys.exit(main(sys.argv[1:]))
