"""What the clients cost: every client against one server, and a persona beside the bare libraries.

    python -m benchmarks.zoo [--server NAME] [--rounds N]

First a whole rehearsal of the baseline with every client and every check that it can do, as ``rehearse run``
makes it. Then, in one process, attempt by attempt in turn: a persona and the library clients that do the
same over the same dialect (impacket and smbprotocol with nothing of ours around them but the log of steps).
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from harness.catalogue import made_of
from harness.clients.base import attempt
from harness.labs import images, namespace
from harness.labs.local import LocalLab
from harness.model import Check, Outcome, Target
from harness.system.entry import stoppable
from harness.system.process import run

PAIRS = (("windows-7", "impacket"), ("windows-10-1703", "smbprotocol"))
"""A persona, and the library client that offers the same newest dialect to this server."""
CHECKS = (Check.BROWSE, Check.OPEN, Check.WRITE)
ATTEMPTS = 25
"""Of each client and check a round."""


def sweep(server: str, rounds: int) -> None:
    """Print how long the rehearsal of every client on that server takes, the program's own start included."""
    seconds = []
    for number in range(rounds):
        with TemporaryDirectory() as runs:
            argv = [sys.executable, "-m", "harness", "run", f"none:{server}", "--json", "--quiet"]
            done = run([*argv, "--runs", runs], timeout=600)
        attempts = done.stdout.count('"cell":')
        seconds.append(done.seconds)
        print(f"round {number + 1}: {attempts} attempts by every client on {server}: {done.seconds:.1f} s")
    print(f"every client on {server}: {statistics.median(seconds):.1f} s (median of {rounds})")


def pairs(server: str, folder: Path, rounds: int) -> None:
    """Print the ratio of a persona's attempts to a bare library's. Images are mounted below ``folder``."""
    lab = LocalLab(
        folder / "lab",
        images.ensure(made_of().images, [made_of().servers[server].image], lambda *_: None),
    )
    with lab.serve(made_of().servers[server]) as live:
        for emulated, bare in PAIRS:
            for check in CHECKS:
                ratios = [
                    _seconds(emulated, check, live.target) / _seconds(bare, check, live.target)
                    for _ in range(rounds)
                ]
                print(f"{emulated} to {bare}, {check}: {statistics.median(ratios):.2f} (median of {rounds})")


def _seconds(name: str, check: Check, target: Target) -> float:
    client = made_of().clients[name]
    begun = time.perf_counter()
    for _ in range(ATTEMPTS):
        made = attempt(client, check, target, client.policy)
        if made.outcome is not Outcome.OK:
            raise SystemExit(f"{name} {check}: {made.outcome} {made.status or ''} {made.note}")
    return time.perf_counter() - begun


def main() -> int:
    """Measure; the second half inside the lab."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.zoo", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--server", default="samba-4.22-smb1")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if namespace.inside():
        pairs(options.server, options.folder, options.rounds)
        return 0
    sweep(options.server, options.rounds)
    with TemporaryDirectory() as folder:
        return namespace.enter([sys.executable, "-m", "benchmarks.zoo", f"--folder={folder}", *sys.argv[1:]])


if __name__ == "__main__":
    with stoppable():
        sys.exit(main())
