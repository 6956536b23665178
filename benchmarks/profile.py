"""Where the processor time of a rehearsal goes, and how much of it is that of its attempts.

    python -m benchmarks.profile [WORD...]

Runs ``rehearse run WORD...`` (without words: the article) under perf(1), which counts all that it starts, in
whatever namespace; then the very attempts that the run made, in the same states of the same servers, in a
bare loop: no proofs, probes, verifications, evidence or verdicts, and nothing else at the same time. Prints

* CPU seconds by kind of process, and how much of all of it is the kernel's and the dynamic linker's;
* CPU seconds of the run against those that its attempts take in the bare loop, with their servers' part in
  them (not that of starting and changing servers), and as many client programs as the run started;
* processes that smbd forks, its own helpers among them, by attempt (connections: ``benchmarks.connections``).

Needs ``perf`` (Debian: linux-perf) with the event cpu-clock, and images that are built.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from benchmarks.connections import made_in
from harness.catalogue import made_of
from harness.clients.base import Log
from harness.conduct.server_change import ServerChange
from harness.errors import LabFault, Refused, Unsupported
from harness.labs import images, namespace
from harness.labs.local import LocalLab
from harness.model import OVER_PHASES, Check, Phase, Side
from harness.planning.plan import served
from harness.record import journal
from harness.servers.base import HOST
from harness.servers.live import target_of_clients
from harness.system import environment
from harness.system.entry import stoppable
from harness.system.process import run

HERTZ: Final = 997
"""Samples of a second of processor time."""
KINDS: Final[Mapping[str, tuple[str, ...]]] = {
    "harness (Python)": ("python",),
    "smbd": ("smbd", "cleanupd", "notifyd", "lpqd"),
    "RPC services": ("samba-dcerpcd", "rpcd_"),
    "client programs": ("smbclient", "curl", "node", "rclone", "java", "libsmb", "mount"),
    "helper programs": ("testparm", "smbcontrol", "dpkg", "chroot", "setpriv", "unshare", "git", "sh"),
}
"""Kind -> how the names of its processes begin."""
TIMES: Final = 3
"""Rounds of the longer bare loop; the shorter has one."""
Made = dict[tuple[str, str], dict[Phase, list[tuple[str, Check]]]]
"""Mitigation and server -> phase -> the attempts that were made: client and check."""


@dataclass(frozen=True, slots=True)
class Spent:
    """What perf counted of a command and all that it started."""

    by_kind: Mapping[str, float]
    """Kind of process -> CPU seconds."""
    kernel: float
    linker: float
    """CPU seconds in ld.so, whoever was being linked."""
    forks: int
    """Processes that smbd forked."""

    @property
    def all(self) -> float:
        return sum(self.by_kind.values())


def spent(argv: Sequence[str], folder: Path, *, may_end: Sequence[int] = (0,)) -> Spent:
    """Run a command to its end. Raises LabFault when perf fails, or the command with another status."""
    data = folder / "perf.data"
    perf = ["perf", "record", "-q", "-e", "cpu-clock", "-F", str(HERTZ), "-o", str(data), "--"]
    done = run([*perf, *argv], timeout=1800, env={**environment.tools(), **environment.ours()})
    if not data.exists() or done.status not in may_end:
        raise LabFault(f"perf or what it ran ended with {done.status}: {done.stderr.strip()[-300:]}")
    by_kind, places = Counter[str](), Counter[str]()
    for samples, name, place in _counted(data):
        by_kind[kind_of(name)] += samples
        places[place] += samples
    told = run(["perf", "script", "-i", str(data), "--show-task-events"], timeout=600).check("perf").stdout
    data.unlink()
    return Spent(
        {kind: samples / HERTZ for kind, samples in by_kind.most_common()},
        kernel=sum(n for place, n in places.items() if place.startswith("[kernel")) / HERTZ,
        linker=sum(n for place, n in places.items() if place.startswith("ld-linux")) / HERTZ,
        forks=sum("_FORK(" in line and line.lstrip().startswith("smbd") for line in told.splitlines()),
    )


def _counted(data: Path) -> Iterator[tuple[int, str, str]]:
    """Samples, name of the process, and file or kernel in which they were taken."""
    asked = ["perf", "report", "-i", str(data), "--stdio", "-t", ";"]
    said = run([*asked, "-F", "sample,comm,dso", "--sort", "comm,dso"], timeout=600).check("perf").stdout
    for line in said.splitlines():
        words = [word.strip() for word in line.split(";") if word.strip()]
        if len(words) == 3 and words[0].isdigit():
            yield int(words[0]), words[1], words[2]


def kind_of(name: str) -> str:
    """The kind of a process by its name; "others" for what is none of ``KINDS``."""
    found = (kind for kind, begins in KINDS.items() if name.startswith(begins))
    return next(found, "others")


def attempts_of(run: Path) -> Made:
    """What a run attempted on connections of their own (one that stays open is another's attempt)."""
    made: Made = {}
    for line in map(json.loads, (run / "journal.jsonl").read_text().splitlines()):
        if line["kind"] == "attempt" and not line["attempt"].get("made_for"):
            cell, check = line["cell"], Check(line["cell"]["check"])
            if check not in OVER_PHASES:
                phases = made.setdefault((cell["mitigation"], cell["server"]), {})
                phases.setdefault(Phase(line["phase"]), []).append((cell["client"], check))
    return made


def bare(times: int, run: Path, folder: Path) -> None:
    """Make the attempts of a run so many times: inside a lab, which mounts images in ``folder``."""
    known = made_of()
    plan = journal.load(run).plan
    found = images.ensure(
        known.images, [name for name in plan.images(known) if name != HOST], lambda *_: None
    )
    lab = LocalLab(folder, found)
    for (mitigation, server), phases in attempts_of(run).items():
        checks = [check for made in phases.values() for _, check in made]
        with lab.serve(served(known, mitigation, server, checks)) as live:
            change = known.mitigation(mitigation).within(live.server)
            before = live.state
            for phase in Phase:
                if phase is Phase.APPLIED:
                    ServerChange(mitigation, change, live).apply()
                elif phase is Phase.ROLLED_BACK and Side.SERVER in change.sides:
                    change.revert(live, before)
                for name, check in phases.get(phase, []) * times:
                    client = known.clients[name]
                    policy = (
                        change.on_client(client.policy, client) if phase is Phase.APPLIED else client.policy
                    )
                    with suppress(Refused, Unsupported, LabFault):
                        client.perform(check, target_of_clients(live).given_time(check), policy, Log())


def in_bare_loop(run: Path, folder: Path) -> float:
    """CPU seconds of a run's attempts and of their servers: what more rounds take beyond what one takes."""
    lab = [sys.executable, "-m", "harness.labs.namespace", "--"]
    loop = [*lab, sys.executable, "-m", "benchmarks.profile", "--bare"]

    def cost(times: int) -> float:
        return spent([*loop, str(times), str(run), str(folder / f"lab-{times}")], folder).all

    return (cost(TIMES) - cost(1)) / (TIMES - 1)


def measure(words: Sequence[str]) -> None:
    """Print what a run costs."""
    with TemporaryDirectory() as place:
        folder = Path(place)
        argv = [sys.executable, "-m", "harness", "run", "--json", "--runs", place, *words]
        # 1 is a verdict.
        cost = spent(argv, folder, may_end=(0, 1))
        (written,) = folder.glob("*/journal.jsonl")
        made = made_in(written)
        alone = in_bare_loop(written.parent, folder)
    print(f"{cost.all:.1f} CPU seconds, {made} attempts")
    for kind, seconds in cost.by_kind.items():
        print(f"  {kind:18} {seconds:5.1f} s  {seconds / cost.all:4.0%}")
    print(f"of all: kernel {cost.kernel / cost.all:.0%}, dynamic linker {cost.linker / cost.all:.0%}")
    print(
        f"the same attempts in a bare loop: {alone:.1f} s, {alone / made * 1000:.1f} ms each; "
        f"the run: {cost.all / alone:.1f} times that"
    )
    print(f"processes forked by smbd: {cost.forks}, {cost.forks / made:.2f} an attempt")


def main() -> int:
    """Measure."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.profile")
    parser.add_argument("--bare", type=int, help=argparse.SUPPRESS)
    parser.add_argument("words", nargs="*", metavar="WORD", help="what is rehearsed, as rehearse run has it")
    options = parser.parse_args()
    if options.bare is None:
        measure(options.words)
    elif namespace.inside():
        bare(options.bare, *map(Path, options.words))
    return 0


if __name__ == "__main__":
    with stoppable():
        sys.exit(main())
