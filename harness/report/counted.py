"""How much of a run is not as it must be, in numbers: the same in every form of a report."""

from __future__ import annotations

from harness.report.explain import one_or_many
from harness.report.gates import answer
from harness.report.language import Language
from harness.report.reuse import disagreements, of_run
from harness.result import RunResult


def odd_cells(result: RunResult, say: Language) -> str:
    """``27 of 152 cells NOT as expected``; "" where all are."""
    odd = sum(not cell.expected for cell in result.cells)
    return say("screen.odd_cells", n=odd, all=len(result.cells)) if odd else ""


def odd_holes(result: RunResult, say: Language) -> str:
    """How many holes had to be closed and are not shown to be; "" for none."""
    left = sum(not one.expected for one in result.exposures)
    return say(f"screen.odd_holes_{one_or_many(left)}", n=left) if left else ""


def fell(result: RunResult, say: Language) -> str:
    """How often a server did not survive that it was probed for holes; "" where all did."""
    fallen = sum(one.fell for one in result.exposures)
    return say(f"screen.fell_{one_or_many(fallen)}", n=fallen) if fallen else ""


def all_odd(result: RunResult, say: Language) -> list[str]:
    """A clause for each kind of what makes the exit status another than 0, but for what was not measured."""
    gates = result.gates
    failing = gates is not None and (gates.fails or gates.unproven)
    again = len([*disagreements(of_run(result), say)])
    clauses = [
        odd_cells(result, say),
        odd_holes(result, say),
        fell(result, say),
        answer(gates, say)[0].rstrip(".。") if gates and failing else "",
        say(f"reuse.not_as_before_{one_or_many(again)}", n=again) if again else "",
    ]
    return [clause for clause in clauses if clause]
