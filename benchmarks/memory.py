"""How much memory each verb takes for runs of 1,000, 10,000 and 35,000 cells, and for one cell more.

    python -m benchmarks.memory [CELLS...]

The runs are made up: changes, servers, clients and checks of the catalogue, attempts as long and as
different from each other as those of a real sweep. Each verb is a process of its own, and the most that it
had in memory is what wait4(2) tells; for a run of one cell that is what it takes to start. Needs no lab and
no root.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Final

from harness.catalogue import Catalogue, made_of
from harness.exposures import survey
from harness.model import Attempt, CellId, Hole, Outcome, Phase, Side, Sighting, Step, StepName
from harness.planning import planner
from harness.planning.plan import Plan, phases_of
from harness.record import journal, shards
from harness.record.journal import (
    Attempted,
    Begun,
    Ended,
    Entry,
    Known,
    KnownClient,
    KnownExposures,
    Probed,
    TookEffect,
)
from harness.result import Applied, ClientFact, ServerFact
from harness.system import environment
from harness.system.entry import stoppable

CELLS: Final = (1_000, 10_000, 35_000)
SHARDS: Final = 4
OK: Final = "STATUS_SUCCESS"
OF_A_VERDICT: Final = (0, 1, 2)
"""Exit statuses that say what a run came to."""
VERBS: Final[Mapping[str, tuple[str, ...]]] = {
    "list runs": ("list", "runs"),
    "report": ("report", "first"),
    "report --details": ("report", "first", "--details"),
    **{f"report {name}": ("report", "first", "--format", name) for name in ("json", "html", "junit")},
    **{f"report {name}": ("report", "first", "--format", name) for name in ("ticket", "sarif", "summary")},
    "diff": ("diff", "first", "second"),
    "diff --json": ("diff", "first", "second", "--json"),
    "rollout": ("rollout", "--run", "first"),
    "merge": ("merge",),
}


@dataclass(frozen=True, slots=True)
class Cost:
    """What one command took."""

    megabytes: float
    """That it had in memory at most."""
    seconds: float
    """Of the processor."""


def main(argv: Sequence[str]) -> int:
    """Measure and print a line for each verb."""
    sizes = [int(word) for word in argv] or list(CELLS)
    columns: list[dict[str, Cost]] = []
    for size in (1, *sizes):
        with TemporaryDirectory() as home:
            runs = Path(home)
            size = prepared(runs, size)
            columns.append({verb: _cost(runs, words) for verb, words in VERBS.items()})
    print(f"{'':18}{'to start':>10}" + "".join(f"{size:>9,} cells" for size in sizes) + "   a cell more")
    for verb in VERBS:
        start, *others = (column[verb] for column in columns)
        more = (others[-1].megabytes - start.megabytes) * 2**20 / sizes[-1]
        told = "".join(f"{one.megabytes:6.0f} MB {one.seconds:3.0f} s" for one in others)
        print(f"{verb:18}{start.megabytes:7.0f} MB{told}   {more:,.0f} bytes")
    return 0


def _cost(runs: Path, words: Sequence[str]) -> Cost:
    """What a verb takes. Raises RuntimeError when it fails."""
    parts = sorted(path.name for path in runs.glob("shard-*")) if words == ("merge",) else ()
    argv = [sys.executable, "-m", "harness", *words, *parts, "--runs", str(runs), "--no-project"]
    env = {**environment.tools(), **environment.ours()}
    # Not through process.run: what one child took at most, wait4(2) alone tells.
    with subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=env) as child:
        said = child.stderr.read() if child.stderr else b""
        _, status, used = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode not in OF_A_VERDICT:
        raise RuntimeError(f"{' '.join(words)}: {said.decode(errors='replace')}")
    return Cost(used.ru_maxrss / 1024, used.ru_utime + used.ru_stime)


def prepared(runs: Path, size: int) -> int:
    """Two runs of so many cells, and a third in shards."""
    catalogue = made_of()
    whole = planner.from_selectors(catalogue, ["*:*:*:*"], probes=True)
    wanted = set(whole.cells[:size])
    plan = whole.only(wanted.__contains__)
    for number, name in enumerate(("first", "second")):
        _write(runs / name, plan, entries(catalogue, plan, number))
    for part in shards.split(catalogue, plan, min(SHARDS, len(plan.jobs))):
        number = part.shard.number if part.shard else 0
        _write(runs / f"shard-{number}", part, entries(catalogue, part, number))
    return len(plan.cells)


def _write(folder: Path, plan: Plan, what: Iterator[Entry]) -> None:
    with journal.create(folder, plan) as book:
        for entry in what:
            book.add(entry)


def entries(catalogue: Catalogue, plan: Plan, seed: int) -> Iterator[Entry]:
    """The journal of a finished run of that plan: a tenth of the cells is lost, some holes are closed."""
    chance = Random(seed)
    facts = survey.facts(catalogue.exposures)
    yield Begun("local", "benchmark")
    yield KnownExposures(facts)
    for name in dict.fromkeys(cell.server for cell in plan.cells):
        yield Known(ServerFact(name, f"the server {name}", "Samba 4.22.4-Debian", "real"))
    for name in plan.clients:
        yield KnownClient(ClientFact(name, f"the client {name}", "recorded", "impacket 0.13.1"))
    for pair, cells in groupby(plan.cells, key=lambda cell: (cell.mitigation, cell.server)):
        yield TookEffect(Applied(*pair, "the server refuses SMB 1", "the server speaks SMB 1 again"))
        for phase in Phase:
            closed = [fact.name for fact in facts if phase is Phase.APPLIED and chance.random() < 0.1]
            seen = {
                fact.name: Sighting(
                    Hole.CLOSED if fact.name in closed else Hole.OPEN, f"{fact.name} was seen"
                )
                for fact in facts
            }
            yield Probed(*pair, phase, seen, 0)
        for cell in cells:
            lost = chance.random() < 0.1
            for phase in phases_of(cell.mitigation):
                yield Attempted(cell, phase, _attempt(cell, chance, lost=lost and phase is Phase.APPLIED), 0)
    yield Ended(datetime.now(UTC), whole=True)


def _attempt(cell: CellId, chance: Random, *, lost: bool) -> Attempt:
    """Nearly all are like others but for their times; one in fifty has words of its own."""
    names = list(StepName)[: 6 + len(cell.check) % 4]
    signed = f"its NTLMv2 proof is for cifs/{cell.server}"
    steps = [
        Step(name, "STATUS_SUCCESS", _ms(chance), signed if n == 2 else "") for n, name in enumerate(names)
    ]
    said = f"{cell.client}: error {chance.random()}" if chance.random() < 0.02 else ""
    if not lost:
        well = Attempt(
            Outcome.OK, tuple(steps), _ms(chance), dialect="3.1.1", signed=True, auth="NTLMv2", said=said
        )
        return replace(well, encrypted=False, server_signing="enabled", agreed_cipher="AES-128-GCM")
    where, denied = names[3], "STATUS_ACCESS_DENIED"
    steps[3:] = [Step(where, denied, _ms(chance), f"under {cell.mitigation}")]
    no = Attempt(Outcome.REFUSED, tuple(steps), _ms(chance), step=where, status=denied, side=Side.SERVER)
    return replace(no, dialect="3.1.1", auth="NTLMv2", said=said, note="tree connect failed: access denied")


def _ms(chance: Random) -> float:
    return round(chance.uniform(0.2, 30), 3)


if __name__ == "__main__":
    with stoppable():
        sys.exit(main(sys.argv[1:]))
