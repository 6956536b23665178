"""A rollout plan of 18 changes and their pairs on five servers: how long is it searched, and shown?

    python -m benchmarks.rollout --changes 18 --servers 5

First the search alone, compared with the result document of the same run as JSON; then the whole command
`rehearse rollout`, from the folder of a finished run. In seconds of the processor; needs no lab and no root.
Both runs are made up: in the first every combination of two was measured, in the folder those that the
catalogue can make.
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
from collections.abc import Callable, Sequence
from itertools import combinations
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import TypeVar

from harness.catalogue import made_of
from harness.exposures import survey
from harness.model import Attempt, CellId, Effect, Hole, Outcome, Phase, Side, Sighting, Step, StepName
from harness.planning import planner
from harness.record import journal
from harness.record.entries import Attempted, Begun, KnownExposures, Probed, TookEffect
from harness.report.documents.result import render_json
from harness.report.documents.rollout import render_json as plan_json
from harness.report.language import language
from harness.report.rollout.view import Plan
from harness.result import Applied, CellResult, ExposureFact, ExposureResult, RunResult
from harness.result.machines import FleetFact, MachineGroup
from harness.rollout.plan import make
from harness.rollout.remedies import Kinship
from harness.rollout.wishes import GRADES, Wishes
from harness.system import environment
from harness.system.entry import stoppable
from harness.system.process import run

T = TypeVar("T")
CLIENTS, HOLES, CHECKS = 10, 15, ("open", "write")
WELL = Attempt(Outcome.OK)
NO = Attempt(Outcome.REFUSED, step=StepName.NEGOTIATE, status="STATUS_NOT_SUPPORTED", side=Side.SERVER)


def main(argv: Sequence[str]) -> int:
    """Prints a line for each thing that is measured."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.rollout", description=__doc__)
    parser.add_argument("--changes", type=int, default=18)
    parser.add_argument("--servers", type=int, default=5)
    options = parser.parse_args(argv)
    run = made_up(options.changes, options.servers)
    fleet = FleetFact("office", tuple(MachineGroup((f"client-{n}",), n + 1, True) for n in range(CLIENTS)))
    as_json, text = _timed(lambda: render_json(run))
    print(f"{len(run.cells)} cells, {len(run.exposures)} exposures: JSON {len(text) / 1e6:.0f} MB")
    print(f"JSON written in {as_json:.2f} s of the processor")
    searched, found = _timed(lambda: make(run, fleet, Wishes(), Kinship({}, {})))
    print(
        f"{found.compared:.3g} plans searched in {searched:.2f} s: {searched / as_json:.2f} times the time "
        "of JSON"
    )
    plan = Plan(made_of(), run, found, language("en"))
    shown, _ = _timed(lambda: plan_json(plan, "rehearse rollout"))
    print(f"shown in {shown:.2f} s: {shown / as_json:.2f} times the time of JSON")
    with TemporaryDirectory() as home:
        folder = Path(home) / "made-up"
        cells = written(folder, options.changes, options.servers)
        size = (folder / "journal.jsonl").stat().st_size / 1e6
        seconds = _seconds("rollout", "--runs", home, "--run", folder.name, "--no-project")
        print(f"rehearse rollout: {seconds:.2f} s from a folder of {cells} cells, a journal of {size:.0f} MB")
    return 0


def _seconds(*words: str) -> float:
    """CPU seconds of one command."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    env = {**environment.tools(), **environment.ours()}
    run([sys.executable, "-m", "harness", *words], timeout=3600, env=env).check(words[0])
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def written(folder: Path, changes: int, servers: int) -> int:
    """The folder of a finished run of the catalogue's changes and their pairs; how many cells it has.

    What is lost and closed is made up by chance, as in ``made_up``; attempts are as long as real ones are.
    """
    chance, catalogue = Random(1), made_of()
    singles = [name for name, one in catalogue.mitigations.items() if one.sides == {Side.SERVER}][:changes]
    named = ",".join([*singles, *("+".join(pair) for pair in combinations(singles, 2))])
    at = ",".join([name for name in catalogue.servers if name.startswith("samba-4")][-servers:])
    asked = ",".join([name for name in catalogue.clients if name.startswith("windows-")][:CLIENTS])
    plan = planner.from_selectors(catalogue, [f"{named}:{at}:{asked}:{','.join(CHECKS)}"], probes=True)
    facts = survey.facts(catalogue.exposures)
    clients = dict.fromkeys(cell.client for cell in plan.cells)
    lost = {name: {client for client in clients if chance.random() < 0.12} for name in singles}
    shut = {name: {fact.name for fact in facts if chance.random() < 0.15} for name in singles}
    well = Attempt(
        Outcome.OK, tuple(Step(name, "STATUS_SUCCESS", 1.25) for name in list(StepName)[:9]), 11.25
    )
    with journal.create(folder, plan) as book:
        book.add(Begun("local", "benchmark"))
        book.add(KnownExposures(facts))
        for cell in plan.cells:
            gone = any(cell.client in lost[part] for part in cell.mitigation.split("+"))
            for phase in Phase:
                book.add(Attempted(cell, phase, NO if gone and phase is Phase.APPLIED else well, 0))
        for name, server in dict.fromkeys((cell.mitigation, cell.server) for cell in plan.cells):
            book.add(TookEffect(Applied(name, server, "seen", "gone")))
            closed = {hole for part in name.split("+") for hole in shut[part]}
            for phase in Phase:
                states = {
                    fact.name: Hole.CLOSED if phase is Phase.APPLIED and fact.name in closed else Hole.OPEN
                    for fact in facts
                }
                seen = {hole: Sighting(state, "seen") for hole, state in states.items()}
                book.add(Probed(name, server, phase, seen, 0))
    return len(plan.cells)


def _timed(work: Callable[[], T]) -> tuple[float, T]:
    began = time.process_time()
    made = work()
    return time.process_time() - began, made


def made_up(changes: int, servers: int) -> RunResult:
    """A run of so many changes and their pairs, by chance, the same every time: a pair loses and closes what
    its parts do."""
    chance = Random(1)
    singles = [f"change-{number}" for number in range(changes)]
    pairs = ["+".join(pair) for pair in combinations(singles, 2)]
    clients = [f"client-{number}" for number in range(CLIENTS)]
    holes = [f"hole-{number}" for number in range(HOLES)]
    lost = {name: {client for client in clients if chance.random() < 0.12} for name in singles}
    shut = {name: {hole for hole in holes if chance.random() < 0.15} for name in singles}
    names = [f"server-{number}" for number in range(servers)]
    states = [(name, server) for server in names for name in (*singles, *pairs)]
    return RunResult(
        run="made-up",
        lab="local",
        complete=True,
        scenarios=(),
        servers={},
        clients={},
        mitigations={},
        cells=tuple(
            _cell(
                CellId(name, server, client, check),
                gone=any(client in lost[part] for part in name.split("+")),
            )
            for name, server in states
            for client in clients
            for check in CHECKS
        ),
        applied=tuple(Applied(name, server, "seen", "gone") for name, server in states),
        planned=len(states) * len(clients) * len(CHECKS),
        exposures=tuple(
            _hole(name, server, hole, closed=any(hole in shut[part] for part in name.split("+")))
            for name, server in states
            for hole in holes
        ),
        exposure_facts={
            hole: ExposureFact(hole, hole, "", "", "", GRADES[number % 4])
            for number, hole in enumerate(holes)
        },
    )


def _cell(cell: CellId, *, gone: bool) -> CellResult:
    phases = {Phase.BASELINE: WELL, Phase.APPLIED: NO if gone else WELL, Phase.ROLLED_BACK: WELL}
    effect = Effect.LOST if gone else Effect.KEPT
    return CellResult(cell, effect, True, True, "refused" if gone else "", "", None, "", phases)


def _hole(mitigation: str, server: str, hole: str, *, closed: bool) -> ExposureResult:
    is_open = Sighting(Hole.OPEN, "seen")
    under = Sighting(Hole.CLOSED, "seen") if closed else is_open
    phases = {Phase.BASELINE: is_open, Phase.APPLIED: under, Phase.ROLLED_BACK: is_open}
    return ExposureResult(mitigation, server, hole, phases)


if __name__ == "__main__":
    with stoppable():
        sys.exit(main(sys.argv[1:]))
