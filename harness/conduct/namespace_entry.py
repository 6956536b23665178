"""What runs inside the lab's namespace: measure the missing cells of a run folder, write the journal.

Started by the command line through ``namespace.enter`` and ``harness.system.entry``; prints its progress to
stderr and nothing to stdout.
"""

from __future__ import annotations

import argparse
import logging
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

from harness.catalogue import Catalogue, made_of
from harness.catalogue.sources import from_json
from harness.conduct import workers
from harness.conduct.evidence import Keeper
from harness.conduct.lab_for import lab_for
from harness.conduct.rehearsal import Rehearsal
from harness.errors import LabFault, RehearsalError
from harness.labs.base import Lab, LabOfMachines, OnOneWire
from harness.labs.capture import Capture
from harness.model import CellId
from harness.record import circumstances, journal, took
from harness.record.ahead import ahead
from harness.record.entries import Begun, Ended
from harness.record.evidence import PLACE, Wanted
from harness.record.evidence.folder import forget
from harness.record.judging import incomplete, not_as_expected
from harness.record.rechecked import not_fresh, reused_changes
from harness.report.progress import progress_of
from harness.result import Circumstances
from harness.system import heap
from harness.system.deadline import measured
from harness.system.entry import STOPPED, STOPS
from harness.system.logs import log_to
from harness.system.plain import say
from harness.system.processors import default_workers
from harness.system.version import version


def main(argv: Sequence[str]) -> int:
    """Measure; the exit status tells only whether the run was cut off, verdicts are in the journal."""
    options = _parser().parse_args(argv)
    stop = Stop()
    for number in STOPS:
        # Whoever began us with nohup(1) goes on when the terminal is closed.
        if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, stop)
    try:
        return _measure(options, stop)
    except KeyboardInterrupt:
        say("stopped; what was measured is kept")
        return STOPPED
    except RehearsalError as error:
        say(f"rehearse: {error}")
        return error.exit_status


class Stop:
    """What a signal does: raises KeyboardInterrupt. The first one first calls ``first``.

    Whoever signals our whole process group makes us hear it three times: by ourselves, and through both ends
    of the lab's wall, which pass it on. So what comes within ``ONCE`` of the first is the same signal; later
    it is somebody who does not want to wait for an orderly end.
    """

    ONCE = 1.0
    """Seconds; on a busy machine longer, for then the ends of the wall pass it on late."""

    def __init__(self) -> None:
        self.first: Callable[[], None] = lambda: None
        self._at: float | None = None

    def __call__(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002
        if self._at is None:
            self._at = time.monotonic()
            self.first()
            # However long that took: what came meanwhile was the same signal.
            self._at = time.monotonic()
        elif time.monotonic() - self._at < self.ONCE * measured().pace:
            return
        raise KeyboardInterrupt

    def insist(self) -> None:
        """Raise it again where one came already: whatever was being loaded has swallowed it."""
        if self._at is not None:
            raise KeyboardInterrupt


def _measure(options: argparse.Namespace, stop: Stop) -> int:
    folder: Path = options.folder
    # Before there are threads, and processes for clients.
    heap.give_back()
    images = {name: Path(path) for name, _, path in (text.partition("=") for text in options.image)}
    catalogue = made_of(*from_json(options.sources))
    recorded = journal.load(folder)
    cells = (not_as_expected if options.failed_only else incomplete)(catalogue, recorded)
    if options.fresh:
        again = {*cells, *not_fresh(catalogue, recorded)}
        cells = [cell for cell in recorded.plan.cells if cell in again]
    with (
        journal.create(folder, recorded.plan) as book,
        # Before the progress display, which has a thread.
        workers.Pool(catalogue, options.workers, fork=True) as pool,
        progress_of(catalogue, quiet=options.quiet, accepted=options.accepted) as progress,
    ):
        _log_to(folder / "log.txt", verbose=options.verbose)
        # Whoever started us removes this folder when we are gone: only in here is an image mounted below it.
        with lab_for(folder / "lab", images, options.means) as lab, ExitStack() as recording:
            around = circumstances.found()
            # Also without new evidence: the old one is not of what is measured now.
            forget(folder / PLACE, cells)
            keeper = _keeper(folder, Wanted(options.evidence), lab, around, recording) if cells else None
            anew = options.fresh or options.failed_only
            probed = () if anew else reused_changes(recorded)
            rehearsal = Rehearsal(
                catalogue,
                recorded,
                book,
                lab,
                pool,
                progress,
                keeper,
                probed=probed,
                history=took.history(folder.parent, recorded.plan.lab),
            )

            def first() -> None:
                # What breaks from here on is no fault of the lab.
                rehearsal.stop()
                if isinstance(lab, LabOfMachines):
                    # Whoever stops the run does not wait for a machine to boot.
                    lab.interrupt()

            stop.first = first
            stop.insist()
            if not cells:
                # A run that is whole stays as it is, to the time that it took.
                return 0
            now = datetime.now(UTC)
            pool.meter.begin()
            book.add(Begun(lab.name, version(), now, around, parts=True))
            progress.started(len(cells), _left(catalogue, recorded, cells, pool) if progress.live else None)
            whole = False
            try:
                rehearsal.run(cells, options.jobs, _waves(catalogue, lab, recorded))
                whole = True
            finally:
                # A disk that is full has been told.
                with suppress(LabFault):
                    book.add(Ended(datetime.now(UTC), whole, spent=pool.meter.spent()))
    return 0


def _left(
    catalogue: Catalogue, recorded: journal.Recorded, cells: Sequence[CellId], pool: workers.Pool
) -> Callable[[], float]:
    """How many seconds are left, whenever it is asked."""
    found = ahead(catalogue, recorded.plan.only(set(cells).__contains__), recorded.folder.parent)
    return lambda: found.left(pool.meter.spent())


def _keeper(
    folder: Path, wanted: Wanted, lab: Lab, around: Circumstances, recording: ExitStack
) -> Keeper | None:
    """Who keeps evidence of single cells; ``recording`` ends that of packets."""
    if wanted is Wanted.NONE:
        return None
    device = lab.device if isinstance(lab, OnOneWire) else ""
    if not device:
        why = "the machines are another libvirt's: packets are recorded where they are on this machine"
        return Keeper(folder, wanted, None, why, around)
    try:
        return Keeper(folder, wanted, recording.enter_context(Capture(device)), "", around)
    except LabFault as fault:
        return Keeper(folder, wanted, None, str(fault), around)


def _waves(catalogue: Catalogue, lab: Lab, recorded: journal.Recorded) -> Mapping[str, int]:
    """Virtual machines need not all fit into memory at once."""
    if not isinstance(lab, LabOfMachines):
        return {}
    return lab.waves([catalogue.servers[job.server] for job in recorded.plan.jobs])


def _log_to(path: Path, *, verbose: bool) -> None:
    """Every program that is run goes into the run folder's log, secrets blanked; to stderr too if asked."""
    try:
        handlers: list[logging.Handler] = [logging.FileHandler(path)]
    except OSError as error:
        raise LabFault(f"{path}: {error.strerror}", "make room or choose --runs") from error
    if verbose:
        handlers.append(logging.StreamHandler())
    log_to(logging.DEBUG, *handlers)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m harness.system.entry harness.conduct.namespace_entry")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--image", action="append", default=[], metavar="NAME=PATH")
    parser.add_argument("--sources", default="[]", metavar="JSON")
    parser.add_argument("--means", default="", metavar="JSON")
    parser.add_argument("--workers", type=int, default=default_workers())
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--failed-only", action="store_true")
    parser.add_argument("--fresh", action="store_true")
    parser.add_argument("--accepted", action="append", default=[], metavar="CELLS")
    parser.add_argument("--evidence", choices=list(Wanted), default=Wanted.LOST)
    parser.add_argument("--verbose", action="store_true")
    parser.add_argument("--quiet", action="store_true")
    return parser
