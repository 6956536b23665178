"""What is to be done, as data: every cell in order, the jobs that share a server, and what is expected."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cached_property
from itertools import chain, groupby
from operator import attrgetter

from harness.catalogue import Catalogue
from harness.grammar.words import is_combination
from harness.mitigations import NONE
from harness.mitigations.base import SEPARATOR, Mitigation, NotApplicableError
from harness.mitigations.combination import Combination
from harness.model import CellId, Check, Effect, Phase, Row, Tier
from harness.result import LeftOut, NotApplicable
from harness.result.machines import FleetFact
from harness.servers import in_domain
from harness.servers.base import Server
from harness.servers.mdns import IMAGE as AVAHI
from harness.servers.ws_discovery import IMAGE as WSDD


@dataclass(frozen=True)
class Expected:
    """What is expected of one cell and who claimed something about it."""

    effect: Effect
    said: Effect
    source: str
    because: str = ""


@dataclass(frozen=True)
class MustClose:
    """A hole that a scenario says a mitigation closes on a server."""

    mitigation: str
    server: str
    exposure: str
    source: str


@dataclass(frozen=True)
class Job:
    """The cells that a server is changed for once: same mitigation, same server."""

    mitigation: str
    server: str
    cells: tuple[CellId, ...]
    beside: str = ""
    """The server whose running one this is, too: another share or role of a configuration; "": its own."""

    @property
    def attempts(self) -> int:
        """How many attempts it takes: three phases a cell, one for the baseline alone."""
        return len(phases_of(self.mitigation)) * len(self.cells)


class SourceKind(StrEnum):
    """What a file of the user's own decides in a run."""

    SCENARIO = "scenario"
    PERSONA = "persona"
    EXPOSURES = "exposures"
    MITIGATION = "mitigation"
    SERVER = "configuration"
    CODE = "Python"
    PACKAGE = "package"
    IMAGE = "image"


@dataclass(frozen=True)
class Source:
    """A file of the user's own that a run was planned from, or measured with."""

    kind: SourceKind
    name: str
    """Of a scenario its name; of what the run folder keeps a copy of, the name of that copy."""
    path: str
    sha256: str


@dataclass(frozen=True)
class Plan:
    """All that a run will do, in order. It is written into the run folder before anything starts."""

    name: str
    rows: tuple[Row, ...]
    expected: Mapping[str, Expected]
    """By cell id."""
    not_applicable: tuple[NotApplicable, ...] = ()
    lab: Tier = Tier.LOCAL
    """Where it is to be measured."""
    probes: bool = False
    """Exposures are probed in every phase."""
    closes: tuple[MustClose, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    """Parts of combinations that are rehearsed without them."""
    not_rehearsed: int = 0
    """How many cells were asked for that are not applicable."""
    shard: Shard | None = None
    """Which part of a larger plan this is."""
    # Where files lie differs between the machines that measure the shards of one plan.
    sources: tuple[Source, ...] = field(default=(), compare=False)
    """The user's own files; none in plans of earlier versions."""
    fleet: FleetFact | None = None
    """Who really connects, as it was when this was planned; None where nobody said."""
    replay_of: str = ""
    """The run whose cells these are, which are measured once more; "" for every other plan."""

    @cached_property
    def cells(self) -> tuple[CellId, ...]:
        """Every cell once, in the order of the rows."""
        return tuple(dict.fromkeys(chain.from_iterable(row.cells for row in self.rows)))

    @cached_property
    def jobs(self) -> tuple[Job, ...]:
        """The cells grouped by mitigation and server, in the order in which each pair first appears."""
        found: dict[tuple[str, str], list[CellId]] = {}
        # Mostly those of a pair stand together: one look-up for all of them.
        for pair, group in groupby(self.cells, key=_pair):
            found.setdefault(pair, []).extend(group)
        return tuple(Job(*pair, tuple(cells)) for pair, cells in found.items())

    @property
    def attempts(self) -> int:
        """How many attempts all of it takes."""
        return sum(job.attempts for job in self.jobs)

    def part_trials(self, catalogue: Catalogue) -> int:
        """How many times more, at most, a server is changed to tell which part of a combination takes whom.

        That is done only for combinations that take somebody, and not for what is rehearsed anyhow.
        """
        planned = {(job.mitigation, job.server) for job in self.jobs}
        return sum(self.trials_of(catalogue, job, planned) for job in self.jobs)

    def trials_of(self, catalogue: Catalogue, job: Job, planned: Collection[tuple[str, str]]) -> int:
        """``part_trials`` of one job; ``planned``: the changes and servers that are rehearsed anyhow."""
        if not is_combination(job.mitigation):
            return 0
        found: list[str] = []
        for parts in {parts_of(catalogue, cell) for cell in job.cells if self.lab is Tier.LOCAL}:
            rests = [SEPARATOR.join(one for one in parts if one != part) for part in parts]
            found += (*parts, *(rests if len(parts) > 2 else ())) if len(parts) > 1 else ()
        return sum((one, job.server) not in planned for one in found)

    def images(self, catalogue: Catalogue) -> tuple[str, ...]:
        """The images that its servers, their upgrades, and its clients need, in that order."""
        needed: dict[str, None] = {}
        for job in self.jobs:
            server = catalogue.servers[job.server]
            # Virtual machines bring the packages of servers along; a domain controller runs beside them.
            needed |= {server.image: None} if self.lab is Tier.LOCAL else {}
            needed |= {in_domain.IMAGE: None} if server.in_domain else {}
            if self.lab is not Tier.LOCAL:
                continue
            changed = catalogue.mitigation(job.mitigation).changed(server.state, server)
            needed[changed.image] = None
            needed |= {WSDD: None} if changed.ws_discovery else {}
            needed |= {AVAHI: None} if changed.mdns else {}
        programs = (catalogue.clients[name].image for name in self.clients)
        return tuple(needed | dict.fromkeys(image for image in programs if image))

    def guests(self, catalogue: Catalogue) -> tuple[str, ...]:
        """The virtual machines whose own clients it needs."""
        named = (catalogue.clients[name].guest for name in self.clients)
        return tuple(dict.fromkeys(name for name in named if name))

    @property
    def clients(self) -> tuple[str, ...]:
        """The clients of its cells, each once."""
        return tuple(dict.fromkeys(map(attrgetter("client"), self.cells)))

    def only(self, keep: Callable[[CellId], bool]) -> Plan:
        """The same plan with fewer cells; rows that lose all of them go."""
        rows = (replace(row, cells=tuple(filter(keep, row.cells))) for row in self.rows)
        fewer = replace(self, rows=tuple(row for row in rows if row.cells))
        there = {(cell.mitigation, name) for cell in fewer.cells for name in (cell.server, cell.client)}
        left_out = (one for one in self.left_out if (one.mitigation, one.subject) in there)
        return replace(fewer, left_out=tuple(left_out))


def served(catalogue: Catalogue, change: str, server: str, checks: Iterable[str]) -> Server:
    """The server as a lab is to serve it for these checks: on a network where they or the change need one."""
    looked_for = Check.DISCOVER in checks
    needs = looked_for or catalogue.mitigation(change).on_network
    found = catalogue.servers[server]
    if Check.PRINT in checks:
        found = replace(found, prints=True)
    return replace(found, on_network=True, browsed=looked_for) if needs else found


def together(catalogue: Catalogue, jobs: Iterable[Job]) -> list[tuple[Job, ...]]:
    """The jobs that one running server does for, in their order; all but the first are ``beside`` that.

    Of one configuration that was brought along every share and role is a server. A change that is not the
    same on two of them needs a running server for each.
    """
    found: list[tuple[object, list[Job]]] = []
    for job in jobs:
        server = catalogue.servers[job.server]
        whole = server.whole
        if whole is not None:
            change = catalogue.mitigation(job.mitigation).within(server)
            whole = (job.mitigation, whole, change.name, change.changed(server.state, server))
        group = next((jobs for key, jobs in found if key == whole), None) if whole is not None else None
        if group is None:
            found.append((whole, [job]))
        else:
            group.append(job)
    return [tuple(_beside_the_first(catalogue, group)) for _, group in found]


def _beside_the_first(catalogue: Catalogue, jobs: list[Job]) -> Iterator[Job]:
    # Whose users have an account first: exposures are looked for as one of those.
    first, *others = sorted(jobs, key=lambda job: catalogue.servers[job.server].unknown_user)
    yield first
    yield from (replace(job, beside=first.server) for job in others)


@dataclass(frozen=True)
class Shard:
    """Which of several parts of a plan one is: they are measured apart, and merged."""

    number: int
    """From 1."""
    of: int
    whole: Plan

    def __post_init__(self) -> None:
        if not 1 <= self.number <= self.of or self.whole.shard is not None:
            raise ValueError(f"there is no shard {self.number}/{self.of} of such a plan")


def change_of(catalogue: Catalogue, cell: CellId) -> Mitigation:
    """What a cell rehearses: of a combination the parts that can be made on its server and client.

    All of it where the server or client is not known here, or cannot have any of it: another smb-rehearsal
    measured it. Raises UsageError for a mitigation that is not known.
    """
    change = catalogue.mitigation(cell.mitigation)
    server, client = catalogue.servers.get(cell.server), catalogue.clients.get(cell.client)
    if server is None:
        return change
    with suppress(NotApplicableError):
        return change.within(server, client)
    return change


def parts_of(catalogue: Catalogue, cell: CellId) -> tuple[str, ...]:
    """The parts of a cell's combination that were made on its server and client; none of a single change."""
    if not is_combination(cell.mitigation):
        return ()
    change = change_of(catalogue, cell)
    return tuple(part.name for part in change.parts) if isinstance(change, Combination) else ()


def phases_of(change: str) -> tuple[Phase, ...]:
    """The phases that a cell of this mitigation goes through."""
    return _BASELINE_ALONE if change == NONE else _PHASES


_BASELINE_ALONE, _PHASES = (Phase.BASELINE,), tuple(Phase)
"""Asked for with every cell of a run that is read."""


_pair = attrgetter("mitigation", "server")
