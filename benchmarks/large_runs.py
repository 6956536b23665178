"""Makes up runs of many cells, and the shards of one, for measurements of what it takes to read them.

    python -m benchmarks.large_runs FOLDER CELLS

Changes, servers, clients and checks are those of the catalogue; attempts are as long and as different from
each other as those of a real sweep. The same every time.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from random import Random
from typing import Final

from harness.catalogue import Catalogue, made_of
from harness.exposures import survey
from harness.mitigations import NONE
from harness.model import Attempt, CellId, Hole, Outcome, Phase, Side, Sighting, Step, StepName
from harness.planning import planner
from harness.planning.plan import Plan, phases_of
from harness.record import journal, shards
from harness.record.entries import (
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

SHARDS: Final = 4
OK: Final = "STATUS_SUCCESS"


def prepared(runs: Path, size: int) -> None:
    """Two runs of so many cells, and a third in shards."""
    catalogue = made_of()
    whole = planner.from_selectors(catalogue, ["*:*:*:*"], probes=True)
    wanted = set([cell for cell in whole.cells if cell.mitigation != NONE][:size])
    plan = whole.only(wanted.__contains__)
    for number, name in enumerate(("first", "second")):
        _write(runs / name, plan, entries(catalogue, plan, number))
    for part in shards.split(catalogue, plan, min(SHARDS, len(plan.jobs))):
        number = part.shard.number if part.shard else 0
        _write(runs / f"shard-{number}", part, entries(catalogue, part, number))


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
    prepared(Path(sys.argv[1]), int(sys.argv[2]))
