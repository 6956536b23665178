"""The executor that has a run measured by the workers of a cluster."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

from harness.catalogue import Catalogue
from harness.cluster import driver, identity, loop, needs, wire
from harness.cluster.collected import Collected
from harness.cluster.link import Link, greet
from harness.errors import LabFault
from harness.model import CellId
from harness.planning.plan import Job, Plan, Row
from harness.record import folders, journal, shards
from harness.record.evidence import PLACE, Wanted
from harness.record.evidence.folder import forget
from harness.record.judging import incomplete, not_as_expected
from harness.report.page import console_for
from harness.report.progress import Progress
from harness.system.entry import STOPPED
from harness.system.plain import say


class Elsewhere:
    """Measures on a cluster (``executor.Executor``)."""

    def __init__(self, link: Link) -> None:
        self._link = link

    @classmethod
    def at(cls, link: Link) -> Elsewhere:
        """Raises LabFault, in one line, where no scheduler is there that this program can use."""
        loop.run(greet(link))
        return cls(link)

    def measure(self, catalogue: Catalogue, folder: Path, made: Plan, options: argparse.Namespace) -> int:
        """As ``Executor.measure`` has it."""
        recorded = journal.load(folder)
        cells = (not_as_expected if options.failed_only else incomplete)(catalogue, recorded)
        if not cells:
            return 0
        groups = list(_groups(catalogue, folder, made, cells, Wanted(options.evidence)))
        with (
            journal.create(folder, recorded.plan) as book,
            _logged(folder / "log.txt", verbose=options.verbose),
            Progress(console_for(sys.stderr), quiet=options.quiet) as progress,
        ):
            forget(folder / PLACE, cells)
            progress.started(len(cells))

            collected = Collected(catalogue, recorded, book, progress)
            whole = False
            try:
                loop.run(driver.Driver(self._link, groups, collected, progress.note).run())
                whole = True
            except KeyboardInterrupt:
                say("stopped; what was measured is kept")
                return STOPPED
            finally:
                # A disk that is full has been told.
                with suppress(LabFault):
                    collected.end(whole=whole)
        return 0


def _groups(
    catalogue: Catalogue, folder: Path, made: Plan, cells: Sequence[CellId], evidence: Wanted
) -> list[driver.Group]:
    """One for each server that is to be started. Raises LabFault for what no worker measures."""
    run, mine, kept = uuid4().hex[:12], identity.mine(), folders.kept(folder)
    wanted = set(cells)
    groups = []
    for number, job in enumerate(made.only(wanted.__contains__).jobs, 1):
        part = _part(made, job)
        order = wire.Order(f"rehearse-{run}-{number}", number, part, evidence, kept)
        weight = shards.weight(catalogue, part, job)
        groups.append(driver.Group(job, order, needs.of_group(catalogue, part, mine), weight))
    return groups


def _part(made: Plan, job: Job) -> Plan:
    """What of a plan it takes to measure one of its jobs."""
    name = f"{job.mitigation}:{job.server}"
    ids = [str(cell) for cell in job.cells]
    expected = {cell: made.expected[cell] for cell in ids if cell in made.expected}
    return Plan(name, (Row(name, name, job.cells),), expected, lab=made.lab, probes=made.probes)


@contextmanager
def _logged(path: Path, *, verbose: bool) -> Iterator[None]:
    """What this room says goes into the run's log, and to stderr only when asked for. Raises LabFault."""
    log = logging.getLogger("harness.cluster")
    try:
        handler = logging.FileHandler(path)
    except OSError as error:
        raise LabFault(f"{path}: {error.strerror}", "make room or choose --runs") from error
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    before = log.level, log.propagate
    log.setLevel(logging.INFO)
    log.propagate = verbose
    log.addHandler(handler)
    try:
        yield
    finally:
        log.removeHandler(handler)
        handler.close()
        log.setLevel(before[0])
        log.propagate = before[1]
