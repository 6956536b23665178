"""Orders to the processes that act as clients and probes; the baseline of an unchanged server is shared."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime

from harness.catalogue import Catalogue
from harness.conduct.refusals import lacks
from harness.conduct.workers import Done, Order, Pool
from harness.errors import LabFault, RunStopped
from harness.exposures.survey import Survey, Surveyed, doubted, of_a_share
from harness.model import Phase, Side, Sighting
from harness.planning.plan import Job
from harness.servers import left_out
from harness.servers.live import LiveServer, OneOfSeveral, OwnAccounts


class Orders:
    """Hands out what is to be attempted or looked for, until the run is stopped."""

    def __init__(
        self,
        catalogue: Catalogue,
        pool: Pool,
        stopping: Callable[[], bool],
        *,
        probing: bool,
        noting: bool = False,
        probed: Collection[tuple[str, str]] = (),
    ) -> None:
        """``probing``: exposures are looked for in this run; ``noting``: attempts leave evidence.

        ``probed``: mitigations and servers of which it is known what probes see.
        """
        self.catalogue = catalogue
        self.meter = pool.meter
        self.probing = probing
        self.noting = noting
        self._probed = probed
        self._pool = pool
        self._stopping = stopping
        self._baselines: dict[str, Future[Surveyed]] = {}
        self._whole: dict[tuple[str, str, Phase], Future[Surveyed]] = {}
        """What was seen of a running server in a phase of a job, by the first of the servers that it is."""
        self._lock = threading.Lock()

    def attempt(self, order: Order) -> Future[Done]:
        """Hand an attempt to the pool. Raises RunStopped."""
        self._going_on()
        return self._pool.submit(replace(order, noted=self.noting))

    def probes(self, job: Job, phase: Phase, live: LiveServer) -> Future[Surveyed] | None:
        """Have the exposures of a server looked for; None in a run without, and where they are known.

        A server that has not been changed is looked at once a run: its baseline is that of every job, and
        what is done to clients leaves it as it is. Raises RunStopped.
        """
        if not self.probing or (job.mitigation, job.server) in self._probed:
            return None
        self._going_on()
        unchanged = (
            phase is Phase.BASELINE or Side.SERVER not in self.catalogue.mitigation(job.mitigation).sides
        )
        with self._lock:
            if unchanged and job.server in self._baselines:
                return self._baselines[job.server]
            # Of several servers that are one running server: all of it once, and of each what differs.
            first = live.first if isinstance(live, OneOfSeveral) else live
            key = (job.mitigation, job.beside or job.server, Phase.BASELINE if unchanged else phase)
            if key not in self._whole:
                self._whole[key] = self._looked_for(first, survey_of(first))
            whole = self._whole[key]
            if first is live:
                if unchanged:
                    self._baselines[job.server] = whole
                return whole
        return self._looked_for(live, replace(survey_of(live), known=self._shared(whole.result())))

    def _looked_for(self, live: LiveServer, survey: Survey) -> Future[Surveyed]:
        """What the probes see; doubted where the server lacked something, before others are told."""
        told: Future[Surveyed] = Future()

        def ended(seen: Future[Surveyed]) -> None:
            try:
                made = seen.result()
                why = lacks(live)
                told.set_result(doubted(made, why) if why else made)
            except BaseException as error:
                told.set_exception(error)

        self._pool.survey(survey).add_done_callback(ended)
        return told

    def let_go(self, job: Job) -> None:
        """A job is over: nobody asks any more what was seen of its server in its phases."""
        with self._lock:
            for phase in Phase:
                self._whole.pop((job.mitigation, job.server, phase), None)

    def _shared(self, found: Surveyed) -> Mapping[str, Sighting]:
        """What was seen of one of several servers that is so of all."""
        own = of_a_share(self.catalogue.exposures)
        return {name: seen for name, seen in found.seen.items() if name not in own}

    def without_probes(self) -> Orders:
        """The same for what is tried beside the run."""
        return Orders(self.catalogue, self._pool, self._stopping, probing=False)

    def _going_on(self) -> None:
        if self._stopping():
            raise RunStopped


def survey_of(live: LiveServer) -> Survey:
    """The probes of a server of a lab, as it is now."""
    today = datetime.now(UTC).date()
    account = not live.server.unknown_user
    if not live.state.running:
        return Survey(live.target, today, platform=live.server.told_as.name, account=account, down=True)
    inside = None
    # One that cannot be looked into is probed from the wire alone.
    with suppress(LabFault):
        inside = live.internals()
    together = live.server.platform.many_sessions
    return Survey(
        live.target,
        today,
        inside,
        live.server.told_as.name,
        account,
        together=together,
        own=live.own_target if isinstance(live, OwnAccounts) else None,
        alone=_alone(live),
    )


def _alone(live: LiveServer) -> bool:
    """It is in no domain; one whose configuration has it be a member elsewhere only stands alone here."""
    server = live.server
    return server.in_domain is None and not any(left_out.ROLE in one for one in server.instead)
