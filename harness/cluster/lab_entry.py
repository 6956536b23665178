"""What runs in a worker's lab: measures one group of cells after the other, as it is told on stdin.

Started by ``lab_process`` through ``harness.labs.namespace``, once for many groups: the catalogue is made and
the processes of attempts are started once. A line of JSON comes in for each group, and one goes out.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from harness.catalogue import Catalogue, made_of
from harness.catalogue.sources import from_json
from harness.cluster import identity
from harness.conduct import workers
from harness.conduct.evidence import Keeper
from harness.conduct.namespace_entry import Stop
from harness.conduct.rehearsal import Rehearsal
from harness.errors import LabFault, RehearsalError
from harness.labs.capture import Capture
from harness.labs.local import LocalLab
from harness.record import circumstances, journal
from harness.record.entries import Begun, Ended
from harness.record.evidence import Wanted
from harness.record.judging import incomplete
from harness.report.page import console_for
from harness.report.progress import Progress
from harness.result import Circumstances
from harness.system.entry import STOPPED, STOPS
from harness.system.processors import default_workers
from harness.system.version import version


@dataclass(frozen=True)
class _Lab:
    """What all groups share."""

    catalogue: Catalogue
    pool: workers.Pool
    capture: Capture | None
    no_packets: str
    around: Circumstances
    stop: Stop


def main(argv: Sequence[str]) -> int:
    """Measure groups until stdin ends; the exit status says whether that was cut off."""
    parser = argparse.ArgumentParser(prog="python -m harness.system.entry harness.cluster.lab_entry")
    parser.add_argument("--sources", default="[]", metavar="JSON")
    parser.add_argument("--workers", type=int, default=default_workers())
    options = parser.parse_args(argv)
    stop = Stop()
    for number in STOPS:
        signal.signal(number, stop)
    catalogue = made_of(*from_json(options.sources))
    try:
        # Before anything that has a thread.
        with workers.Pool(catalogue, options.workers, fork=True) as pool, ExitStack() as recording:
            capture, why = _capture(recording)
            lab = _Lab(catalogue, pool, capture, why, circumstances.found(), stop)
            _answer(ready=identity.as_text())
            for line in sys.stdin:
                _answer(fault=_fault_of(lab, json.loads(line)))
    except KeyboardInterrupt:
        return STOPPED
    return 0


def _answer(**said: str) -> None:
    sys.stdout.write(json.dumps(said) + "\n")
    sys.stdout.flush()


def _capture(recording: ExitStack) -> tuple[Capture | None, str]:
    """The recording of packets, and why there is none."""
    try:
        return recording.enter_context(Capture()), ""
    except LabFault as fault:
        return None, str(fault)


def _fault_of(lab: _Lab, words: Mapping[str, Any]) -> str:
    """Measure a group; why it could not be, or "".

    ``words``: the run folder with its plan, the ``number`` of its server, images by name, and of which cells
    ``evidence`` is wanted.
    """
    try:
        images = {name: Path(path) for name, path in words["images"].items()}
        _measure(lab, Path(words["folder"]), int(words["number"]), images, Wanted(words["evidence"]))
    except RehearsalError as error:
        return str(error)
    return ""


def _measure(lab: _Lab, folder: Path, number: int, images: Mapping[str, Path], evidence: Wanted) -> None:
    recorded = journal.load(folder)
    none = evidence is Wanted.NONE
    keeper = None if none else Keeper(folder, evidence, lab.capture, lab.no_packets, lab.around)
    with (
        journal.create(folder, recorded.plan) as book,
        Progress(console_for(sys.stderr), quiet=True) as progress,
    ):
        local = LocalLab(folder / "lab", images, number)
        rehearsal = Rehearsal(lab.catalogue, recorded, book, local, lab.pool, progress, keeper)
        lab.stop.first = rehearsal.stop
        lab.pool.meter.begin()
        book.add(Begun(local.name, version(), datetime.now(UTC), lab.around, parts=True))
        rehearsal.run(incomplete(lab.catalogue, recorded), jobs_at_once=1)
        book.add(Ended(datetime.now(UTC), whole=True, spent=lab.pool.meter.spent()))
