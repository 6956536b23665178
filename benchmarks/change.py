"""What a rehearsed change of an smb.conf costs, in seconds of processors: one cell, and more on three shares.

    python -m benchmarks.change [--client NAME ...] [--whole]

Processor seconds of all that was started, servers too: another load on the machine changes them little. The
first line is the least that a change costs, the second one the same on three shares (which are one running
server), the third one with the probes of exposures. ``--whole`` adds every client with every everyday check,
which takes minutes.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from harness.system import environment
from harness.system.entry import stoppable
from harness.system.process import run

SMB_CONF = """\
[global]
server min protocol = NT1
ntlm auth = ntlmv1-permitted
[documents]
read only = no
[public]
read only = no
[scans]
read only = no
"""
_SECONDS = 3600.0


def spent() -> float:
    """Processor seconds of all children that have ended, and of theirs."""
    times = os.times()
    return times.children_user + times.children_system


def measure(folder: Path, what: str, *words: str) -> None:
    """Rehearse the change with further words, and print what that cost."""
    argv = [sys.executable, "-m", "harness", "change", "--smb-conf", str(folder / "office.conf"), "--quiet"]
    argv += ["--set", "server signing = mandatory", "--runs", str(folder / "runs")]
    before = spent()
    # Of the user's own: where the images are kept.
    done = run([*argv, *words], timeout=_SECONDS, env={**os.environ, **environment.python()})
    if not done.stdout:
        sys.exit(f"{what}: rehearse ended with {done.status}: {done.stderr.strip()}")
    print(f"{spent() - before:7.1f} s of processors, {done.seconds:6.1f} s: {what}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--client", action="append", help="instead of smbclient")
    parser.add_argument("--whole", action="store_true", help="every client, every everyday check")
    options = parser.parse_args()
    one = [word for name in options.client or ["smbclient"] for word in ("--client", name)]
    one += ["--check", "open"]
    with TemporaryDirectory() as made:
        folder = Path(made)
        (folder / "office.conf").write_text(SMB_CONF)
        measure(folder, "one share", *one, "--no-exposures", "--share", "documents")
        measure(folder, "three shares", *one, "--no-exposures")
        measure(folder, "three shares, with exposures", *one)
        if options.whole:
            measure(folder, "every client and check on three shares, with exposures")


if __name__ == "__main__":
    with stoppable():
        main()
