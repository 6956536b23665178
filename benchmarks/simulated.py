"""What one cell more costs as runs grow, from 100 to 100,000 cells, in a simulated lab. NOTHING IS MEASURED.

    python -m benchmarks.simulated [CELLS...]

Servers, changes and answers are made up here and are called so (``simulated-…``): no server runs, and no byte
is sent. What is real is what this project does around an attempt: the plan, what conducts a rehearsal, its
journal, reading it back, and the result document. No command of ``rehearse`` has such a lab.

Prints CPU seconds of a run of so many cells, and how many microseconds one more cell costs, by what is done
with it. Every size has a process of its own; what it takes to load that, and what a run of one cell takes, is
not a cell's. The last line says how far the size with the costliest cells is from that with the cheapest.
Also the most memory that such a process has had by the end of the rehearsal, with all that the process of a
real lab loads, and by the end of the result document, which a real run makes in another process.
"""

from __future__ import annotations

import argparse
import importlib
import json
import resource
import statistics
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from harness.catalogue import Catalogue, made_of
from harness.conduct import workers
from harness.conduct.meter import Meter
from harness.conduct.rehearsal import Rehearsal
from harness.conduct.workers import Done, Order, Pool
from harness.exposures.survey import Survey, Surveyed
from harness.mitigations.base import Expectation, Mitigation
from harness.model import Attempt, Finding, Outcome, Side, Step, StepName, Target
from harness.planning import planner
from harness.record import journal, readback
from harness.record.entries import Begun
from harness.report.documents import result as document
from harness.result import Recovery, ServerFact
from harness.servers.base import Server, ServerState
from harness.servers.live import How, ServerInternals, Software
from harness.system import environment, heap
from harness.system.entry import stoppable
from harness.system.garbage import not_searched
from harness.system.process import run

CELLS: Final = (100, 1_000, 10_000, 100_000)
CHANGES, SERVERS = 5, 20
"""So many changes at least, of so many servers at most: a larger run has more changes."""
CLIENTS: Final = ("windows-7", "windows-8.1", "windows-10-1703", "windows-11-24h2", "macos-10.10")
"""Their names alone count."""
CHECKS: Final = ("browse", "open")
OF_A_JOB: Final = len(CLIENTS) * len(CHECKS)
SETTING: Final = "comment"
STEPS: Final = (
    StepName.CONNECT,
    StepName.NEGOTIATE,
    StepName.SESSION_SETUP,
    StepName.TREE_CONNECT,
    StepName.LIST,
)
OK: Final = "STATUS_SUCCESS"
STAGES: Final = ("plan", "rehearsal", "report")
LAB, REPORT = "MB conducting", "MB reporting"
"""The most memory by the end of the rehearsal, and of the report."""
LEAST: Final = 10_000
"""Cells that a size is measured with at least: small runs are made several times."""


class SimulatedChange(Mitigation):
    """A change that is in force where the made-up server's state says so."""

    sides = frozenset({Side.SERVER})
    expectation = Expectation("one of the clients is refused", "made up by benchmarks/simulated.py")
    title = "simulated: nothing is changed"

    def __init__(self, number: int) -> None:
        self.name = f"simulated-change-{number}"

    def on_server(self, state: ServerState, server: Server) -> ServerState:  # noqa: ARG002
        return replace(state, conf=state.conf.with_globals(**{SETTING: self.name}))

    def verify(self, live: object) -> Finding:
        assert isinstance(live, SimulatedServer)
        there = self.name in live.state.conf.globals.values()
        return Finding(there, f"simulated: {self.name} is {'' if there else 'not '}in force")


class SimulatedServer:
    """Nothing runs: it is in whatever state it is told to be in."""

    pristine: Recovery | None = None
    brought_back: Recovery | None = None

    def __init__(self, server: Server, number: int) -> None:
        self.server = server
        self.state = server.state
        self.target = Target(f"simulated-{number}", "share", "user", "no password")

    def become(self, state: ServerState, how: How) -> None:  # noqa: ARG002
        self.state = state

    def next_job(self) -> None: ...

    def prove(self, *, serves: bool, served: bool = False) -> str:  # noqa: ARG002
        return "simulated: not shown"

    def software(self) -> Software:
        return Software(0, "", "")

    def shipped(self, image: str) -> Software:  # noqa: ARG002
        return Software(0, "", "")

    def fact(self) -> ServerFact:
        return ServerFact(
            self.server.name,
            self.server.title,
            "simulated: no software",
            "configured",
            "nothing: it is simulated",
        )

    def internals(self) -> ServerInternals | None:
        return None

    def complaints(self, before: ServerState) -> Sequence[str]:  # noqa: ARG002
        return ()


class SimulatedLab:
    """Starts nothing."""

    name = "simulated"

    def __init__(self) -> None:
        self.there: dict[str, SimulatedServer] = {}

    @contextmanager
    def serve(self, server: Server) -> Iterator[SimulatedServer]:
        live = SimulatedServer(server, len(self.there))
        self.there[live.target.address] = live
        yield live


class SimulatedClients(Pool):
    """Answers at once, and attempts nothing: with a change in force the first client is refused."""

    def __init__(self, lab: SimulatedLab) -> None:
        self.meter = Meter(1)
        self._lab = lab
        steps = tuple(Step(name, OK, 1.0) for name in STEPS)
        self._well = Attempt(Outcome.OK, steps, 5.0, dialect="3.1.1", signed=True, auth="NTLMv2")
        denied = replace(steps[3], status="STATUS_ACCESS_DENIED")
        refused = replace(self._well, outcome=Outcome.REFUSED, steps=(*steps[:3], denied), side=Side.SERVER)
        self._lost = replace(refused, step=denied.name, status=denied.status)

    def submit(self, order: Order) -> Future[Done]:
        now = time.monotonic()
        state = self._lab.there[order.target.address].state
        lost = SETTING in state.conf.globals and order.client == CLIENTS[0]
        # Nobody need be asked whether a server that is made up is healthy.
        return _ended(Done(self._lost if lost else self._well, begun=now, ended=now))

    def survey(self, order: Survey) -> Future[Surveyed]:
        raise NotImplementedError(f"nothing probes {order.target.address}")


def _ended(done: Done) -> Future[Done]:
    found: Future[Done] = Future()
    found.set_result(done)
    return found


@dataclass
class Unwatched:
    """Nobody watches; the effects are counted."""

    effects: dict[str, int] = field(default_factory=dict)

    def job(self, mitigation: str, server: str, phase: str) -> None: ...

    def waits(self, mitigation: str, server: str, what: str) -> None: ...

    def finished(self, mitigation: str, server: str) -> None: ...

    def cell(self, cell_id: str, effect: str, expected: bool, text: str) -> None:  # noqa: ARG002
        self.effects[effect] = self.effects.get(effect, 0) + 1


def simulated(size: int) -> tuple[Catalogue, list[str]]:
    """A catalogue in which servers and changes are made up, and the selectors of so many cells.

    Of ``1``: one cell; else about so many, and as many as of one server at least.
    """
    real = made_of()
    model = real.servers["samba-4.22"]
    jobs = max(CHANGES, round(size / OF_A_JOB))
    names = [f"simulated-{number}" for number in range(min(SERVERS, jobs // CHANGES))]
    servers = {name: replace(model, name=name, title="simulated: no server runs") for name in names}
    changes = {one.name: one for one in map(SimulatedChange, range(round(jobs / len(names))))}
    made = replace(real, servers=servers, mitigations=changes)
    if size == 1:
        return made, [f"{next(iter(changes))}:{names[0]}:{CLIENTS[0]}:{CHECKS[0]}"]
    return made, [f"{','.join(changes)}:{','.join(servers)}:{','.join(CLIENTS)}:{','.join(CHECKS)}"]


def most() -> float:
    """Megabytes that this process has had in memory at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def once(size: int) -> tuple[int, dict[str, float], Mapping[str, int], Mapping[str, float]]:
    """How many cells a run of about so many has, CPU seconds by stage, and how many had which effect.

    Last the most memory by the end of the rehearsal and of the report.
    """
    catalogue, selectors = simulated(size)
    taken: dict[str, float] = {}
    at = time.process_time()

    def lap(stage: str) -> None:
        nonlocal at
        taken[stage] = time.process_time() - at
        at = time.process_time()

    with TemporaryDirectory() as home:
        folder = Path(home) / "run"
        # It searches for no garbage by itself.
        plan = planner.from_selectors(catalogue, selectors)
        lap("plan")
        lab, seen = SimulatedLab(), Unwatched()
        with journal.create(folder, plan) as book:
            recorded = journal.load(folder)
            pool = SimulatedClients(lab)
            book.add(Begun(lab.name, "simulated"))
            Rehearsal(catalogue, recorded, book, lab, pool, seen).run(plan.cells, 2)
        lap("rehearsal")
        conducted = most()
        # As the command line makes it.
        with not_searched(), Path("/dev/null").open("w") as sink:
            sink.writelines(document.pieces(readback.result_of(catalogue, journal.load(folder))))
        lap("report")
    return len(plan.cells), taken, seen.effects, {LAB: conducted, REPORT: most()}


def measured(size: int) -> None:
    """Print, as JSON, what one size costs: the mean of several runs where it is small."""
    importlib.import_module(workers.PRELOAD)
    heap.give_back()
    # What is loaded and compiled at the first use is no cell's.
    once(CHANGES * OF_A_JOB)
    runs = [once(size) for _ in range(min(100, max(1, LEAST // size)))]
    cells, _, effects, megabytes = runs[0]
    if not {"kept", "lost"} >= {*effects}:
        raise RuntimeError(f"the simulated run came to {effects}")
    mean = {stage: statistics.mean(taken[stage] for _, taken, _, _ in runs) for stage in STAGES}
    print(json.dumps({"cells": cells, **mean, **megabytes}))


def main(argv: Sequence[str]) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.simulated")
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    parser.add_argument("cells", nargs="*", type=int, default=CELLS)
    options = parser.parse_args(argv)
    if options.one:
        measured(options.one)
        return 0
    print("simulated: no server runs, and nothing is measured but our own part")
    begin = _of(1)
    start = sum(begin[stage] for stage in STAGES)
    print(f"to begin and to end, with a single cell: {1e3 * start:.1f} ms of the processor, left out below")
    print(f"{'cells':>9}{'CPU s':>9}" + "".join(f"{what:>15}" for what in (*STAGES, "a cell", LAB, REPORT)))
    each = []
    for size in options.cells:
        found = _of(size)
        cells = int(found["cells"])
        took = {stage: (found[stage] - begin[stage]) / (cells - 1) * 1e6 for stage in STAGES}
        each.append(sum(took.values()))
        told = "".join(f"{one:12.0f} us" for one in (*took.values(), each[-1]))
        told += "".join(f"{found[what]:15.0f}" for what in (LAB, REPORT))
        print(f"{cells:9,}{sum(found[stage] for stage in STAGES):9.2f}{told}", flush=True)
    print(f"the costliest cell costs {max(each) / min(each):.2f} times what the cheapest does")
    return 0


def _of(size: int) -> dict[str, float]:
    """What one size costs, in a process of its own."""
    words = [sys.executable, "-m", "benchmarks.simulated", "--one", str(size)]
    done = run(words, timeout=3600, env={**environment.tools(), **environment.ours()})
    found: dict[str, float] = json.loads(done.check("the simulated run").stdout)
    return found


if __name__ == "__main__":
    with stoppable():
        sys.exit(main(sys.argv[1:]))
