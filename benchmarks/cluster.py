"""The same cells measured in a lab of this machine, and by two workers of a cluster on this machine.

    python -m benchmarks.cluster [--rounds N] [CELLS...]

Prints of each round the seconds of both and their ratio, and in the end the processor seconds that a run
takes, all processes included: of the cluster without what its scheduler, its workers and their labs take to
start and end, which is told apart. Needs the extra cluster.
"""

from __future__ import annotations

import argparse
import json
import resource
import socket
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from harness.cluster import certificates
from harness.system import environment
from harness.system.deadline import wait_for
from harness.system.entry import stoppable
from harness.system.process import finish, run, start

CELLS = ["nt-pipe-support-off,smb3-only,signing-required:samba-4.17,samba-4.22:*:browse,open"]
AROUND = {**environment.tools(), **environment.ours()}
REHEARSE = (sys.executable, "-m", "harness")


def processors() -> float:
    """Processor seconds of all our children that have ended, and theirs."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def rehearsed(home: Path, cells: list[str], *more: str) -> float:
    """Seconds that a run takes."""
    begun = time.perf_counter()
    words = [*REHEARSE, "run", *cells, *more, "--json", "--quiet", "--runs", str(home / "runs")]
    done = run(words, timeout=3600, env=AROUND)
    if done.status not in (0, 1) or not json.loads(done.stdout)["complete"]:
        done.check("rehearse run")
    return time.perf_counter() - begun


@contextmanager
def cluster(home: Path) -> Iterator[tuple[str, ...]]:
    """A scheduler and two workers; the words by which a run is sent to them."""
    keys = home / "certificates"
    if not keys.exists():
        certificates.make(keys)
    with closing(socket.socket()) as one:
        one.bind(("127.0.0.1", 0))
        address = f"tls://127.0.0.1:{one.getsockname()[1]}"
    with ExitStack() as held:
        for name, words in (
            ("scheduler", ("cluster", "scheduler", address)),
            ("first", ("worker", address)),
            ("second", ("worker", address)),
        ):
            said = home / f"{name}.txt"
            said.write_text("")
            argv = [*REHEARSE, *words, "--certificates", str(keys)]
            child = start(argv, output=said, env=AROUND)
            held.callback(finish, child, 30)
            held.callback(child.terminate)
            wait_for(name, lambda said=said: "ready" in said.read_text(), 60)  # type: ignore[misc]
        yield ("--cluster", address, "--cluster-certificates", str(keys))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("cells", nargs="*", default=CELLS)
    options = parser.parse_args()
    here: list[float] = []
    there: list[float] = []
    with TemporaryDirectory() as folder:
        home = Path(folder)
        rehearsed(home, options.cells)
        begun = processors()
        # With a run, which starts the labs: what a run costs is what each one more does.
        with cluster(home) as words:
            rehearsed(home, options.cells, *words)
        one = processors() - begun
        own = 0.0
        begun = processors()
        with cluster(home) as words:
            rehearsed(home, options.cells, *words)
            for number in range(options.rounds):
                before = processors()
                here.append(rehearsed(home, options.cells))
                own += processors() - before
                there.append(rehearsed(home, options.cells, *words))
                ratio = there[-1] / here[-1]
                print(
                    f"round {number + 1}: here {here[-1]:.1f} s, two workers {there[-1]:.1f} s: {ratio:.2f}"
                )
        elsewhere = (processors() - begun - own - one) / options.rounds
        own /= options.rounds
        print(
            f"median of the ratios: {statistics.median(b / a for a, b in zip(here, there, strict=True)):.2f}"
        )
        print(
            f"processor seconds of a run: here {own:.1f}, two workers {elsewhere:.1f}: {elsewhere / own:.2f}"
        )
        print(f"to start and end the scheduler, the workers and their labs, besides: {one - elsewhere:.1f}")


if __name__ == "__main__":
    with stoppable():
        main()
