"""What the evidence of cells costs: the same sweep without it, with what is not kept, and with everything.

    python -m benchmarks.evidence [--servers N] [--rounds N] [--workers N]

In every round servers are started, and every in-process client does every check on each of them in each way:
the machine is not the same one all the time. What is printed are ratios of the same run. The recording of
packets, the log and the writing of every file are in the time; a server is asked for its configuration
before, as the exposure probes of a rehearsal do in any case.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.sweep import CATALOGUE, CHECKS, IN_PROCESS, configurations, harness
from harness.labs import images, namespace
from harness.labs.local import LocalLab
from harness.model import CellId
from harness.record.evidence import Wanted
from harness.servers.base import HOST
from harness.system.entry import stoppable
from harness.system.processors import default_workers


def compare(folder: Path, many: int, workers: int, rounds: int) -> None:
    """Print the measurements. Images are mounted below ``folder``: whoever started us removes it."""
    found = images.ensure(
        CATALOGUE.images, [name for name in CATALOGUE.images if name != HOST], lambda *_: None
    )
    lab = LocalLab(folder / "lab", found)
    known = configurations()
    wanted = known[:: max(1, len(known) // many)][:many]
    servers = {**CATALOGUE.servers, **{server.name: server for server in wanted}}
    catalogue = replace(CATALOGUE, servers=servers)
    ratios: dict[Wanted, list[float]] = {Wanted.LOST: [], Wanted.ALL: []}
    for number in range(rounds):
        # Started anew, as for the jobs of a rehearsal: their logs grow.
        with ExitStack() as running, ThreadPoolExecutor(workers) as threads:
            started = threads.map(lambda server: running.enter_context(lab.serve(server)), wanted)
            live = {one.server.name: one for one in started}
            for one in live.values():
                one.internals()
            cells = [
                CellId("none", name, client, check)
                for name in live
                for client in IN_PROCESS
                for check in CHECKS
            ]
            # Before and after the others, for what the machine does meanwhile.
            before = harness(catalogue, live, cells, workers)
            seconds = {way: harness(catalogue, live, cells, workers, way) for way in ratios}
            plain = (before + harness(catalogue, live, cells, workers)) / 2
        for way, took in seconds.items():
            ratios[way].append(took / plain)
        told = ", ".join(f"{way} {took:.2f} s ({took / plain:.2f} times)" for way, took in seconds.items())
        print(f"round {number + 1}: {len(cells)} attempts, {workers} workers: none {plain:.2f} s, {told}")
    for way, each in ratios.items():
        low, middle, high = min(each), statistics.median(each), max(each)
        print(f"--evidence {way}: {middle:.3f} times as long ({low:.3f} to {high:.3f}, {rounds} rounds)")


def main() -> int:
    """Enter the lab and measure there."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.evidence", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--servers", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--workers", type=int, default=default_workers(), help="attempts at a time")
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if not namespace.inside():
        images.ensure(CATALOGUE.images, [name for name in CATALOGUE.images if name != HOST], lambda *_: None)
        with TemporaryDirectory() as folder:
            words = [f"--folder={folder}", *sys.argv[1:]]
            return namespace.enter([sys.executable, "-m", "benchmarks.evidence", *words])
    compare(options.folder, options.servers, options.workers, options.rounds)
    return 0


if __name__ == "__main__":
    with stoppable():
        sys.exit(main())
