"""How long the default rehearsal takes with warm caches, and how much memory the harness itself needs.

    python -m benchmarks.article [--rounds N]

Prints the seconds until the first verdict, until the end, and the peak of the proportional set size of all
Python processes of the run (the servers are not the harness).
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from harness.system import environment
from harness.system.entry import stoppable
from harness.system.process import run_streaming


def descendants(root: int) -> list[int]:
    """The pids of all processes below ``root``."""
    parents: dict[int, int] = {}
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            with suppress(OSError):
                stat = Path(entry.path, "stat").read_text()
                parents[int(entry.name)] = int(stat.rpartition(")")[2].split()[1])
    found = {root}
    while True:
        more = {pid for pid, parent in parents.items() if parent in found} - found
        if not more:
            return sorted(found - {root})
        found |= more


def proportional(pid: int) -> int:
    """The proportional set size of a Python process in bytes; 0 for any other."""
    with suppress(OSError):
        if "python" in Path(f"/proc/{pid}/exe").readlink().name:
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    return int(line.split()[1]) * 1024
    return 0


class Peak(threading.Thread):
    """Samples the memory of our descendants until it is stopped."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.bytes = 0
        self.done = threading.Event()

    def run(self) -> None:
        while not self.done.wait(0.2):
            self.bytes = max(self.bytes, sum(map(proportional, descendants(os.getpid()))))


def once() -> tuple[float, float, float]:
    """Seconds to the first verdict, seconds in all, megabytes at the peak."""
    verdicts: list[float] = []
    peak = Peak()
    peak.start()
    with TemporaryDirectory() as runs:
        begun = time.perf_counter()
        done = run_streaming(
            [sys.executable, "-m", "harness", "run", "--json", "--runs", runs],
            timeout=600,
            heard=lambda _: verdicts.append(time.perf_counter() - begun),
            env={**environment.tools(), **environment.ours()},
        )
        seconds = time.perf_counter() - begun
    peak.done.set()
    peak.join()
    done.check("rehearse run")
    return verdicts[0], seconds, peak.bytes / 2**20


def main() -> int:
    """Measure."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.article")
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    once()  # Builds what is missing and warms the caches.
    measured = []
    for number in range(rounds):
        measured.append(once())
        first, whole, memory = measured[-1]
        print(f"round {number + 1}: first verdict {first:.1f} s, whole {whole:.1f} s, {memory:.0f} MB")
    middle = [statistics.median(column) for column in zip(*measured, strict=True)]
    print(
        f"median: first verdict {middle[0]:.1f} s, whole article {middle[1]:.1f} s, memory {middle[2]:.0f} MB"
    )
    return 0


if __name__ == "__main__":
    with stoppable():
        sys.exit(main())
