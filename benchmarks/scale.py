"""All that says how this project scales, side by side in one run.

    python -m benchmarks.scale [--rounds N] [PART...]

* workers: attempts a second with 1, 2 and 4 workers, of the harness and of a bare loop;
* cluster: the same cells here and by two workers of a cluster on this machine (needs the extra cluster);
* reuse: a run, the same again with nothing changed, and again with one persona changed;
* simulated: what one cell more costs from 100 to 100,000 cells, in a simulated lab.

Each is a benchmark of its own (``benchmarks.sweep`` and so on), which says what is compared, and stays in its
own process. The processor's seconds say most on a machine that does other things, too.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Final

from harness.system.entry import stoppable

PARTS: Final[Mapping[str, tuple[str, ...]]] = {
    "workers": ("benchmarks.sweep", "--workers", "1", "2", "4", "--rounds"),
    "cluster": ("benchmarks.cluster", "--rounds"),
    "reuse": ("benchmarks.reuse", "--times"),
    "simulated": ("benchmarks.simulated",),
}


def main(argv: Sequence[str]) -> int:
    """Run them one after the other; the status of the first that fails."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale")
    parser.add_argument("--rounds", type=int, default=3, help="of what is measured several times")
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)} (default: all)")
    options = parser.parse_args(argv)
    if unknown := [part for part in options.parts if part not in PARTS]:
        parser.error(f"there is no part {unknown[0]!r}: {', '.join(PARTS)}")
    for part in options.parts or PARTS:
        words = PARTS[part]
        rounds = [str(options.rounds)] if words[-1].startswith("--") else []
        print(f"== {part}: python -m {' '.join([*words, *rounds])}", flush=True)
        # Not through process.run: what it prints is seen as it comes, and it has no limit of time.
        status = subprocess.call([sys.executable, "-m", *words, *rounds])
        if status:
            return status
    return 0


if __name__ == "__main__":
    with stoppable():
        sys.exit(main(sys.argv[1:]))
