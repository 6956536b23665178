"""Makes plans: from scenarios and selectors to every cell in order, and what cannot be done, with why."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import Final

from harness.catalogue import Catalogue
from harness.checks import BY_NAMES, EVERYDAY
from harness.clients.base import Client
from harness.errors import UsageError
from harness.grammar import words
from harness.mitigations import NONE, inline
from harness.mitigations.base import Mitigation, NotApplicableError
from harness.model import CellId, Check, Tier
from harness.planning import covering, selecting, sources
from harness.planning import scenario as scenarios
from harness.planning.plan import Expected, MustClose, Plan, Row
from harness.planning.scenario import Script
from harness.result import LeftOut, NotApplicable
from harness.servers.base import HOST, Server
from harness.system.garbage import not_searched
from harness.system.registry import left_out, lookup

Excluded = dict[NotApplicable, set[CellId]]
"""Why cells cannot be rehearsed, and which those are."""


def _many(excluded: Excluded) -> int:
    return len(set().union(*excluded.values()))


@not_searched()
def from_scripts(
    catalogue: Catalogue,
    name: str,
    scripts: Sequence[Script],
    lab: Tier = Tier.LOCAL,
    *,
    probes: bool = False,
) -> Plan:
    """The plan of scenario scripts. Raises UsageError when nothing can be rehearsed."""
    rows: list[Row] = []
    expected: dict[str, Expected] = {}
    excluded: Excluded = {}
    closes: dict[MustClose, None] = {}
    included = {one.name: one for top in scripts for one in scenarios.with_included(catalogue, top)}
    for script in included.values():
        wanted = list(_applicable(catalogue, scenarios.cells(script.scenario), excluded, lab))
        for claim in script.scenario.claims:
            for cell in wanted:
                if selecting.matches(claim.cells, cell):
                    expected.setdefault(
                        str(cell),
                        Expected(claim.expected, claim.said, script.scenario.source, claim.because),
                    )
        if wanted:
            rows.append(Row(script.name, script.title, tuple(wanted), script.scenario.stage))
        for change, server, exposure in scenarios.closings(catalogue, script.scenario, wanted):
            closes[MustClose(change, server, exposure, script.scenario.source)] = None
    return _finished(
        catalogue,
        Plan(
            *(name, tuple(rows), expected, tuple(excluded), lab),
            probes=probes,
            closes=tuple(closes),
            not_rehearsed=_many(excluded),
            sources=sources.of_scripts(catalogue, included.values()),
        ),
    )


@not_searched()
def from_selectors(
    catalogue: Catalogue, selectors: Sequence[str], lab: Tier = Tier.LOCAL, *, probes: bool = False
) -> Plan:
    """The plan of bare cell selectors. Raises UsageError for unknown names or when nothing is left."""
    excluded: Excluded = {}
    rows = []
    for selector in selectors:
        wanted = list(_applicable(catalogue, _expand(catalogue, selector, lab), excluded, lab))
        if wanted:
            rows.append(Row(selector, "selected cells", tuple(wanted)))
    excluded.update({one: set() for one in _unusable(catalogue, selectors)})
    return _finished(
        catalogue,
        Plan(
            "selection", tuple(rows), {}, tuple(excluded), lab, probes=probes, not_rehearsed=_many(excluded)
        ),
    )


@not_searched()
def pairwise(
    catalogue: Catalogue,
    selectors: Sequence[str],
    lab: Tier = Tier.LOCAL,
    *,
    most: int = covering.MOST,
    probes: bool = False,
) -> Plan:
    """The plan that measures the selected mitigations alone and every pair of them together.

    A row a server: each single mitigation that can be made on it, then the combinations of a covering array.
    A combination has at most ``most`` parts. What cannot be combined is in ``not_applicable``.
    Raises UsageError like ``from_selectors``, and for a combination in a selector.
    """
    excluded: Excluded = {}
    rows = []
    for selector in selectors:
        wanted = [cell for cell in _expand(catalogue, selector, lab) if cell.mitigation != NONE]
        for change in dict.fromkeys(cell.mitigation for cell in wanted):
            if len(inline.parts(change)) > 1:
                raise UsageError(
                    f"--pairwise combines by itself, and {change!r} is a combination",
                    "name its parts, by comma",
                )
        singles = list(_applicable(catalogue, wanted, excluded, lab))
        for server in dict.fromkeys(cell.server for cell in singles):
            rows.append(
                _covered(catalogue, [cell for cell in singles if cell.server == server], excluded, lab, most)
            )
    excluded.update({one: set() for one in _unusable(catalogue, selectors)})
    return _finished(
        catalogue,
        Plan("pairwise", tuple(rows), {}, tuple(excluded), lab, probes=probes, not_rehearsed=_many(excluded)),
    )


def _covered(
    catalogue: Catalogue, singles: Sequence[CellId], excluded: Excluded, lab: Tier, most: int
) -> Row:
    """One server's row: its cells under single changes, and the same tasks under the combinations."""
    name = singles[0].server
    changes = [catalogue.mitigation(change) for change in dict.fromkeys(cell.mitigation for cell in singles)]
    tasks = dict.fromkeys((cell.client, cell.check) for cell in singles)
    people = [catalogue.clients[client] for client in dict.fromkeys(client for client, _ in tasks)]
    made = covering.cover(changes, catalogue.servers[name], people, most)
    excluded.update({one: set() for one in made.left_out})
    combined = (CellId(change, name, *task) for change in made.combinations for task in tasks)
    able = [
        cell
        for cell in combined
        if why_not(catalogue, cell.mitigation, catalogue.servers[name], catalogue.clients[cell.client], lab)
        is None
        # A combination without one of its parts is no new one here.
        and not _left_out(catalogue, cell.mitigation, name, cell.client)
    ]
    title = (
        f"{len(made.singles)} changes alone, and {len(made.combinations)} combinations in which all "
        f"{made.pairs} pairs of them meet (of {made.subsets} possible combinations)"
    )
    return Row(f"pairwise {name}", title, (*singles, *able))


def _unusable(catalogue: Catalogue, selectors: Iterable[str]) -> list[NotApplicable]:
    """The files of mitigations that cannot be used, where a selector may have meant what they offer."""
    named = (part for selector in selectors for part in selecting.patterns(selector)[0])
    if not any(map(words.is_pattern, named)):
        return []
    return [
        NotApplicable(name if Path(name).suffix else f"{name}.py", "every server", why)
        for name, why in left_out(catalogue.mitigations).items()
    ]


def _finished(catalogue: Catalogue, plan: Plan) -> Plan:
    if not plan.cells:
        why = "; ".join(f"{x.mitigation} on {x.subject}: {x.reason}" for x in plan.not_applicable)
        raise UsageError(f"no cell is left to rehearse{': ' + why if why else ''}", "See: rehearse list")
    combined = [job for job in plan.jobs if words.is_combination(job.mitigation)]
    if not combined:
        return plan
    found = (
        part
        for job in combined
        for client in dict.fromkeys(cell.client for cell in job.cells)
        for part in _left_out(catalogue, job.mitigation, job.server, client)
    )
    return replace(plan, left_out=tuple(dict.fromkeys(found)))


def _left_out(catalogue: Catalogue, change: str, server: str, client: str) -> list[LeftOut]:
    """The parts of a combination that cannot be made on a server or client."""
    able = catalogue.mitigation(change).within(catalogue.servers[server])
    missing = catalogue.mitigation(change).left_out(catalogue.servers[server], catalogue.clients[client])
    return [
        LeftOut(
            change,
            part,
            subject,
            why,
            tuple(aim for aim in catalogue.mitigation(part).aims if aim not in able.aims),
        )
        for part, (subject, why) in missing.items()
    ]


def _expand(catalogue: Catalogue, selector: str, lab: Tier) -> list[CellId]:
    changes, homes, people, tasks = selecting.patterns(selector)
    found_changes = _resolve(
        "mitigation",
        changes,
        [NONE, *catalogue.mitigations],
        catalogue.mitigation,
        frozenset(name for name, one in catalogue.mitigations.items() if one.seldom),
    )
    there = [s for s in catalogue.servers.values() if s.image != HOST and lab in s.labs]
    found_servers = _resolve(
        "server",
        homes,
        [s.name for s in there],
        _lookup(catalogue.servers, "server"),
        frozenset(s.name for s in there if s.seldom),
    )
    found_clients = _resolve(
        "client",
        people,
        [c.name for c in catalogue.clients.values() if lab in c.labs],
        _lookup(catalogue.clients, "client"),
    )
    names = {check.value: check for check in Check}
    named = set(tasks)
    # What takes long, or is asked about seldom, is measured when it is named.
    tasks = [one for task in tasks for one in (EVERYDAY if task == "*" else (task,))]
    inside = {name for name in found_servers if catalogue.servers[name].in_domain}
    found_checks = _resolve("check", tasks, list(names), _lookup(names, "check"))
    # What a client cannot do at all is left out of "*"; named outright it is answered "unsupported".
    able = {
        client: [
            one for one in found_checks if one in named or names[one] in catalogue.clients[client].checks
        ]
        for client in found_clients
    }
    # A client that lives in a domain alone is meant by a pattern where there is one.
    there_alone = {
        client
        for client in found_clients
        if client not in people and catalogue.clients[client].in_domain_alone
    }
    # As is one that comes by QUIC alone, where a change has the server reached so.
    quic_alone = {
        client for client in found_clients if client not in people and catalogue.clients[client].by_quic_alone
    }
    offered = {change for change in found_changes if quic_alone and catalogue.mitigation(change).offers_quic}
    return [
        CellId(change, server, client, check)
        for change in found_changes
        for server in found_servers
        for client in found_clients
        if server in inside or client not in there_alone
        if change in offered or client not in quic_alone
        for check in able[client]
    ]


def _lookup(known: Mapping[str, object], kind: str) -> Callable[[str], object]:
    return lambda name: lookup(kind, name, known)


def _resolve(
    kind: str,
    wanted: Iterable[str],
    known: Sequence[str],
    check: Callable[[str], object],
    seldom: Collection[str] = (),
) -> list[str]:
    """``seldom``: what a pattern means only where it fits nothing else."""
    found: dict[str, None] = {}
    for pattern in wanted:
        if words.is_pattern(pattern):
            hits = [name for name in known if words.fits(name, pattern)]
            hits = [name for name in hits if name not in seldom] or hits
            if not hits:
                raise UsageError(f"no {kind} matches {pattern!r}", f"See: rehearse list {kind}s")
        else:
            check(pattern)
            hits = [pattern]
        found.update(dict.fromkeys(hits))
    return list(found)


def _applicable(
    catalogue: Catalogue, wanted: Iterable[CellId], excluded: Excluded, lab: Tier
) -> Iterator[CellId]:
    """The cells that can be rehearsed; why others cannot goes to ``excluded``.

    Asked once for each change on a server, and for each client there: a plan may have a million cells.
    """
    for (change, home), there in groupby(wanted, key=attrgetter("mitigation", "server")):
        server = catalogue.servers[home]
        asked = _Asked(catalogue, change, server, lab)
        for name, cells in groupby(there, key=attrgetter("client")):
            reason = asked.why_not(catalogue.clients[name])
            for cell in cells:
                why = reason or _not_asked(cell, server, lab)
                if why is None:
                    yield cell
                else:
                    excluded.setdefault(why, set()).add(cell)


def _not_asked(cell: CellId, server: Server, lab: Tier) -> NotApplicable | None:
    """Why a check is not made on a server, or in a lab."""
    if cell.check in BY_NAMES and server.in_domain is None:
        why = f"it is in no domain, where what a client calls it decides: {cell.check} is open there"
        return NotApplicable(cell.mitigation, server.name, why)
    if lab is Tier.VAGRANT and cell.check == Check.CONNECTED:
        return NotApplicable(cell.mitigation, server.name, _RESTORED_BENEATH)
    return None


_RESTORED_BENEATH: Final = (
    "the check connected is the local lab's alone: a virtual machine is taken back by a restart or by its "
    "snapshot, with the file that somebody is writing, and what became of it would be the lab's doing"
)


def why_not(
    catalogue: Catalogue, change: str, server: Server, client: Client, lab: Tier
) -> NotApplicable | None:
    """Why a mitigation cannot be made on this server or client in that lab; None when it can."""
    return _Asked(catalogue, change, server, lab).why_not(client)


class _Asked:
    """A change on a server in a lab, of which it is asked for which clients it can be rehearsed."""

    def __init__(self, catalogue: Catalogue, change: str, server: Server, lab: Tier) -> None:
        self._made = catalogue.mitigation(change)
        self._change, self._server, self._lab = change, server, lab
        self._nobody = self._elsewhere(server) or self._elsewhere(self._made)
        self._nowhere: NotApplicable | None = None
        if self._nobody is None:
            try:
                self._made.within(server)
            except NotApplicableError as reason:
                self._nowhere = NotApplicable(change, server.name, str(reason))

    def why_not(self, client: Client) -> NotApplicable | None:
        """Why it cannot be for this client; None when it can."""
        if found := self._nobody or self._elsewhere(client):
            return found
        if client.in_domain_alone and self._server.in_domain is None:
            why = f"it logs on with tickets, and {self._server.name} is in no domain"
            return NotApplicable(self._change, client.name, why)
        if self._nowhere:
            return self._nowhere
        try:
            self._made.on_both(self._server, client)
        except NotApplicableError as reason:
            return NotApplicable(self._change, client.name, str(reason))
        return None

    def _elsewhere(self, thing: Server | Client | Mitigation) -> NotApplicable | None:
        if self._lab in thing.labs:
            return None
        needed = " or ".join(f"--lab {tier}" for tier in Tier if tier in thing.labs)
        return NotApplicable(self._change, thing.name, f"it lives in another lab: {needed}")
