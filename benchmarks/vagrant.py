"""Two times of the vagrant lab: restoring a guest against booting it again, and the article's Samba rows.

    python -m harness.labs.namespace -- python -m benchmarks.vagrant [ROUNDS]

As root, with the boxes built (rehearse boxes build bullseye bookworm). Restoring and booting count from the
command to the first listing of the share by the control client, side by side in one run; both go through
Vagrant. The article's rows 2 and 3 (pipes off, the vendor's patch) run on two machines: Samba, and a client
with the kernel's own SMB.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from harness.catalogue import made_of
from harness.labs.boxes import acceleration, fetch
from harness.labs.vagrant.gather import Means
from harness.labs.vagrant.lab import VagrantLab
from harness.labs.vagrant.machine import SNAPSHOT
from harness.model import Outcome
from harness.smb import control
from harness.system.deadline import wait_for
from harness.system.entry import stoppable
from harness.system.process import run

SERVER = "samba-4.17"
GUEST = "samba-bookworm"


CLIENTS = "windows-10-1703,windows-7,windows-xp,linux-cifs-kernel-1.0"
ROWS = f"nt-pipe-support-off,vendor-patch:sles11-like:{CLIENTS}:browse,open"
WANTED = 240.0
"""Seconds that the article's Samba rows may take."""


def main(rounds: int) -> int:
    """Print both; 0 when both are as fast as wanted."""
    ratio = restoring(rounds)
    seconds = rows()
    return 0 if ratio >= 5 and seconds < WANTED else 1


def rows() -> float:
    """Seconds for the article's Samba rows, from the command to the report."""
    begun = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="rehearse-benchmark-") as runs:
        words = [sys.executable, "-m", "harness", "run", ROWS, "--lab", "vagrant", "--runs", runs]
        done = run([*words, "--no-exposures", "--json"], timeout=1800.0)
    seconds = time.perf_counter() - begun
    summary = json.loads(done.stdout)["summary"]
    cells = ", ".join(f"{number} {effect}" for effect, number in summary.items())
    print(f"the article's Samba rows on two machines: {seconds:.0f} s (wanted: {WANTED:.0f}); {cells}")
    return seconds


def restoring(rounds: int) -> float:
    """How many times faster restoring is; prints each time, and the ratio of the medians."""
    means = Means(boxes=fetch.vagrant_home(), accelerated=acceleration.find().kvm, memory=1024)
    with tempfile.TemporaryDirectory(prefix="rehearse-benchmark-") as name:
        folder = Path(name) / "lab"
        folder.mkdir()
        begun = time.perf_counter()
        with VagrantLab(folder, {}, means) as lab, lab.serve(made_of().servers[SERVER]) as live:
            print(f"first start to the first listing: {time.perf_counter() - begun:6.1f} s")
            machines = lab.machines
            # What is restored must serve by itself: the snapshot of the lab is from before the configuration.
            machines.save(GUEST, f"{SNAPSHOT}-serving")

            def answers() -> bool:
                return control.control(live.target).outcome is Outcome.OK

            def timed(go: Callable[[], None]) -> float:
                start = time.perf_counter()
                go()
                wait_for("the share", answers, 300.0)
                return time.perf_counter() - start

            restores, boots = [], []
            for number in range(1, rounds + 1):
                restores.append(timed(lambda: machines.restore(GUEST, f"{SNAPSHOT}-serving")))
                boots.append(timed(lambda: machines.reboot(GUEST)))
                print(f"round {number}: restored {restores[-1]:6.1f} s, booted {boots[-1]:6.1f} s")
    ratio = statistics.median(boots) / statistics.median(restores)
    print(f"restoring is {ratio:.1f} times faster than booting (medians of {rounds}; wanted: 5)")
    return ratio


if __name__ == "__main__":
    with stoppable():
        sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 3))
