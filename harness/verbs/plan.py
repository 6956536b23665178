"""``rehearse plan``: what a run would measure, in numbers; with ``--details`` cell by cell."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from functools import partial

from harness.catalogue import Catalogue
from harness.errors import UsageError
from harness.labs import images
from harness.model import CellId
from harness.planning.applicable import meant
from harness.planning.plan import Plan, phases_of
from harness.record.evidence import Wanted
from harness.record.forecast import forecast
from harness.report import planned as words
from harness.report.explain import emulated
from harness.report.labels import MARK
from harness.report.language import DEFAULT, language, of_reader
from harness.report.page import Page, console_for
from harness.report.planned import Outlook, State
from harness.servers.base import HOST
from harness.system.plain import say
from harness.verbs import reusing
from harness.verbs.lists import show_list
from harness.verbs.matrix import matrix
from harness.verbs.run import planned


def plan(options: argparse.Namespace) -> int:
    """Say what a run would measure, what it leaves out and why, and how long it takes; change nothing."""
    if options.shards and not options.matrix:
        raise UsageError("--shards says into how many parts --matrix splits", "add: --matrix github")
    catalogue: Catalogue = options.catalogue
    made = planned(catalogue, options)
    if options.matrix:
        return matrix(catalogue, options, made)
    known = reusing.known_of(catalogue, made, options.runs, Wanted.LOST) if options.reuse else None
    time = forecast(catalogue, made, options.runs)
    if known:
        left = made.only(lambda cell: cell not in known)
        time = replace(forecast(catalogue, left, options.runs), attempts=time.attempts)
    outlook = Outlook(
        made,
        made.part_trials(catalogue),
        _images(catalogue, made),
        time,
        None if known is None else len(known),
        partial(_marked, catalogue),
    )
    if options.json:
        _as_json(catalogue, outlook)
        return 0
    page = Page(console_for(sys.stdout), of_reader(options.lang))
    if options.details:
        words.each(_records(catalogue, made), page.say).render(page.console)
        page.blank()
    words.draw(page, outlook)
    words.draw_end(page, made, details=options.details)
    return 0


def _as_json(catalogue: Catalogue, outlook: Outlook) -> None:
    """Its cells on standard output; the rest for people, on the other one."""
    say_in, made = language(DEFAULT), outlook.made
    show_list(_records(catalogue, made), words.OF_A_CELL, json=True)
    missing = [f"not applicable: {line}" for line in words.not_applicable(outlook, say_in)]
    left_out = words.without(outlook, say_in)
    sums = (words.sums(outlook, say_in), words.time(outlook, say_in))
    for line in (*words.titles(made), *missing, *left_out, *sums):
        say(line)


def _records(catalogue: Catalogue, made: Plan) -> list[dict[str, str]]:
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


def _marked(catalogue: Catalogue, change: str, name: str) -> str:
    """The name of a server or client on which a change cannot be made, with its mark where it is emulated."""
    one = meant(catalogue, change, catalogue.servers.get(name), catalogue.clients.get(name))
    return MARK * bool(one and emulated(one.fidelity)) + name


def _emulated(catalogue: Catalogue, cell: CellId) -> str:
    """What of a cell is not the real thing."""
    server = emulated(catalogue.servers[cell.server].fidelity)
    client = emulated(catalogue.clients[cell.client].fidelity)
    return "both" if server and client else "server" if server else "client" if client else ""


def _images(catalogue: Catalogue, made: Plan) -> dict[str, State]:
    """The images that it needs, and whether they are there."""
    missing = {one.name for one in images.status(catalogue.images) if one.state != "present"}

    def state(name: str) -> State:
        if name not in missing:
            return State.PRESENT
        return State.GONE if catalogue.images[name].added else State.TO_BUILD

    return {name: state(name) for name in made.images(catalogue) if name != HOST}
