"""Collects the evidence of cells while jobs run, and writes it when a job is over.

Until then all of it is in memory: what becomes of a cell is known only then, and most cells are kept.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

from harness.errors import LabFault, RunStopped
from harness.labs.capture import Capture
from harness.model import Attempt, CellId, Phase
from harness.planning.plan import Job
from harness.record.evidence import MOST_OF_A_RUN, PLACE, Wanted, logs
from harness.record.evidence.configuration import text_of
from harness.record.evidence.contents import Evidence, Seen
from harness.record.evidence.folder import write
from harness.result import CellResult, Circumstances, ClientFact, ServerFact
from harness.servers.live import LiveServer, LogKeeper, OwnClock
from harness.smb.footprint import Footprint
from harness.smb.packets import End


class Keeper:
    """What the jobs of a run share: the recording of packets, and the room for what is kept."""

    def __init__(
        self,
        folder: Path,
        wanted: Wanted,
        capture: Capture | None,
        no_packets: str = "",
        circumstances: Circumstances | None = None,
    ) -> None:
        """``no_packets``: why there is no recording of packets, where there is none."""
        self.run = folder.name
        self.home = folder / PLACE
        self.wanted = wanted
        self.capture = capture
        self.no_packets = no_packets
        self.circumstances = circumstances
        self._lock = threading.Lock()
        there = self.home.rglob("*") if self.home.is_dir() else ()
        self._room = MOST_OF_A_RUN - sum(path.lstat().st_size for path in there)

    def keep(self, one: Evidence) -> None:
        """Write the evidence of a cell. What a full disk swallows is told in the run's log alone."""
        with self._lock:
            try:
                self._room -= write(self.home, one, self._room)
            except OSError as error:
                logging.getLogger(__name__).warning("no evidence of %s: %s", one.found.cell, error)


@dataclass(slots=True)
class _Phase:
    """What was seen of the server in one phase."""

    log: tuple[logs.Entry, ...] | None = None
    within: float = 0.0
    """Seconds by which the times in it may be wrong."""
    configuration: str = ""
    address: str = ""
    """Where the server itself listened."""


class JobEvidence:
    """The evidence of one job's cells."""

    def __init__(self, keeper: Keeper, job: Job) -> None:
        self._keeper = keeper
        self._left: dict[CellId, dict[Phase, Footprint]] = {cell: {} for cell in job.cells}
        self._phases: dict[Phase, _Phase] = {}
        self._elsewhere: dict[CellId, tuple[JobEvidence, CellId]] = {}
        """Cells whose baseline was made for a cell of another job."""
        self._read: Mapping[str, int] = {}
        self._controller = ""

    def served(self, live: LiveServer) -> None:
        """The job's server runs: what its log says until now is of no attempt."""
        if isinstance(live, LogKeeper):
            with suppress(OSError):
                _, self._read = live.log_after({})

    def left_behind(self, cell: CellId, phase: Phase, left: Footprint) -> None:
        """What an attempt left behind."""
        self._left[cell][phase] = left

    def made_for(self, cell: CellId, other: JobEvidence, earlier: CellId) -> None:
        """The baseline of a cell is that of a cell of another job, which the same server did for."""
        self._elsewhere[cell] = (other, earlier)

    def measured(self, phase: Phase, live: LiveServer) -> None:
        """A phase is over: take what its server says. Never raises for a server that is gone."""
        self._controller = live.target.domain.controller if live.target.domain else ""
        seen = self._phases.setdefault(phase, _Phase())
        seen.address = live.target.address
        if isinstance(live, LogKeeper):
            with suppress(OSError):
                text, self._read = live.log_after(self._read)
                ahead, seen.within = (live.ahead, live.within) if isinstance(live, OwnClock) else (0.0, 0.0)
                seen.log = (*(seen.log or ()), *logs.entries(text, time.time(), ahead))
        try:
            inside = live.internals()
        except RunStopped:
            raise
        except LabFault:
            return
        if inside is not None:
            seen.configuration = text_of(inside)

    def write(
        self,
        found: CellResult,
        attempts: Mapping[Phase, Attempt],
        server: ServerFact | None,
        client: ClientFact | None,
    ) -> None:
        """Keep the evidence of a cell, where it is wanted."""
        keeper = self._keeper
        if not keeper.wanted.of(found):
            return
        seen = {phase: self._seen(found.cell, phase, made) for phase, made in attempts.items()}
        ordered = {phase: seen[phase] for phase in Phase if phase in seen}
        lost = keeper.capture.lost if keeper.capture else 0
        keeper.keep(
            Evidence(
                found, ordered, server, client, keeper.circumstances, keeper.run, keeper.no_packets, lost
            )
        )

    def ends_before(self, cell: CellId) -> tuple[End, ...]:
        """The client's ends of the connections on which the baseline of a cell was made."""
        left = self._left[cell].get(Phase.BASELINE)
        return left.connections if left else ()

    def let_go(self, *, but: Iterable[End] = ()) -> None:
        """Nobody needs the packets of the server any more, but those of connections from these ends."""
        capture = self._keeper.capture
        if capture is None:
            return
        for address in self._addresses:
            capture.forget(address, but=but)
        if self._controller not in ("", *self._addresses):
            capture.forget(self._controller)

    @property
    def _addresses(self) -> set[str]:
        """Where the server itself listened: a change may have had it move."""
        return {one.address for one in self._phases.values()}

    def _seen(self, cell: CellId, phase: Phase, made: Attempt) -> Seen:
        if phase is Phase.BASELINE and cell in self._elsewhere:
            other, earlier = self._elsewhere[cell]
            return other._seen(earlier, phase, made)
        around, left = self._phases.get(phase, _Phase()), self._left[cell].get(phase)
        log = None if around.log is None else ""
        if left and around.log:
            log = logs.slice_of(around.log, left.began, left.ended, left.connections, around.within)
        seen = Seen(made, left, log=log, configuration=around.configuration)
        if left is None or self._keeper.capture is None:
            return seen
        of = self._keeper.capture.of
        # One that was open before was made in an earlier attempt, which names its end. In between a port may
        # be another client's (seen: it came again after 31 s).
        until = (one for one in self._left[cell].values() if one.began <= left.began)
        made_in = [(one, [end for end in left.connections if end in one.connections]) for one in until]
        found = [
            of(address, ends, one.began, one.ended) for address in self._addresses for one, ends in made_in
        ]
        if self._controller:
            found.append(of(self._controller, left.kdc, left.began, left.ended))
        return replace(seen, connections=tuple({id(one): one for one in chain.from_iterable(found)}.values()))
