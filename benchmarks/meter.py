"""What it costs to keep account of where a run's time goes (``harness.conduct.meter``).

    python -m benchmarks.meter [CELLS...]

Rehearses cells in the local lab, exposures probed, and counts how often somebody begins or ends something;
then does that alone. Prints the processor time of both, and the one as a part of the other.
"""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.sweep import CATALOGUE, Silent
from harness.conduct.meter import Meter
from harness.conduct.rehearsal import Rehearsal
from harness.conduct.workers import Pool
from harness.labs import images, namespace
from harness.labs.local import LocalLab
from harness.planning import planner
from harness.record import journal
from harness.record.judging import incomplete
from harness.result.spent import Kind
from harness.system.entry import stoppable
from harness.system.processors import default_workers

CELLS = "signing-required,nt-pipe-support-off,smb3-only:samba-4.17,samba-4.22:windows-*:browse,open,write"
MANY = 20_000


class Counting(Meter):
    """Counts what it adds up."""

    steps = 0

    def _step(self) -> None:
        self.steps += 1
        super()._step()


def used() -> float:
    """Seconds of the processor, of this process and of those that ended below it."""
    found = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in found)


def run(folder: Path, selectors: Sequence[str]) -> tuple[float, int]:
    """Seconds of the processor that a rehearsal takes, and how often its meter was called."""
    plan = replace(planner.from_selectors(CATALOGUE, selectors), probes=True)
    found = images.ensure(CATALOGUE.images, plan.images(CATALOGUE), lambda *_: None)
    begun = used()
    with journal.create(folder, plan) as book, Pool(CATALOGUE, default_workers()) as pool:
        pool.meter = meter = Counting(pool.size)
        recorded = journal.load(folder)
        lab = LocalLab(folder / "lab", found)
        Rehearsal(CATALOGUE, recorded, book, lab, pool, Silent()).run(incomplete(CATALOGUE, recorded), 2)
    # The processes of the pool have ended: they count.
    return used() - begun, meter.steps


def each() -> float:
    """Seconds of the processor that one call takes: half of what beginning and ending something does."""
    meter = Meter(default_workers())
    begun = time.process_time()
    for _ in range(MANY):
        with meter.at_work(Kind.ATTEMPTS):
            pass
        with meter.doing(Kind.PROOF):
            pass
    return (time.process_time() - begun) / (4 * MANY)


def main(argv: Sequence[str]) -> int:
    """Enter the lab, measure there, and print."""
    if not namespace.inside():
        with TemporaryDirectory() as folder:
            return namespace.enter([sys.executable, "-m", "benchmarks.meter", folder, *argv])
    folder, *selectors = argv
    whole, steps = run(Path(folder), selectors or [CELLS])
    cost = each()
    print(f"the run: {whole:.1f} s of the processor, as far as its processes were waited for")
    print(f"the meter: {steps} times {cost * 1e6:.1f} us, {steps * cost * 1e3:.1f} ms")
    print(f"of the run: {steps * cost / whole:.3%}")
    return 0


if __name__ == "__main__":
    with stoppable():
        sys.exit(main(sys.argv[1:]))
