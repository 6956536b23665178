"""How much longer a run takes, while it goes on: by what was foreseen, and by how fast it has been so far."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from harness.catalogue import Catalogue
from harness.planning.plan import Plan
from harness.record.costs import Costs, Work, work_of
from harness.record.forecast import basis
from harness.result.spent import Kind, TimeSpent

STEADY = 0.2
"""What was foreseen counts as much as if this part of the run had gone exactly like that: at its begin a run
has shown little of how fast it is, and what is told must not jump."""
A_BEGIN = 1.0
"""Seconds in which the first servers start and nothing is done yet."""


@dataclass(frozen=True, slots=True)
class Ahead:
    """What is foreseen of a run."""

    catalogue: Catalogue
    work: Work
    costs: Costs
    ratio: float = 1.0
    """How many times as long as by these costs."""

    @property
    def total(self) -> float:
        """Seconds that all of it was to take."""
        return self.ratio * self.costs.seconds(self.catalogue, self.work)

    def left(self, spent: TimeSpent) -> float:
        """Seconds that are left, given what workers did so far."""
        known = self.catalogue.clients
        done = sum(
            one.times * self.costs.attempt(name, known.get(name)) for name, one in spent.clients.items()
        )
        if looked := spent.kinds.get(Kind.PROBES):
            done += looked.times * self.costs.a_round
        part = min(1.0, done / (self.costs.busy(self.catalogue, self.work) or 1.0))
        total = self.total
        begin = min(A_BEGIN, total)
        foreseen = begin + (total - begin) * part + STEADY * total
        seen = max(spent.seconds, begin) + STEADY * total
        return total * (1 - part) * seen / (foreseen or 1.0)


def ahead(catalogue: Catalogue, made: Plan, home: Path) -> Ahead:
    """By the newest run below ``home`` that tells something of such a plan, else by the project's numbers."""
    work = work_of(catalogue, made)
    return Ahead(catalogue, work, *basis(catalogue, made, work, home))
