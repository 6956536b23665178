"""What a plan comes to in work, and how many seconds so much work takes: by what was measured, without I/O.

A job is cheap or dear by the clients that it asks: an attempt of a persona takes 25 ms, one of rclone a third
of a second. And it makes far fewer attempts than three a cell: what clients meet before a change is measured
once for the changes that one running server does for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Final

from harness.catalogue import Catalogue
from harness.clients.base import Client
from harness.mitigations import NONE
from harness.model import OVER_PHASES, Phase, Side, Tier
from harness.planning.plan import Plan
from harness.result.spent import Kind, Spent, TimeSpent
from harness.system.processors import default_workers

AT_ONCE: Final = 2
"""Running servers that are worked on at a time (``Rehearsal.run``)."""
ANEW: Final = 0.3
"""The part of a server's changes that begins with a server of its own; the others go on with one that runs.

Of 15 changes on 4 servers 7 did, of 30 on one 10: some need it set up otherwise, some do not come back."""
A_PERSONA, OF_PYTHON, A_PROGRAM = 0.025, 0.06, 0.1
"""Seconds of a worker for an attempt of a persona, a Python library, and a program of an image."""
_OWN: Final[Mapping[str, float]] = {
    "rclone": 0.34,
    "libsmbclient": 0.28,
    "node-smb2": 0.21,
    "curl": 0.05,
    "libsmb2": 0.05,
    "jcifs": 0.03,
}
"""Of programs that are far from that."""
PROBES: Final = 0.17
"""Seconds of a worker for one round of probes."""
A_START, A_CHANGE, A_CELL = 0.2, 0.35, 0.008
"""Seconds that only jobs take, and no worker: to start and stop a server; to make a change, see it and take
it back; and for a cell to be judged and written down."""
OVERLAP: Final = 0.35
"""The part of these for which workers are idle, where two servers are at work at a time.

All of these were fitted to whole runs on two cores with nothing else to do: 152 cells on four servers (6.9 s)
and 4,464 cells on one (167 s)."""


@dataclass(frozen=True, slots=True)
class Work:
    """What a plan comes to."""

    attempts: Mapping[str, float]
    """By workers, of each client; parts where it is not known how many baselines are shared."""
    beside: Mapping[str, float] = field(default_factory=dict)
    """By jobs, one after the other: over connections that were open before the change."""
    rounds: int = 0
    """Of probes."""
    starts: float = 0
    changes: int = 0
    """Changes on a server that are made, seen and taken back."""
    cells: int = 0
    largest: float = 0
    """The part of the cells that the largest job has; from 0 to 1."""

    @property
    def made(self) -> int:
        """All attempts, in whole numbers."""
        return round(sum(self.attempts.values()) + sum(self.beside.values()))

    @property
    def alone(self) -> float:
        """For which part of the time there is only one server to work on."""
        return max(0.0, AT_ONCE * self.largest - 1)


def work_of(catalogue: Catalogue, made: Plan) -> Work:
    """What it takes to measure a whole plan."""
    jobs = made.jobs
    servers = {job.server for job in jobs}
    starts = len(servers) + ANEW * (len(jobs) - len(servers)) if made.lab is Tier.LOCAL else len(jobs)
    before: Counter[str] = Counter()
    later: Counter[str] = Counter()
    beside: Counter[str] = Counter()
    for job in jobs:
        kinds = Counter(map(attrgetter("client", "check"), job.cells))
        for (client, check), number in kinds.items():
            phases = 1 if job.mitigation == NONE else len(Phase)
            if check in OVER_PHASES:
                beside[client] += number * phases
                continue
            before[client] += number
            later[client] += number * (phases - 1)
    # Whoever works on a server for the first time meets it unchanged.
    share = starts / len(jobs) if jobs else 0.0
    attempts = {name: share * before[name] + later[name] for name in before}
    on_server = [job for job in jobs if Side.SERVER in catalogue.mitigation(job.mitigation).sides]
    return Work(
        attempts,
        beside,
        len(servers) + 2 * len(on_server) if made.probes else 0,
        starts,
        len(jobs),
        len(made.cells),
        max((len(job.cells) for job in jobs), default=0) / (len(made.cells) or 1),
    )


@dataclass(frozen=True, slots=True)
class Costs:
    """What that takes on some machine."""

    workers: int
    slower: float = 1.0
    """How many times as long as on the machine where the numbers above were measured."""
    means: Mapping[str, float] = field(default_factory=dict)
    """Seconds of an attempt of clients of which it was measured; of others by ``slower``."""
    probes: float | None = None
    """Seconds of a round of probes, where measured."""

    def attempt(self, name: str, client: Client | None) -> float:
        """Seconds of a worker."""
        known = self.means.get(name)
        return self.slower * usual(name, client) if known is None else known

    def seconds(self, catalogue: Catalogue, work: Work) -> float:
        """How long so much work takes by the clock, from the first server's start to the last one's end."""
        # No more at a time than there is to do in one phase.
        servers = AT_ONCE - work.alone
        at_once = min(self.workers, servers * (1 + work.cells / max(1, work.changes)))
        jobs = self.slower * (A_START * work.starts + A_CHANGE * work.changes + A_CELL * work.cells)
        most = max(self.busy(catalogue, work) / at_once, self._of_all(catalogue, work.beside) / servers)
        return most + jobs * max(OVERLAP + (1 - OVERLAP) * work.alone, work.largest)

    def busy(self, catalogue: Catalogue, work: Work) -> float:
        """Seconds of workers for all attempts and probes."""
        return self._of_all(catalogue, work.attempts) + work.rounds * self.a_round

    @property
    def a_round(self) -> float:
        """Seconds of a worker for a round of probes."""
        return self.slower * PROBES if self.probes is None else self.probes

    def _of_all(self, catalogue: Catalogue, attempts: Mapping[str, float]) -> float:
        clients = catalogue.clients
        return sum(self.attempt(name, clients.get(name)) * many for name, many in attempts.items())


def usual(name: str, client: Client | None) -> float:
    """Seconds of a worker for an attempt of a client of which nothing was measured here."""
    if client is None or client.fidelity.emulated:
        return A_PERSONA
    return _OWN.get(name, A_PROGRAM if client.image else OF_PYTHON)


def measured(catalogue: Catalogue, spent: TimeSpent | None) -> Costs:
    """What a run took, for other cells on the same machine; the usual of one that says nothing of clients."""
    if spent is None or not spent.clients:
        return Costs(spent.workers if spent and spent.workers else default_workers())
    known = {name: one for name, one in spent.clients.items() if one.times}
    took = sum(one.lasted for one in known.values())
    guessed = sum(one.times * usual(name, catalogue.clients.get(name)) for name, one in known.items())
    slower = took / guessed if took and guessed else 1.0
    means = {name: one.lasted / one.times for name, one in known.items()}
    looked = spent.kinds.get(Kind.PROBES, Spent())
    return Costs(spent.workers or 1, slower, means, looked.lasted / looked.times if looked.times else None)
