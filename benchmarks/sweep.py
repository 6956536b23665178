"""What the harness costs: a sweep of attempts with it, side by side with a bare loop and with smbclient.

    python -m benchmarks.sweep [--workers N...] [--rounds N] [--servers N]

Every server configuration (each server, alone and under each mitigation of smb.conf) is started once; then
every in-process client does every check on each of them, in turn

* bare: the clients' own code in N processes, with no lab, journal, health probe or evidence around it;
* harness: the same attempts in N workers, as a rehearsal does them, journal and verdicts included;
* smbclient: a shell script that does the same checks one after another, on a part of the servers.

With several numbers of workers (``--workers 1 2 4``) each round has all of them, one after the other.
Starting the servers is timed apart, since the bare loop needs them too. ``--servers 60`` takes about so many
of the configurations, of every kind, where all of them take too long.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from harness.catalogue import Catalogue, made_of
from harness.clients.base import Log
from harness.conduct.evidence import Keeper
from harness.conduct.rehearsal import Rehearsal
from harness.conduct.workers import Order, Pool
from harness.errors import LabFault, Refused, Unsupported
from harness.labs import images, namespace
from harness.labs.capture import Capture
from harness.labs.local import LocalLab
from harness.mitigations.base import NotApplicableError
from harness.model import CellId, Check, Row, Side, Target, Tier
from harness.planning.plan import Plan
from harness.record import journal
from harness.record.evidence import Wanted
from harness.servers import ports
from harness.servers.base import HOST, Server
from harness.servers.live import LiveServer
from harness.system.entry import stoppable
from harness.system.process import run
from harness.system.processors import default_workers

CATALOGUE = made_of()


CHECKS = (Check.BROWSE, Check.OPEN, Check.WRITE)
IN_PROCESS = ("windows-xp", "windows-7", "windows-10-1703", "smbprotocol")
LEAST = 800
"""Attempts that a sweep must have to be worth quoting."""


def configurations() -> list[Server]:
    """Each server alone and under each mitigation that changes its smb.conf."""
    found = []
    for server in list(CATALOGUE.servers.values()):
        # A domain's server is a whole domain: that has its own measurement.
        if server.image == HOST or server.in_domain or Tier.LOCAL not in server.labs:
            continue
        found.append(server)
        for change in CATALOGUE.mitigations.values():
            if Side.SERVER not in change.sides:
                continue
            with suppress(NotApplicableError):
                state = change.changed(server.state, server)
                # These leave guests, or everybody, no way in: nothing to sweep.
                guests = "guest ok" in server.conf.share
                shut = change.name == "ntlm-off" or (
                    guests
                    and change.name in ("guest-off", "encryption-required", "share-encryption-required")
                )
                # Nor do these clients come by another port.
                shut = shut or ports.of(state.conf) != ports.USUAL
                if state.running and state.image == server.image and state != server.state and not shut:
                    found.append(replace(server, name=f"{server.name}.{change.name}", conf=state.conf))
    return found


class Started:
    """A lab whose servers run already."""

    name = "local"

    def __init__(self, live: dict[str, LiveServer]) -> None:
        self.live = live

    @contextmanager
    def serve(self, server: Server) -> Iterator[LiveServer]:
        yield self.live[server.name]


class Silent:
    """Nobody watches."""

    def job(self, mitigation: str, server: str, phase: str) -> None: ...

    def waits(self, mitigation: str, server: str, what: str) -> None: ...

    def finished(self, mitigation: str, server: str) -> None: ...

    def cell(self, cell_id: str, effect: str, expected: bool, text: str) -> None: ...


Work = list[tuple[str, Check, Target]]


def bare(work: Work, workers: int) -> float:
    """Seconds for all attempts in ``workers`` processes that do nothing else."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["harness.conduct.preload"])
    ready = [context.Pipe() for _ in range(workers)]
    parts = [work[number::workers] for number in range(workers)]
    processes = [
        context.Process(target=_bare, args=(theirs, part))
        for (_, theirs), part in zip(ready, parts, strict=True)
    ]
    for process, (_, theirs) in zip(processes, ready, strict=True):
        process.start()
        # Ours must be the only end that is left here, or a process that crashes is waited for in vain.
        theirs.close()
    for ours, _ in ready:
        ours.recv()
    begun = time.perf_counter()
    for ours, _ in ready:
        ours.send(None)
    for ours, _ in ready:
        ours.recv()
    seconds = time.perf_counter() - begun
    for process in processes:
        process.join()
    return seconds


def _bare(pipe: multiprocessing.connection.Connection, work: Work) -> None:
    known = CATALOGUE.clients
    pipe.send(None)
    pipe.recv()
    for name, check, target in work:
        with suppress(Refused, Unsupported, LabFault):
            known[name].perform(check, target, known[name].policy, Log())
    pipe.send(None)


def harness(
    catalogue: Catalogue,
    live: dict[str, LiveServer],
    cells: Sequence[CellId],
    workers: int,
    wanted: Wanted = Wanted.NONE,
) -> float:
    """Seconds for all attempts as a rehearsal does them: workers, health, journal, verdicts, and evidence."""
    plan = Plan("sweep", (Row("sweep", "sweep", tuple(cells)),), {})
    with TemporaryDirectory() as folder, Pool(CATALOGUE, workers) as pool:
        with journal.create(Path(folder), plan) as book:
            recorded = journal.load(Path(folder))
            recording = ExitStack()
            keeper = None
            if wanted is not Wanted.NONE:
                keeper = Keeper(Path(folder), wanted, recording.enter_context(Capture()))
            rehearsal = Rehearsal(catalogue, recorded, book, Started(live), pool, Silent(), keeper)
            # The bare loop waits for its processes too before the clock starts.
            target = next(iter(live.values())).target
            order = Order(IN_PROCESS[0], Check.OPEN, target, CATALOGUE.clients[IN_PROCESS[0]].policy)
            wait([pool.submit(order) for _ in range(workers)])
            begun = time.perf_counter()
            rehearsal.run(cells, workers + 1)
            seconds = time.perf_counter() - begun
            recording.close()
        faults = [
            phases
            for phases in journal.load(Path(folder)).attempts.values()
            if any(attempt.outcome == "fault" for attempt in phases.values())
        ]
        for reason in sorted({one.note for phases in faults for one in phases.values()}):
            print(f"  fault: {reason}")
    return seconds


SCRIPT = """for address in {addresses}; do
  export USER={user} PASSWD={password}
  smbclient -s /dev/null --option='client min protocol=NT1' -m SMB3 -L "$address" </dev/null
  smbclient -s /dev/null --option='client min protocol=NT1' -m SMB3 "//$address/{share}" -c ls
  smbclient -s /dev/null --option='client min protocol=NT1' -m SMB3 "//$address/{share}" \
    -c 'put /etc/hostname probe; get probe /dev/null; rm probe'
done >/dev/null 2>&1
"""


def smbclient(live: Sequence[LiveServer]) -> float | None:
    """Attempts per second of a shell script with this machine's smbclient, or None without one."""
    targets = [one.target for one in live]
    text = SCRIPT.format(
        addresses=" ".join(target.address for target in targets),
        user=targets[0].user,
        password=targets[0].password,
        share=targets[0].share,
    )
    if not Path("/usr/bin/smbclient").exists():
        return None
    return len(targets) * len(CHECKS) / run(["sh", "-s"], stdin=text, timeout=600).seconds


def sweep(folder: Path, counts: Sequence[int], rounds: int, most: int | None = None) -> None:
    """Print the measurements. Images are mounted below ``folder``: whoever started us removes it."""
    with ExitStack() as running:
        found = images.ensure(
            CATALOGUE.images, [name for name in CATALOGUE.images if name != HOST], lambda *_: None
        )
        lab = LocalLab(folder / "lab", found)
        wanted = configurations()
        wanted = wanted[:: max(1, len(wanted) // most)] if most else wanted
        servers = {**CATALOGUE.servers, **{server.name: server for server in wanted}}
        catalogue = replace(CATALOGUE, servers=servers)
        begun = time.perf_counter()
        with ThreadPoolExecutor(default_workers()) as threads:
            started = list(threads.map(lambda server: running.enter_context(lab.serve(server)), wanted))
        print(f"{len(started)} servers started in {time.perf_counter() - begun:.1f} s")
        live = {one.server.name: one for one in started}
        cells = [
            CellId("none", name, client, check) for name in live for client in IN_PROCESS for check in CHECKS
        ]
        work = [(cell.client, Check(cell.check), live[cell.server].target) for cell in cells]
        if len(work) < LEAST:
            print(f"only {len(work)} attempts: fewer than {LEAST}")
        ratios: dict[int, list[float]] = {workers: [] for workers in counts}
        rates: dict[int, list[tuple[float, float]]] = {workers: [] for workers in counts}
        times = []
        for number in range(rounds):
            for workers in counts:
                plain = bare(work, workers)
                whole = harness(catalogue, live, cells, workers)
                ratios[workers].append(whole / plain)
                rates[workers].append((len(work) / plain, len(work) / whole))
                print(
                    f"round {number + 1}: {len(work)} attempts, {workers} workers: bare {plain:.2f} s, "
                    f"harness {whole:.2f} s ({len(work) / whole:.0f} attempts/s), ratio {whole / plain:.2f}",
                    flush=True,
                )
            # In every round, for the machine is not the same one all the time.
            script = smbclient(started[number :: max(1, len(started) // 20)])
            if script is not None:
                times.append(len(work) / whole / script)
                print(f"  smbclient script: {script:.1f} attempts/s, the harness {times[-1]:.1f} times that")
        print(f"{'workers':>8}{'bare':>16}{'harness':>16}{'ratio':>8}  (medians of {rounds})")
        for workers, each in rates.items():
            rate = [statistics.median(column) for column in zip(*each, strict=True)]
            print(
                f"{workers:8}{rate[0]:7.0f} attempts/s{rate[1]:7.0f} attempts/s"
                f"{statistics.median(ratios[workers]):8.2f}"
            )
        if times:
            print(f"harness to smbclient script: {statistics.median(times):.1f} times as many (median)")
        print(f"memory of this process: {_memory(os.getpid()):.0f} MB")


def _memory(pid: int) -> float:
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    return 0.0


def main() -> int:
    """Enter the lab and measure there."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.sweep", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument(
        "--workers",
        type=int,
        nargs="+",
        default=[default_workers()],
        help="attempts at a time (default: cores + 1)",
    )
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--servers", type=int, help="about so many configurations (default: all)")
    options = parser.parse_args()
    if not namespace.inside():
        images.ensure(CATALOGUE.images, [name for name in CATALOGUE.images if name != HOST], lambda *_: None)
        with TemporaryDirectory() as folder:
            words = [f"--folder={folder}", *sys.argv[1:]]
            return namespace.enter([sys.executable, "-m", "benchmarks.sweep", *words])
    sweep(options.folder, options.workers, options.rounds, options.servers)
    return 0


if __name__ == "__main__":
    with stoppable():
        sys.exit(main())
