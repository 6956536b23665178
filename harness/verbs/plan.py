"""``rehearse plan``: what a run would measure, in numbers; with ``--details`` cell by cell."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from operator import attrgetter

from harness.catalogue import Catalogue
from harness.errors import UsageError
from harness.labs import images
from harness.model import CellId
from harness.planning.plan import Plan, phases_of
from harness.record.evidence import Wanted
from harness.record.forecast import forecast
from harness.report import listing
from harness.report.explain import emulated, grouped
from harness.report.page import INDENT, Page, console_for
from harness.result import NotApplicable
from harness.servers.base import HOST
from harness.system.plain import many, say
from harness.verbs import facts, reusing
from harness.verbs.lists import show_list
from harness.verbs.matrix import matrix
from harness.verbs.run import in_numbers, planned

HEADERS = ("changes", "servers", "clients", "checks", "cells", "starts", "of")
"""``starts``: how many servers are started, one for each change on each server."""


def plan(options: argparse.Namespace) -> int:
    """Say what a run would measure, what it leaves out and why, and how long it takes; change nothing."""
    if options.shards and not options.matrix:
        raise UsageError("--shards says into how many parts --matrix splits", "add: --matrix github")
    catalogue: Catalogue = options.catalogue
    made = planned(catalogue, options)
    if options.matrix:
        return matrix(catalogue, options, made)
    counts = f"{in_numbers(made)}, {many(made.attempts, 'attempt')}"
    sums = f"{counts}{_trials(catalogue, made)}; images: {_images(catalogue, made)}"
    time = str(forecast(catalogue, made, options.runs))
    if options.reuse and (there := reusing.known_of(catalogue, made, Wanted.LOST)) is not None:
        time += (
            f"; measured already, and still good: {there} of {many(len(made.cells), 'cell')} (run --reuse)"
        )
    if options.json or options.details:
        show_list(_records(catalogue, made), ("job", "cell", "phases", "emulated"), json=options.json)
    if options.json:
        missing = [f"not applicable: {line}" for line in _not_applicable(made.not_applicable)]
        for line in (*_titles(made), *missing, *_without(made), sums, time):
            say(line)
        return 0
    page = Page(console_for(sys.stdout))
    if options.details:
        page.blank()
    _counts(made).render(page.console)
    page.blank()
    for line in _titles(made) if options.pairwise else ():
        page.hanging(page.text(line), indent=0, deeper=INDENT)
    if made.not_applicable:
        head = (
            f"{many(made.not_rehearsed, 'cell')} cannot be rehearsed:"
            if made.not_rehearsed
            else "Cannot be rehearsed:"
        )
        page.hanging(page.text(head), indent=0)
    for line in _not_applicable(made.not_applicable):
        page.hanging(page.text(line), deeper=INDENT)
    for line in _without(made):
        page.hanging(page.text(line), indent=0, deeper=INDENT)
    page.hanging(page.text(sums), indent=0, deeper=INDENT)
    page.hanging(page.text(time), indent=0, deeper=INDENT)
    if not options.details:
        page.hanging(page.text("each cell: rehearse plan --details"), indent=0, deeper=INDENT)
    return 0


def _trials(catalogue: Catalogue, made: Plan) -> str:
    """What is done besides for combinations that take somebody."""
    trials = made.part_trials(catalogue)
    changes = "one change" if trials == 1 else f"{trials} changes"
    return (
        f"; up to {changes} more, to tell which part of a combination takes a client away" if trials else ""
    )


def _counts(made: Plan) -> listing.Table:
    """One line a scenario or selector, and one for all of them."""
    rows = [_row(row.name, row.cells) for row in made.rows]
    if len(rows) > 1:
        rows.append(_row("together, each once", made.cells))
    return listing.Table(HEADERS, tuple(rows))


def _row(name: str, cells: Sequence[CellId]) -> tuple[str, ...]:
    parts = ("mitigation", "server", "client", "check")
    changes, servers, clients, checks = (set(map(attrgetter(part), cells)) for part in parts)
    jobs = set(map(attrgetter("mitigation", "server"), cells))
    return (*(str(len(each)) for each in (changes, servers, clients, checks, cells, jobs)), name)


def _records(catalogue: Catalogue, made: Plan) -> list[facts.Record]:
    """One a cell."""
    return [
        {
            "job": str(number),
            "cell": str(cell),
            "phases": str(len(phases_of(cell.mitigation))),
            "emulated": _emulated(catalogue, cell),
        }
        for number, job in enumerate(made.jobs, 1)
        for cell in job.cells
    ]


def _emulated(catalogue: Catalogue, cell: CellId) -> str:
    """What of a cell is not the real thing."""
    server = emulated(catalogue.servers[cell.server].fidelity)
    client = emulated(catalogue.clients[cell.client].fidelity)
    return "both" if server and client else "server" if server else "client" if client else ""


def _titles(made: Plan) -> list[str]:
    """What the rows of ``--pairwise`` combine."""
    return [f"{row.name}: {row.title}" for row in made.rows] if made.name == "pairwise" else []


def _without(made: Plan) -> list[str]:
    """The parts of combinations that are rehearsed without them."""
    return [
        f"left out of {one.mitigation} on {one.subject}: {one.part}: {one.reason}" for one in made.left_out
    ]


def _not_applicable(not_applicable: Sequence[NotApplicable]) -> list[str]:
    """What cannot be rehearsed, with the reason; what has the same one is on one line."""
    alike = grouped(not_applicable, lambda one: (one.mitigation, one.reason))
    return [
        f"{change} on {', '.join(one.subject for one in those)}: {reason}"
        for (change, reason), those in alike.items()
    ]


def _images(catalogue: Catalogue, made: Plan) -> str:
    """The images that it needs, and which of them are built first."""
    missing = {one.name for one in images.status(catalogue.images) if one.state != "present"}
    named = (
        f"{name} ({_lacks(catalogue, name)})" if name in missing else name
        for name in made.images(catalogue)
        if name != HOST
    )
    return ", ".join(named) or "none"


def _lacks(catalogue: Catalogue, name: str) -> str:
    return (
        "yours, and not here any more: add it again" if catalogue.images[name].added else "to be built first"
    )
