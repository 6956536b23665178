"""From scenarios or selectors to the ordered cells of a run, and the jobs that measure them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from itertools import groupby

from harness.clients import clients
from harness.clients.base import Client
from harness.errors import UsageError
from harness.mitigations import NONE, mitigation, mitigations
from harness.mitigations._combination import Combination
from harness.mitigations.base import SEPARATOR, Mitigation, NotApplicableError
from harness.model import CellId, Check, Effect, Phase, Tier
from harness.planning import covering
from harness.planning import scenario as scenarios
from harness.planning.scenario import Script
from harness.result import LeftOut, NotApplicable
from harness.servers import servers
from harness.servers.base import HOST, Server
from harness.system.registry import left_out, lookup


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
class Row:
    """A scenario as the report shows it."""

    name: str
    title: str
    cells: tuple[CellId, ...]
    stage: str = ""
    """Which stage of a larger plan it is; "" where it is none."""


@dataclass(frozen=True)
class Job:
    """The cells that one server of its own is started for: same mitigation, same server."""

    mitigation: str
    server: str
    cells: tuple[CellId, ...]


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

    @property
    def cells(self) -> tuple[CellId, ...]:
        """Every cell once, in the order of the rows."""
        return tuple(dict.fromkeys(cell for row in self.rows for cell in row.cells))

    @property
    def jobs(self) -> tuple[Job, ...]:
        """The cells grouped by mitigation and server, in the order in which each pair first appears."""
        order = {pair: rank for rank, pair in enumerate(dict.fromkeys(map(_pair, self.cells)))}
        ranked = sorted(self.cells, key=lambda cell: order[_pair(cell)])
        return tuple(Job(*pair, tuple(group)) for pair, group in groupby(ranked, key=_pair))

    @property
    def attempts(self) -> int:
        """How many attempts it takes: three phases a cell, one for the baseline alone."""
        return sum(len(phases_of(cell.mitigation)) for cell in self.cells)

    @property
    def part_trials(self) -> int:
        """How many times more, at most, a server is changed to tell which part of a combination takes whom.

        That is done only for combinations that take somebody, and not for what is rehearsed anyhow.
        """
        planned = {*map(_pair, self.cells)}
        return sum(self.trials_of(job, planned) for job in self.jobs)

    def trials_of(self, job: Job, planned: Collection[tuple[str, str]]) -> int:
        """``part_trials`` of one job; ``planned``: the changes and servers that are rehearsed anyhow."""
        found: list[str] = []
        for parts in {parts_of(cell) for cell in job.cells if self.lab is Tier.LOCAL}:
            rests = [SEPARATOR.join(one for one in parts if one != part) for part in parts]
            found += (*parts, *(rests if len(parts) > 2 else ())) if len(parts) > 1 else ()
        return sum((one, job.server) not in planned for one in found)

    @property
    def images(self) -> tuple[str, ...]:
        """The images that its servers, their upgrades, and its clients need, in that order."""
        needed: dict[str, None] = {}
        # Virtual machines bring the packages of servers along.
        for job in self.jobs if self.lab is Tier.LOCAL else ():
            server = servers()[job.server]
            needed[server.image] = None
            needed[mitigation(job.mitigation).changed(server.state, server).image] = None
        programs = (clients()[cell.client].image for cell in self.cells)
        return tuple(needed | dict.fromkeys(image for image in programs if image))

    @property
    def guests(self) -> tuple[str, ...]:
        """The virtual machines whose own clients it needs."""
        named = (clients()[cell.client].guest for cell in self.cells)
        return tuple(dict.fromkeys(name for name in named if name))

    def only(self, keep: Callable[[CellId], bool]) -> Plan:
        """The same plan with fewer cells; rows that lose all of them go."""
        rows = (replace(row, cells=tuple(filter(keep, row.cells))) for row in self.rows)
        fewer = replace(self, rows=tuple(row for row in rows if row.cells))
        there = {(cell.mitigation, name) for cell in fewer.cells for name in (cell.server, cell.client)}
        left_out = (one for one in self.left_out if (one.mitigation, one.subject) in there)
        return replace(fewer, left_out=tuple(left_out))


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


Excluded = dict[NotApplicable, set[CellId]]
"""Why cells cannot be rehearsed, and which those are."""


def _many(excluded: Excluded) -> int:
    return len(set().union(*excluded.values()))


def _pair(cell: CellId) -> tuple[str, str]:
    return (cell.mitigation, cell.server)


def change_of(cell: CellId) -> Mitigation:
    """What a cell rehearses: of a combination the parts that can be made on its server and client.

    All of it where the server or client is not known here, or cannot have any of it: another smb-rehearsal
    measured it. Raises UsageError for a mitigation that is not known.
    """
    change = mitigation(cell.mitigation)
    server, client = servers().get(cell.server), clients().get(cell.client)
    if server is None:
        return change
    with suppress(NotApplicableError):
        return change.within(server, client)
    return change


def parts_of(cell: CellId) -> tuple[str, ...]:
    """The parts of a cell's combination that were made on its server and client; none of a single change."""
    if SEPARATOR not in cell.mitigation:
        return ()
    change = change_of(cell)
    return tuple(part.name for part in change.parts) if isinstance(change, Combination) else ()


def phases_of(change: str) -> tuple[Phase, ...]:
    """The phases that a cell of this mitigation goes through."""
    return (Phase.BASELINE,) if change == NONE else tuple(Phase)


def from_scripts(
    name: str, scripts: Sequence[Script], lab: Tier = Tier.LOCAL, *, probes: bool = False
) -> Plan:
    """The plan of scenario scripts. Raises UsageError when nothing can be rehearsed."""
    rows: list[Row] = []
    expected: dict[str, Expected] = {}
    excluded: Excluded = {}
    closes: dict[MustClose, None] = {}
    for script in {one.name: one for top in scripts for one in scenarios.with_included(top)}.values():
        wanted = list(_applicable(scenarios.cells(script.scenario), excluded, lab))
        for claim in script.scenario.claims:
            for cell in wanted:
                if scenarios.matches(claim.cells, cell):
                    expected.setdefault(
                        str(cell),
                        Expected(claim.expected, claim.said, script.scenario.source, claim.because),
                    )
        if wanted:
            rows.append(Row(script.name, script.title, tuple(wanted), script.scenario.stage))
        for change, server, exposure in scenarios.closings(script.scenario, wanted):
            closes[MustClose(change, server, exposure, script.scenario.source)] = None
    return _finished(
        Plan(
            *(name, tuple(rows), expected, tuple(excluded), lab),
            probes=probes,
            closes=tuple(closes),
            not_rehearsed=_many(excluded),
        )
    )


def from_selectors(selectors: Sequence[str], lab: Tier = Tier.LOCAL, *, probes: bool = False) -> Plan:
    """The plan of bare cell selectors. Raises UsageError for unknown names or when nothing is left."""
    excluded: Excluded = {}
    rows = []
    for selector in selectors:
        wanted = list(_applicable(_expand(selector, lab), excluded, lab))
        if wanted:
            rows.append(Row(selector, "selected cells", tuple(wanted)))
    excluded.update({one: set() for one in _unusable(selectors)})
    return _finished(
        Plan("selection", tuple(rows), {}, tuple(excluded), lab, probes=probes, not_rehearsed=_many(excluded))
    )


def pairwise(
    selectors: Sequence[str], lab: Tier = Tier.LOCAL, *, most: int = covering.MOST, probes: bool = False
) -> Plan:
    """The plan that measures the selected mitigations alone and every pair of them together.

    A row a server: each single mitigation that can be made on it, then the combinations of a covering array.
    A combination has at most ``most`` parts. What cannot be combined is in ``not_applicable``.
    Raises UsageError like ``from_selectors``, and for a combination in a selector.
    """
    excluded: Excluded = {}
    rows = []
    for selector in selectors:
        wanted = [cell for cell in _expand(selector, lab) if cell.mitigation != NONE]
        for change in dict.fromkeys(cell.mitigation for cell in wanted):
            if SEPARATOR in change:
                raise UsageError(
                    f"--pairwise combines by itself, and {change!r} is a combination",
                    "name its parts, by comma",
                )
        singles = list(_applicable(wanted, excluded, lab))
        for server in dict.fromkeys(cell.server for cell in singles):
            rows.append(_covered([cell for cell in singles if cell.server == server], excluded, lab, most))
    excluded.update({one: set() for one in _unusable(selectors)})
    return _finished(
        Plan("pairwise", tuple(rows), {}, tuple(excluded), lab, probes=probes, not_rehearsed=_many(excluded))
    )


def _covered(singles: Sequence[CellId], excluded: Excluded, lab: Tier, most: int) -> Row:
    """One server's row: its cells under single changes, and the same tasks under the combinations."""
    name = singles[0].server
    changes = [mitigation(change) for change in dict.fromkeys(cell.mitigation for cell in singles)]
    tasks = dict.fromkeys((cell.client, cell.check) for cell in singles)
    people = [clients()[client] for client in dict.fromkeys(client for client, _ in tasks)]
    made = covering.cover(changes, servers()[name], people, most)
    excluded.update({one: set() for one in made.left_out})
    combined = (CellId(change, name, *task) for change in made.combinations for task in tasks)
    able = [
        cell
        for cell in combined
        if why_not(cell.mitigation, servers()[name], clients()[cell.client], lab) is None
        # A combination without one of its parts is no new one here.
        and not _left_out(cell.mitigation, name, cell.client)
    ]
    title = (
        f"{len(made.singles)} changes alone, and {len(made.combinations)} combinations in which all "
        f"{made.pairs} pairs of them meet (of {made.subsets} possible combinations)"
    )
    return Row(f"pairwise {name}", title, (*singles, *able))


def _unusable(selectors: Iterable[str]) -> list[NotApplicable]:
    """The files of mitigations that cannot be used, where a selector may have meant what they offer."""
    named = (part for selector in selectors for part in scenarios.patterns(selector)[0])
    if not any(mark in part for part in named for mark in "*?["):
        return []
    return [NotApplicable(f"{name}.py", "every server", why) for name, why in left_out(_CHANGES).items()]


_CHANGES = "harness.mitigations"


def _finished(plan: Plan) -> Plan:
    if not plan.cells:
        why = "; ".join(f"{x.mitigation} on {x.subject}: {x.reason}" for x in plan.not_applicable)
        raise UsageError(f"no cell is left to rehearse{': ' + why if why else ''}", "See: rehearse list")
    pairs = dict.fromkeys((cell.mitigation, cell.server, cell.client) for cell in plan.cells)
    found = (part for pair in pairs for part in _left_out(*pair))
    return replace(plan, left_out=tuple(dict.fromkeys(found)))


def _left_out(change: str, server: str, client: str) -> list[LeftOut]:
    """The parts of a combination that cannot be made on a server or client."""
    able = mitigation(change).within(servers()[server])
    missing = mitigation(change).left_out(servers()[server], clients()[client])
    return [
        LeftOut(
            change, part, subject, why, tuple(aim for aim in mitigation(part).aims if aim not in able.aims)
        )
        for part, (subject, why) in missing.items()
    ]


def _expand(selector: str, lab: Tier) -> list[CellId]:
    changes, homes, people, tasks = scenarios.patterns(selector)
    found_changes = _resolve("mitigation", changes, [NONE, *mitigations()], mitigation)
    found_servers = _resolve(
        "server",
        homes,
        [s.name for s in servers().values() if s.image != HOST and lab in s.labs],
        _lookup(servers(), "server"),
    )
    found_clients = _resolve(
        "client", people, [c.name for c in clients().values() if lab in c.labs], _lookup(clients(), "client")
    )
    names = {check.value: check for check in Check}
    found_checks = _resolve("check", tasks, list(names), _lookup(names, "check"))
    return [
        CellId(change, server, client, check)
        for change in found_changes
        for server in found_servers
        for client in found_clients
        for check in found_checks
        # What a client cannot do at all is left out of "*"; named outright it is answered "unsupported".
        if check in tasks or Check(check) in clients()[client].checks
    ]


def _lookup(known: Mapping[str, object], kind: str) -> Callable[[str], object]:
    return lambda name: lookup(kind, name, known)


def _resolve(
    kind: str, wanted: Iterable[str], known: Sequence[str], check: Callable[[str], object]
) -> list[str]:
    found: dict[str, None] = {}
    for pattern in wanted:
        if any(mark in pattern for mark in "*?["):
            hits = [name for name in known if fnmatchcase(name, pattern)]
            if not hits:
                raise UsageError(f"no {kind} matches {pattern!r}", f"See: rehearse list {kind}s")
        else:
            check(pattern)
            hits = [pattern]
        found.update(dict.fromkeys(hits))
    return list(found)


def _applicable(wanted: Iterable[CellId], excluded: Excluded, lab: Tier) -> Iterable[CellId]:
    for cell in wanted:
        reason = why_not(cell.mitigation, servers()[cell.server], clients()[cell.client], lab)
        if reason is None:
            yield cell
        else:
            excluded.setdefault(reason, set()).add(cell)


def why_not(change: str, server: Server, client: Client, lab: Tier) -> NotApplicable | None:
    """Why a mitigation cannot be made on this server or client in that lab; None when it can."""
    for thing in (server, client):
        if lab not in thing.labs:
            needed = " or ".join(f"--lab {tier}" for tier in Tier if tier in thing.labs)
            return NotApplicable(change, thing.name, f"it lives in another lab: {needed}")
    made = mitigation(change)
    try:
        made.within(server)
    except NotApplicableError as reason:
        return NotApplicable(change, server.name, str(reason))
    try:
        made.within(server, client)
    except NotApplicableError as reason:
        return NotApplicable(change, client.name, str(reason))
    return None
