"""What workers measured, put into the run folder that it belongs to: each cell once, as if measured here."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from harness import model
from harness.catalogue import Catalogue
from harness.cluster import wire
from harness.conduct.ledger import Observer
from harness.errors import LabFault
from harness.model import Attempt, CellId, Phase
from harness.planning.plan import Job, phases_of
from harness.record import shards, took
from harness.record.entries import (
    Attempted,
    Begun,
    Ended,
    Entry,
    Known,
    KnownClient,
    KnownExposures,
    Probed,
    TookEffect,
    TriedPart,
    entry_of,
)
from harness.record.evidence import MOST_OF_A_RUN
from harness.record.journal import Journal, Recorded
from harness.record.judging import judged
from harness.result import Circumstances, ClientFact, ServerFact
from harness.result.spent import TimeSpent, side_by_side
from harness.system.version import version

_log = logging.getLogger(__name__)


def came_to_nothing(jobs: Sequence[Job], outcome: wire.Outcome) -> str:
    """Why a worker measured nothing of a group, as where its disk is full; "" where it measured some."""
    cells = {cell for job in jobs for cell in job.cells}
    why = outcome.fault
    try:
        for line in outcome.journal.splitlines():
            match entry_of(line):
                case Attempted(cell, Phase.BASELINE, made) if cell in cells:
                    if made.outcome is not model.Outcome.FAULT:
                        return ""
                    why = why or made.note
    except ValueError as error:
        why = f"what it sent cannot be read: {str(error).splitlines()[0]}"
    return why or "it sent nothing"


class Collected:
    """The results of a run's groups."""

    def __init__(
        self,
        catalogue: Catalogue,
        recorded: Recorded,
        journal: Journal,
        observer: Observer,
    ) -> None:
        """``recorded``: what the run folder holds already."""
        self._catalogue = catalogue
        self._recorded = recorded
        self._journal = journal
        self._observer = observer
        self._began, self._since = datetime.now(UTC), time.monotonic()
        self._begun = False
        self._told: set[str] = set()
        self._by_worker: dict[str, TimeSpent] = {}
        """Where the time of each went that it measured in."""
        self._facts: dict[str, tuple[str, str]] = {}
        facts: list[ServerFact | ClientFact] = [*recorded.servers.values(), *recorded.clients.values()]
        for fact in facts:
            self._facts[shards.subject(fact)] = (shards.words(fact), "an earlier part of this run")
        home = recorded.folder / "evidence"
        there = home.rglob("*") if home.is_dir() else ()
        self._room = MOST_OF_A_RUN - sum(path.lstat().st_size for path in there)

    def take(self, jobs: Sequence[Job], outcome: wire.Outcome) -> None:
        """Write down what the jobs of a group came to, and tell the verdicts. What is lacking is a fault.

        Raises LabFault when the run folder cannot be written.
        """
        fault = outcome.fault
        entries: list[Entry] = []
        try:
            entries = [entry_of(line) for line in outcome.journal.splitlines()]
            self._same_software(entries, outcome.worker)
        except ValueError as error:
            entries, fault = [], f"what {outcome.worker} sent cannot be read: {str(error).splitlines()[0]}"
        except LabFault as error:
            entries, fault = [], str(error)
        pairs = {(job.mitigation, job.server) for job in jobs}
        attempts: dict[CellId, dict[Phase, Attempt]] = {cell: {} for job in jobs for cell in job.cells}
        tried: dict[CellId, dict[str, Attempt]] = {}
        around = next((one.circumstances for one in entries if isinstance(one, Begun)), None)
        self._first(around)
        for entry in entries:
            match entry:
                case Begun():
                    continue
                case Ended(spent=spent):
                    self._spent(outcome.worker, spent)
                    continue
                case KnownExposures():
                    if "exposures" in self._told:
                        continue
                    self._told.add("exposures")
                case Known(fact) | KnownClient(fact):
                    if shards.subject(fact) in self._told:
                        continue
                    self._told.add(shards.subject(fact))
                case Attempted(cell, phase, made):
                    if cell not in attempts or phase in attempts[cell]:
                        continue
                    attempts[cell][phase] = made
                    entry = replace(entry, round=self._round(cell))
                case TriedPart(cell, change, made):
                    if cell not in attempts:
                        continue
                    tried.setdefault(cell, {})[change] = made
                    entry = replace(entry, round=self._round(cell))
                case Probed(mitigation, server):
                    pair = (mitigation, server)
                    if pair not in pairs:
                        continue
                    entry = replace(entry, round=self._recorded.probe_rounds.get(pair, -1) + 1)
                case TookEffect(applied):
                    if (applied.mitigation, applied.server) not in pairs:
                        continue
                case _:
                    # A worker reuses nothing.
                    continue
            self._journal.add(entry)
        self._fill(attempts, fault or f"{outcome.worker} sent nothing of it")
        if entries:
            self._evidence(outcome)
        took.keep(self._recorded.folder, outcome.took)
        where = f" ({around.kernel}, {around.processors} processors)" if around else ""
        for job in jobs:
            what = f"{job.mitigation} on {job.server}"
            _log.info("%s: by %s%s%s", what, outcome.worker, where, fault and f": {fault}")
            for cell in job.cells:
                verdict = judged(self._catalogue, self._recorded, cell, attempts[cell], tried.get(cell))
                self._observer.cell(str(cell), verdict.effect, verdict.expected, verdict.cause)
            self._observer.finished(job.mitigation, job.server)

    def fault(self, jobs: Sequence[Job], reason: str) -> None:
        """All cells of a group that no worker measures are faults."""
        self.take(jobs, wire.Outcome("", "", fault=reason))

    def end(self, *, whole: bool) -> None:
        """Measuring ended in an orderly way; ``whole``: all that was to be measured was. Raises LabFault."""
        if self._begun:
            spent = side_by_side(time.monotonic() - self._since, self._by_worker.values())
            self._journal.add(Ended(datetime.now(UTC), whole, spent=spent))

    def _spent(self, worker: str, spent: TimeSpent | None) -> None:
        self._by_worker[worker] = self._by_worker.get(worker, TimeSpent()) + (spent or TimeSpent())

    def _first(self, around: Circumstances | None) -> None:
        """The journal begins with where the first group was measured that comes back."""
        if not self._begun:
            self._begun = True
            lab = str(self._recorded.plan.lab)
            self._journal.add(Begun(lab, version(), self._began, around, parts=True))

    def _same_software(self, entries: list[Entry], worker: str) -> None:
        """Raises LabFault where the same name stands for other software than on another worker."""
        new: dict[str, tuple[str, str]] = {}
        for entry in entries:
            if isinstance(entry, Known | KnownClient):
                fact = entry.server if isinstance(entry, Known) else entry.client
                name, words = shards.subject(fact), shards.words(fact)
                known, where = self._facts.get(name, (words, worker))
                if known != words:
                    raise LabFault(
                        f"{name} is {words} on {worker}, and was {known} on {where}: no result can say both",
                        "build its image anew on one of them",
                    )
                new[name] = (words, where)
        self._facts |= new

    def _fill(self, attempts: Mapping[CellId, dict[Phase, Attempt]], reason: str) -> None:
        for cell, there in attempts.items():
            for phase in phases_of(cell.mitigation):
                if phase not in there:
                    made = there[phase] = Attempt.fault(reason)
                    self._journal.add(Attempted(cell, phase, made, self._round(cell)))

    def _round(self, cell: CellId) -> int:
        return self._recorded.rounds.get(cell, -1) + 1

    def _evidence(self, outcome: wire.Outcome) -> None:
        """What a full disk swallows, and what is too much for a run, is told in the run's log alone."""
        folder: Path = self._recorded.folder
        left = list(outcome.left_out)
        taken: dict[str, bytes] = {}
        for name, data in outcome.files.items():
            if len(data) > self._room:
                left.append(f"{name}: a run's evidence may have no more")
                continue
            self._room -= len(data)
            taken[name] = data
        try:
            wire.write(folder, taken)
        except OSError as error:
            left.append(f"{error.filename}: {error.strerror}")
        for line in left:
            _log.warning("evidence left out: %s", line)
