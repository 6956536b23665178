"""What it costs to start servers of the local lab: many of them, several at a time, each proved to serve.

    python -m benchmarks.starts [--count N] [--at-once N] [--perf] [SERVER...]

Starts N servers of each named kind as a rehearsal does (``LocalLab.serve``: folder, smb.conf, smbd, its RPC
services, a first connection), shows that each is healthy (``prove``), leaves all of them running until the
last one is up, and ends them. Prints the seconds until all served, and CPU seconds of all that ran for it,
each server's own and its end included, beside those of a lab in which none is started. With ``--perf``
these by kind of process, as perf(1) counts them. Needs images that are built.
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from benchmarks.profile import spent
from harness.catalogue import made_of
from harness.labs import images, namespace
from harness.labs.local import LocalLab
from harness.servers.live import LiveServer
from harness.system.entry import stoppable

SERVERS: Final = ("samba-4.13", "samba-4.22")
COUNT: Final = 80
AT_ONCE: Final = 4
"""Starts that go on at the same time: a start waits as long as it works."""
INSIDE: Final = "--inside"


def start(name: str, count: int, at_once: int, folder: Path) -> None:
    """Start so many servers inside a lab, and print how long it took until all served."""
    known = made_of()
    server = known.servers[name]
    lab = LocalLab(folder / "lab", images.ensure(known.images, [server.image], lambda *_: None))
    lab.root(server.image)
    with ExitStack() as running, ThreadPoolExecutor(at_once) as pool:
        begun = time.monotonic()

        def one(_: int) -> LiveServer:
            return running.enter_context(lab.serve(server))

        started = list(pool.map(one, range(count)))
        print(
            f"{count} x {name}, {at_once} at once: all served after {time.monotonic() - begun:.1f} s",
            flush=True,
        )
        for live in started:
            live.prove(serves=True)


def used() -> float:
    """CPU seconds of all that this process has waited for: of a lab all that ran in it."""
    found = resource.getrusage(resource.RUSAGE_CHILDREN)
    return found.ru_utime + found.ru_stime


def measured(name: str, count: int, options: argparse.Namespace) -> float:
    """CPU seconds of a lab in which so many servers are started."""
    with TemporaryDirectory() as place:
        words = [INSIDE, place, "--count", str(count), "--at-once", str(options.at_once), name]
        inner = [sys.executable, "-m", "benchmarks.starts", *words]
        if options.perf:
            cost = spent([sys.executable, "-m", "harness.labs.namespace", "--", *inner], Path(place))
            for kind, seconds in cost.by_kind.items():
                print(f"  {kind:18} {seconds:5.2f} s")
            print(f"  of all: kernel {cost.kernel:.2f} s, dynamic linker {cost.linker:.2f} s")
            return cost.all
        before = used()
        if status := namespace.enter(inner):
            sys.exit(status)
        return used() - before


def main(argv: Sequence[str]) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.starts")
    parser.add_argument("--count", type=int, default=COUNT)
    parser.add_argument("--at-once", type=int, default=AT_ONCE)
    parser.add_argument("--perf", action="store_true", help="CPU seconds by kind of process")
    parser.add_argument(INSIDE, type=Path, help=argparse.SUPPRESS)
    parser.add_argument("servers", nargs="*", metavar="SERVER", default=SERVERS)
    options = parser.parse_args(argv)
    for name in options.servers:
        if options.inside:
            start(name, options.count, options.at_once, options.inside)
            continue
        alone = measured(name, 0, options)
        cost = measured(name, options.count, options) - alone
        print(f"  {cost:.1f} s of the processor beyond the {alone:.1f} s of a lab without a server")
    return 0


if __name__ == "__main__":
    with stoppable():
        sys.exit(main(sys.argv[1:]))
