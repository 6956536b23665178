"""What a run costs of which nothing, or one client, has changed since the last: CPU seconds, side by side.

    python -m benchmarks.reuse [--times N] [WORD...]

Runs ``rehearse run --reuse WORD...`` with a store of its own: first with nothing kept; then unchanged, N
times, for what chance draws to be measured again differs; then unchanged, and one cell at least is measured
again (``--recheck 1``); then with one persona changed (``changing``, which the project of these runs adds to
the clients). Beside them is what commands cost that measure nothing: ``plan --reuse`` and ``report``.

CPU seconds of all that was started, not wall time: what else this machine does changes them little.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from harness.labs import images
from harness.system import environment, resources
from harness.system.entry import stoppable
from harness.system.process import Result, run

ENDS: Final = (0, 1)
"""Exit statuses: 1 is a verdict."""
MINE: Final = "changing"
"""The persona that changes: as Windows 7, under a name of its own."""
CELLS: Final = (
    "nt-pipe-support-off,smb3-only,signing-required,encryption-required:samba-4.17,samba-4.22-smb1:"
    f"windows-*,{MINE}:browse,open,write"
)
"""What is rehearsed where nobody says what."""


class Office:
    """A project with one persona, whose runs and kept results are apart from the user's."""

    def __init__(self, place: Path) -> None:
        self.place = place
        (place / "personas").mkdir()
        (place / "rehearsal.toml").write_text("[defaults]\nreuse = true\n")
        cache = place / "cache" / "smb-rehearsal"
        cache.mkdir(parents=True)
        (cache / "images").symlink_to(images.store({}).base)
        self.persona("Windows 7")

    def persona(self, title: str) -> None:
        """Write the persona, under another title: to its cells that is a change like any other."""
        words = resources.path("clients", "personas", "windows-7.toml").read_text("utf-8")
        lines = [line for line in words.splitlines() if not line.startswith(("name =", "title ="))]
        own = [f'name = "{MINE}"', f'title = "{title}"']
        (self.place / "personas" / f"{MINE}.toml").write_text("\n".join([*own, *lines]) + "\n")

    def seconds(self, *words: str) -> tuple[float, Result]:
        """CPU seconds of one command of ours and all that it starts."""
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        here = ["--runs", str(self.place / "runs"), "--project", str(self.place)]
        env = {**environment.tools(), **environment.ours(), "XDG_CACHE_HOME": str(self.place / "cache")}
        done = run([sys.executable, "-m", "harness", *words, *here], timeout=3600, env=env)
        if done.status not in ENDS:
            done.check(words[0])
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime, done


def main(argv: Sequence[str]) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.reuse")
    parser.add_argument("--times", type=int, default=3, help="unchanged runs")
    parser.add_argument("what", nargs="*", metavar="WORD", help="as behind rehearse run")
    options = parser.parse_args(argv)
    words = options.what or [CELLS]
    with TemporaryDirectory() as folder:
        office = Office(Path(folder))
        first, told = office.seconds("run", *words, "--quiet", "--json")
        cells = len(json.loads(told.stdout)["cells"])
        print(f"{'first':28} {first:6.2f} s of the processor, {cells} cells measured", flush=True)
        plan, _ = office.seconds("plan", *words, "--reuse")
        report, _ = office.seconds("report", "--json")
        print(f"{'plan --reuse and report':28} {plan + report:6.2f} s: what measures nothing", flush=True)

        def again(name: str, *more: str) -> float:
            taken, told = office.seconds("run", *words, *more, "--quiet", "--json")
            found = json.loads(told.stdout)["cells"]
            anew = [one for one in found if not one["reused"]]
            own = sum(one["client"] == MINE for one in anew)
            share = f"{100 * taken / first:.1f} % of the first"
            measured = f"{len(anew)} cells measured, {own} of them of the persona"
            print(f"{name:28} {taken:6.2f} s: {share}; {measured}", flush=True)
            return taken

        plain = [again("nothing changed") for _ in range(options.times)]
        mean = statistics.mean(plain)
        print(f"{'  on average of these':28} {mean:6.2f} s: {100 * mean / first:.1f} % of the first")
        again("the same, --recheck 1", "--recheck", "1")
        office.persona("Windows 7, changed since")
        again("one persona changed")
    return 0


if __name__ == "__main__":
    with stoppable():
        sys.exit(main(sys.argv[1:]))
