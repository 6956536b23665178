"""``rehearse learn``: the clients of a capture, which known ones they resemble, and what they would do."""

from __future__ import annotations

import argparse
import sys

from harness.catalogue import Catalogue, Origin
from harness.catalogue.sources import personas_in
from harness.errors import UsageError
from harness.learn import capture, matching
from harness.learn.study import NothingSeen, Study, study, write
from harness.model import Effect
from harness.planning import planner, selecting
from harness.record.evidence import Wanted
from harness.report import learned
from harness.report.documents import result as document
from harness.report.page import console_for
from harness.result import RunResult
from harness.system import tempdirs
from harness.system.plain import say
from harness.verbs import ending, listening
from harness.verbs import run as running

SERVERS = "samba-4.22-smb1,sles11-like"
"""Where learned clients are rehearsed: a server of today that speaks everything, and the article's."""
CHECKS = "browse,open,write"


def learn(options: argparse.Namespace) -> int:
    """Show what a capture tells of clients; on request write personas, and rehearse them in the lab."""
    if options.listen:
        if options.captures or options.rehearse is not None:
            raise UsageError("--listen learns whoever connects", "give neither FILE nor --rehearse with it")
        return listening.listen(options)
    if not options.captures:
        raise UsageError("no capture is named", "See: rehearse learn --help")
    for path in options.captures:
        capture.check(path)
    try:
        found = study(options.captures, matching.personas())
    except NothingSeen as nothing:
        if options.json:
            print(learned.render_json(learned.document(nothing.study, {}, str(nothing))))
        elif any(host.exchanges for host in nothing.study.hosts):
            # Who asks a KDC is no SMB client yet, and how it asks is worth knowing.
            learned.render(nothing.study, {}, console_for(sys.stdout))
        raise
    written = write(found, options.write) if options.write else {}
    result = None
    status = 0
    if options.rehearse is not None:
        status, result = _rehearse(found, options)
    if options.json:
        shown = learned.document(found, written)
        if result is not None:
            shown["rehearsal"] = document.to_document(result).model_dump(mode="json")
        print(learned.render_json(shown))
    else:
        learned.render(found, written, console_for(sys.stdout))
        if result is not None:
            learned.render_row(result, console_for(sys.stdout))
    return status


def _rehearse(found: Study, options: argparse.Namespace) -> tuple[int, RunResult]:
    """Run the learned personas in the lab. A loss is what is asked for here; only a fault is a failure."""
    with tempdirs.folder("learn") as written:
        names = ",".join(write(found, written))
        if not names:
            raise UsageError("no persona could be made of any client", "nothing to rehearse")
        catalogue: Catalogue = options.catalogue
        catalogue = catalogue.adding(*personas_in(written, Origin.LEARNED))
        wanted = options.rehearse or "*"
        if len(selecting.parted(wanted, ":")) > 1:
            raise UsageError(f"--rehearse {wanted}: expected mitigations", "See: rehearse list mitigations")
        made = planner.from_selectors(catalogue, [f"{wanted}:{SERVERS}:{names}:{CHECKS}"])
        folder = running.new_folder(catalogue, options.runs, made)
        options.failed_only, options.workers, options.quiet = False, None, options.json
        options.evidence = Wanted.LOST
        status, result = running.measure(catalogue, folder, options)
    say(f"run folder: {folder}")
    faults = any(cell.effect is Effect.FAULT for cell in result.cells)
    return status or (ending.FAULT if faults or not result.complete else ending.OK), result
