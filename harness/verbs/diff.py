"""``rehearse diff``: what changed between two runs, and whether something got worse."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from harness.catalogue import Catalogue
from harness.comparison.runs import compare
from harness.errors import UsageError
from harness.record import folders, journal, readback
from harness.report import comparison
from harness.report.documents import comparison as comparison_document
from harness.report.language import of_reader
from harness.report.page import console_for
from harness.result import RunResult
from harness.system.plain import say
from harness.verbs.ending import FAULT, OK, UNEXPECTED


def diff(options: argparse.Namespace) -> int:
    """Compare two runs: 1 when something got worse, 2 when a part of one is missing, or all of it, else 0.

    Raises UsageError for runs that cannot be read, and for two that have nothing in common.
    """
    given = [*options.which, folders.LATEST] if len(options.which) == 1 else options.which
    if len(given) > 2:
        raise UsageError(f"diff compares two runs, not {len(given)}", "See: rehearse help diff")
    names = given or [folders.PREVIOUS, folders.LATEST]
    places = [folders.named(options.runs, name) for name in names]
    if places[0].resolve() == places[1].resolve():
        raise UsageError(f"{' and '.join(names)} are one run: {places[0].name}", "See: rehearse list runs")
    first, second = (_read(options.catalogue, place) for place in places)
    found = compare(first, second)
    if not found.comparable:
        raise UsageError(
            "; ".join(
                [
                    f"{first.run} and {second.run} have no cell and no exposure in common",
                    *map(str, found.doubts),
                ]
            ),
            "compare runs of the same plan: rehearse list runs",
        )
    if options.json:
        for doubt in found.doubts:
            say(f"rehearse: {doubt}")
        sys.stdout.writelines(comparison_document.pieces(found, comparison.emulated(found)))
        sys.stdout.write("\n")
    else:
        comparison.render(
            found, console_for(sys.stdout), details=options.details, lang=of_reader(options.lang)
        )
    if found.worse:
        return UNEXPECTED
    return FAULT if found.doubts or not found.compared else OK


def _read(catalogue: Catalogue, folder: Path) -> RunResult:
    """With what that run alone keeps: the other may have other personas and exposures so named."""
    return readback.result_of(catalogue.adding(*folders.of_run(folder)), journal.load(folder))
