"""The executor that has a run measured by the workers of a cluster."""

from __future__ import annotations

import argparse
import itertools
import logging
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

from harness.catalogue import Catalogue
from harness.cluster import driver, identity, loop, needs, wire
from harness.cluster.collected import Collected
from harness.cluster.link import Link, greet
from harness.conduct import in_turn
from harness.errors import LabFault
from harness.model import CellId, Row
from harness.planning import plan
from harness.planning.plan import Job, Plan
from harness.record import folders, journal, shards, took
from harness.record.evidence import PLACE, Wanted
from harness.record.evidence.folder import forget
from harness.record.judging import incomplete, not_as_expected
from harness.report.progress import progress_of
from harness.system.entry import STOPPED
from harness.system.plain import many, say

LONGEST = 1200
"""What one group should weigh at most, in attempts (``in_turn.heavy``): about two minutes. So much is done
anew where a worker dies, and so long may somebody be idle who comes when all groups are given out."""


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
        kept, history = folders.kept(folder), took.history(folder.parent, made.lab)
        cut = Cut(catalogue, made, cells, Wanted(options.evidence), kept, history)
        with (
            journal.create(folder, recorded.plan) as book,
            _logged(folder / "log.txt", verbose=options.verbose),
            progress_of(
                catalogue, quiet=options.quiet, accepted=getattr(options, "accepted", ())
            ) as progress,
        ):
            forget(folder / PLACE, cells)
            progress.started(len(cells))

            collected = Collected(catalogue, recorded, book, progress)
            whole = False
            try:
                loop.run(driver.Driver(self._link, cut, collected, progress.note).run())
                whole = True
            except KeyboardInterrupt:
                say("stopped; what was measured is kept")
                return STOPPED
            finally:
                # A disk that is full has been told.
                with suppress(LabFault):
                    collected.end(whole=whole)
        return 0


class Cut:
    """Makes groups of cells: what one running server does for, as in a lab of this machine."""

    def __init__(
        self,
        catalogue: Catalogue,
        made: Plan,
        cells: Sequence[CellId],
        evidence: Wanted,
        kept: Mapping[str, bytes],
        history: took.History = took.NOTHING,
    ) -> None:
        """``cells``: those of the plan that are to be measured; ``kept``: as ``wire.Order`` has it.

        ``history``: how long jobs took in earlier runs.
        """
        self._catalogue = catalogue
        self._plan = made.only(set(cells).__contains__)
        self._evidence = evidence
        self._kept = kept
        self._history = history
        self._run = uuid4().hex[:12]
        self._next = 1
        """The number of the next server, which no other of this run has."""

    def __call__(self, workers: int) -> list[driver.Group]:
        """For so many workers. Raises LabFault for what no worker measures."""
        together = plan.together(self._catalogue, self._plan.jobs)
        at_once = max(workers, math.ceil(in_turn.heavy(together) / LONGEST))
        served = in_turn.Served(self._catalogue, self._plan)
        found = []
        for line in in_turn.lines(self._catalogue, together, served, at_once, self._history):
            alone = [self._group(group) for group in line]
            whole = tuple(itertools.chain.from_iterable(line))
            found.append(self._group(whole, tuple(alone)) if len(alone) > 1 else alone[0])
        return found

    def _group(self, jobs: Sequence[Job], parts: tuple[driver.Group, ...] = ()) -> driver.Group:
        part = _part(self._plan, jobs)
        # Each of its jobs may have to have a server of its own, and one in a domain is two.
        number, self._next = self._next, self._next + 2 * len(jobs)
        order = wire.Order(f"rehearse-{self._run}-{number}", number, part, self._evidence, self._kept)
        needed = needs.of_group(self._catalogue, part, identity.mine())
        weight = sum(self._history.seconds((one,), shards.weight(self._catalogue, part, one)) for one in jobs)
        return driver.Group(tuple(jobs), order, needed, weight, parts)


def _part(made: Plan, jobs: Sequence[Job]) -> Plan:
    """What of a plan it takes to measure some of its jobs."""
    first = f"{jobs[0].mitigation}:{jobs[0].server}"
    name = first if len(jobs) == 1 else f"{first} and {many(len(jobs) - 1, 'more')}"
    rows = tuple(Row(title := f"{job.mitigation}:{job.server}", title, job.cells) for job in jobs)
    ids = [str(cell) for job in jobs for cell in job.cells]
    expected = {cell: made.expected[cell] for cell in ids if cell in made.expected}
    return Plan(name, rows, expected, lab=made.lab, probes=made.probes)


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
