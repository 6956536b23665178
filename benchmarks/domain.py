"""What the domain of the local lab costs: its warm start, its memory, and the run of a scenario.

    python -m benchmarks.domain [--rounds N]

The image and the domain's template must be there (``rehearse run domain-rc4-off`` makes them). Prints, of
each round, wall and CPU seconds from nothing to a member that serves, its domain controller included, and
what both hold in memory then: the proportional set size (proc_pid_smaps(5): a page that several processes
share is divided among them). Then wall and CPU seconds of ``rehearse run domain-ntlm-off``, starts included.

CPU seconds are those of the processes that run at the end, and of all that ended and were waited for. The
load of the machine is told with them: wall times mean little beside it.
"""

from __future__ import annotations

import argparse
import os
import re
import resource
import sys
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from harness.catalogue import made_of
from harness.labs import images, namespace
from harness.labs.domain import template
from harness.labs.domain.server import MemberServer
from harness.labs.local import LocalLab
from harness.servers import in_domain
from harness.system import environment
from harness.system.entry import stoppable
from harness.system.process import run

MEMBER: Final = "samba-ad-member"
SCENARIO: Final = "domain-ntlm-off"
_TICKS: Final = os.sysconf("SC_CLK_TCK")
_PSS: Final = re.compile(r"^Pss:\s+(\d+) kB", re.MULTILINE)


def ended() -> float:
    """CPU seconds of this process and of all that it waited for."""
    both = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in both)


def running(pids: Iterable[int]) -> float:
    """CPU seconds of processes that run, and of all that each of them waited for: proc_pid_stat(5)."""
    ticks = 0
    for pid in pids:
        with suppress(OSError):
            # The name stands in brackets, and may have blanks; times are the 14th field to the 17th.
            ticks += sum(map(int, Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:15]))
    return ticks / _TICKS


def memory(pids: Iterable[int]) -> float:
    """MB (2^20 bytes) of their proportional set size."""
    found = 0
    for pid in pids:
        with suppress(OSError):
            match = _PSS.search(Path(f"/proc/{pid}/smaps_rollup").read_text())
            found += int(match[1]) if match else 0
    return found / 1024


def below(root: Path) -> list[int]:
    """The processes whose root directory is there, or below it: samba(8) overwrites what it is marked by."""
    found = []
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            with suppress(OSError):
                if Path(entry.path, "root").readlink().is_relative_to(root):
                    found.append(int(entry.name))
    return found


def load() -> str:
    """What else the machine does."""
    return f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors"


def starts(rounds: int, folder: Path) -> None:
    """Start a member so often: inside a lab, which mounts images in ``folder``."""
    known = made_of()
    server = known.servers[MEMBER]
    found = images.ensure(known.images, [server.image, in_domain.IMAGE], lambda *_: None)
    lab = LocalLab(folder, template.with_template(found, lambda *_: None))
    for number in range(1, rounds + 1):
        begun, spent = time.perf_counter(), ended()
        with lab.serve(server) as live:
            assert isinstance(live, MemberServer)
            wall = time.perf_counter() - begun
            every, beside = below(folder), below(live.controller.place.root)
            cpu = ended() - spent + running(every)
            held, there = memory(every), memory(beside)
            print(
                f"start {number}: {wall:.1f} s, {cpu:.1f} CPU seconds, {load()}; "
                f"{len(every)} processes, {held:.0f} MB: domain controller {there:.0f}, "
                f"member {held - there:.0f}"
            )


def _around() -> dict[str, str]:
    return {**environment.tools(), **environment.ours()}


def scenario() -> None:
    """Run the scenario once."""
    with TemporaryDirectory() as folder:
        begun, spent = time.perf_counter(), ended()
        argv = [sys.executable, "-m", "harness", "run", "--quiet", "--json", "--runs", folder, SCENARIO]
        # 1 is a verdict.
        done = run(argv, timeout=1800, env={**environment.tools(), **environment.ours()})
        wall, cpu = time.perf_counter() - begun, ended() - spent
    print(f"rehearse run {SCENARIO}: {wall:.1f} s, {cpu:.1f} CPU seconds, {load()}, status {done.status}")


def main() -> int:
    """Measure."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.domain")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if namespace.inside():
        starts(options.rounds, options.folder)
        return 0
    lab = [sys.executable, "-m", "harness.labs.namespace", "--"]
    with TemporaryDirectory() as place:
        # What is mounted in it goes with the lab.
        words = ["--rounds", options.rounds, "--folder", Path(place) / "lab"]
        inside = run([*lab, sys.executable, "-m", "benchmarks.domain", *words], timeout=1800, env=_around())
        print(inside.check("the starts").stdout, end="")
    scenario()
    return 0


if __name__ == "__main__":
    with stoppable():
        sys.exit(main())
