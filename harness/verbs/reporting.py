"""The verb ``report``, and the run folder that somebody means, read: no more is loaded than it takes."""

from __future__ import annotations

import argparse
from pathlib import Path

from harness.catalogue import Catalogue
from harness.errors import UsageError
from harness.record import folders, journal, readback
from harness.report.formats import Source
from harness.result import RunResult
from harness.system.garbage import not_searched
from harness.system.plain import say
from harness.verbs import gating, outputs
from harness.verbs.ending import exit_status


def found(options: argparse.Namespace, name: str) -> tuple[Catalogue, Path]:
    """The run folder of that name, and what there is with what the run keeps."""
    folder = folders.named(options.runs, name)
    catalogue: Catalogue = options.catalogue
    return catalogue.adding(*folders.of_run(folder)), folder


def read(catalogue: Catalogue, folder: Path) -> RunResult:
    """The run of that folder. Of one that cannot be read as a whole that is said."""
    result = readback.result_of(catalogue, journal.load(folder))
    if result.damage:
        say(f"rehearse: {result.run}: {result.damage}")
    return result


@not_searched()
def report(options: argparse.Namespace) -> int:
    """Render a run again from its folder; the exit status is the run's verdict."""
    wanted = outputs.wanted(options)
    if options.named and options.run:
        raise UsageError("the run is named twice", "See: rehearse help report")
    catalogue, folder = found(options, options.named or options.run)
    # The run's own personas may be named in them, too.
    gates = gating.given(catalogue, options)
    whole = gates.held_against(read(catalogue, folder))
    shown = whole
    if options.only:
        from harness.verbs.narrowing import narrowed

        shown = narrowed(catalogue, whole, options.only)
    source = Source(shown, folder, catalogue, options.lang, called=folders.lasting(folder))
    wanted.deliver(source)
    return exit_status(whole)
