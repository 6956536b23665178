"""All probes against one server, side by side with nmap's three scripts on the same server, in one run.

    python -m harness.labs.namespace -- python -m benchmarks.exposures [--rounds N]

Prints the median seconds of each and their ratio, for each server. What is timed of ours is all probes in a
process that has its libraries loaded, as in a rehearsal; of nmap the whole program, which is how it is used.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from harness.catalogue import made_of
from harness.conduct import preload
from harness.exposures.survey import Survey, survey
from harness.labs import images, namespace
from harness.labs.local import LocalLab
from harness.servers.live import LiveServer
from harness.system.process import run

CATALOGUE = made_of()


SERVERS = ("samba-4.13", "samba-4.22-smb1", "samba-4.25", "consumer-nas")
SCRIPTS = "smb-protocols,smb2-security-mode,smb-security-mode"


def ours(live: LiveServer) -> float:
    """Seconds of all probes, reading the server from within included."""
    begun = time.perf_counter()
    account = not live.server.unknown_user
    survey(
        CATALOGUE.exposures, Survey(live.target, datetime.now(UTC).date(), live.internals(), account=account)
    )
    return time.perf_counter() - begun


def theirs(live: LiveServer) -> float:
    """Seconds of nmap with its three scripts."""
    target = live.target
    argv = ["nmap", "-n", "-Pn", f"-p{target.port}", "--script", SCRIPTS, target.address]
    begun = time.perf_counter()
    run(argv, timeout=60).check("nmap")
    return time.perf_counter() - begun


def main() -> int:
    """Measure."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.exposures")
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    if shutil.which("nmap") is None or not namespace.inside():
        print("run it inside the lab, with nmap installed", file=sys.stderr)
        return 2
    found = images.ensure(
        CATALOGUE.images, tuple({CATALOGUE.servers[name].image for name in SERVERS}), lambda *_: None
    )
    folder = Path(tempfile.mkdtemp(prefix="benchmark-exposures-"))
    try:
        lab = LocalLab(folder / "lab", found)
        for name in SERVERS:
            with lab.serve(CATALOGUE.servers[name]) as live:
                first = ours(live)
                pairs = [(ours(live), theirs(live)) for _ in range(rounds)]
            mine, nmap = (statistics.median(column) for column in zip(*pairs, strict=True))
            print(
                f"{name}: all probes {mine:.3f} s (the first time {first:.3f} s), nmap's three scripts "
                f"{nmap:.3f} s: {mine / nmap:.2f} of its time"
            )
    finally:
        for mounted in (folder / "lab" / "roots").glob("*"):
            namespace.unmount_image(mounted)
        shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    # As a worker of a rehearsal has them.
    assert preload
    sys.exit(main())
