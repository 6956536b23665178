"""What it costs to plan: processor time and memory of ``rehearse plan``, up to a million cells.

    python -m benchmarks.planning [SETTINGS...]

Each plan has one more setting of smb.conf(5) for each of so many SETTINGS (``set(deadtime=N)``), on every
server that can have it, with every client and everyday check: some 1,800 cells a setting. What the command
takes with one setting is what it takes to start, and is shown apart.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from harness.system import environment

SETTINGS: Final = (1, 6, 60, 550)
"""Of the last one come a million cells."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What one plan took."""

    cells: int
    seconds: float
    """Of the processor."""
    megabytes: float
    """That it had in memory at most."""


def planned(settings: int) -> Cost:
    """Plan that many settings. Raises RuntimeError when that fails."""
    changes = ",".join(f"set(deadtime={number})" for number in range(1, settings + 1))
    argv = [sys.executable, "-m", "harness", "plan", f"{changes}:*:*:*"]
    env = {**environment.tools(), **environment.ours()}
    # Not through process.run: what one child took at most, wait4(2) alone tells.
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, env=env) as child:
        said = child.stdout.read() if child.stdout else ""
        _, status, used = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    cells = next((line.split()[0] for line in said.splitlines() if " to start, " in line), "")
    if child.returncode or not cells:
        raise RuntimeError(f"rehearse plan ended with {child.returncode}")
    return Cost(int(cells), used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def main(argv: Sequence[str]) -> int:
    """Measure and print."""
    planned(1)  # The first one reads everything from the disk.
    start = planned(1)
    print(
        f"{start.cells:9} cells: {start.seconds:5.2f} s of the processor, {start.megabytes:4.0f} MB: to start"
    )
    for settings in map(int, argv) if argv else SETTINGS[1:]:
        one = planned(settings)
        each = (one.seconds - start.seconds) / max(1, one.cells - start.cells) * 1e6
        more = (one.megabytes - start.megabytes) / max(1, one.cells - start.cells) * 2**20
        print(
            f"{one.cells:9} cells: {one.seconds:5.2f} s of the processor, {one.megabytes:4.0f} MB; "
            f"a cell more: {each:.1f} us, {more:.0f} bytes"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
