"""The fleet that a run is for, as far as it has one: most have none, and load nothing of fleets."""

from __future__ import annotations

import argparse

from harness.catalogue import Catalogue
from harness.model import Tier
from harness.planning.plan import Plan
from harness.result import FleetFact
from harness.system.plain import many


def of_run(options: argparse.Namespace, catalogue: Catalogue) -> FleetFact | None:
    """The machines that a run is for: of ``--fleet``, else of the project's own fleet; None for no fleet.

    Raises UsageError where a fleet is named that is not there.
    """
    word: str | None = getattr(options, "fleet", None)
    if word is None:
        place = getattr(options, "place", None)
        if getattr(options, "no_fleet", True) or place is None or not place.file.defaults.fleet:
            return None
    # Loaded where it is used: it reads captures and logs of every kind, which takes as long as all else.
    from harness.verbs import fleet

    return fleet.fact_of(options, catalogue, word)


def clients_of(fact: FleetFact, catalogue: Catalogue, lab: Tier) -> tuple[str, ...]:
    """The kinds of client that its machines may be and that this lab has."""
    there = catalogue.clients
    return tuple(name for name in fact.clients if name in there and lab in there[name].labs)


def in_words(fact: FleetFact, made: Plan, catalogue: Catalogue) -> str:
    """How much of a fleet a plan rehearses."""
    asked = {cell.client for cell in made.cells}
    left = sum(one.count for one in fact.groups if not one.clients or not asked.issuperset(one.clients))
    told = f"fleet {fact.name}: {many(fact.size, 'machine')}, {many(len(asked), 'kind')} of client rehearsed"
    gone = [name for name in fact.clients if name not in catalogue.clients]
    told += f"; not there any more: {', '.join(gone)}" if gone else ""
    return f"{told}; {left} are, or may be, of kinds that are not" if left else told
