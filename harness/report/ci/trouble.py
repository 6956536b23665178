"""What somebody must look at in a run: the same for test results, annotations and the page of a job.

It agrees with the exit status: what makes it 1 is a failure, what makes it 2 an error.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from harness.model import Hole
from harness.report.labels import Labels
from harness.result import WHEN, CellResult, RunResult
from harness.result.gates import Gates, KnownLoss, Miss


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something besides cells that is not as it must be."""

    kind: str
    """"hole", "gate" or "reuse"."""
    name: str
    """``mitigation:server:exposure``, or what a gate is called; each once in a run."""
    title: str
    """What is wrong, in a few words."""
    why: str
    seen: bool
    """False: nobody knows, so that it is not shown to be good."""
    lines: tuple[str, ...] = ()
    """What it rests on."""


def wrong(result: RunResult, cell: CellResult) -> bool:
    """Whether somebody must look at a cell: not as expected and not accepted, or not brought back."""
    if cell.restored is False:
        return True
    return not cell.expected and not (result.gates and cell.cell in result.gates.accepts)


def troubles(result: RunResult, named: str = "") -> tuple[Trouble, ...]:
    """Holes and gates, in the order of the run; ``named``: what commands call it ("": by its name)."""
    holes = list(_holes(result))
    # What a gate says of a cell or hole that is told already is not told twice.
    told = {str(cell.cell) for cell in result.cells if wrong(result, cell)} | {one.name for one in holes}
    found = [
        *_reuse(result, named or result.run),
        *holes,
        *(_gates(result.gates, told) if result.gates else ()),
    ]
    # Of two with one name the first: a test, and what is said of it, has its name alone.
    return tuple({one.name: one for one in reversed(found)}.values())[::-1]


def _reuse(result: RunResult, named: str) -> Iterator[Trouble]:
    """What came out otherwise than before, so that nothing is known of what was reused beside it."""
    for one in result.reuse.disagreements:
        yield Trouble(
            "reuse",
            f"reuse of {one.what}",
            "a result that could have been reused does not hold",
            f"{one.what} does not come out as in {one.before.run}; measure what was reused beside it: "
            f"rehearse run --resume {named} --fresh",
            False,
            one.differences,
        )


def _holes(result: RunResult) -> Iterator[Trouble]:
    labels = Labels(result)
    for one in result.exposures:
        if one.expected and not one.fell:
            continue
        seen = not one.fell and (one.stayed_open or one.state(one.decisive) is Hole.OPEN)
        what = "the server did not survive the probes" if one.fell else "not closed"
        yield Trouble(
            "hole",
            one.id,
            f"{one.exposure} on {labels.marked(one.server)} under {one.mitigation}: {what}",
            one.claim or what,
            seen,
            tuple(f"{WHEN[when]}: {each.state}: {each.evidence}" for when, each in one.phases.items()),
        )


def _gates(gates: Gates, told: Collection[str]) -> Iterator[Trouble]:
    for seen, misses in ((True, gates.broken), (False, gates.unproven)):
        for miss in (miss for miss in misses if miss.what not in told):
            title = "what is required does not hold" if seen else "what is required is not shown"
            yield Trouble("gate", _named(miss), title, f"{miss.what} {miss.why}".strip(), seen, (miss.text,))
    for loss in (loss for loss in gates.expired if not {str(cell) for cell in loss.cells} <= set(told)):
        yield Trouble("gate", str(loss.entry), "an accepted loss is over its date", _expired(loss), True)


def _named(miss: Miss) -> str:
    return f"{miss.entry}: {miss.what}" if miss.what else str(miss.entry)


def _expired(loss: KnownLoss) -> str:
    cells = ", ".join(map(str, loss.cells))
    return f"accepted until {loss.until} ({loss.reason}), and still lost: {cells}"
