"""Makes plans: from scenarios and selectors to every cell in order, and what cannot be done, with why."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from harness.catalogue import Catalogue
from harness.errors import UsageError
from harness.grammar import words
from harness.mitigations import NONE, inline
from harness.model import CellId, Row, Tier
from harness.planning import covering, selecting, sources
from harness.planning import scenario as scenarios
from harness.planning.applicable import Excluded, applicable, why_not
from harness.planning.expanding import cells_of
from harness.planning.plan import Expected, MustClose, Plan
from harness.planning.scenario import Script
from harness.result import LeftOut, NotApplicable
from harness.system.garbage import not_searched
from harness.system.registry import left_out


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
        wanted = list(applicable(catalogue, scenarios.cells(script.scenario), excluded, lab))
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
        wanted = list(applicable(catalogue, cells_of(catalogue, selector, lab), excluded, lab))
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
        wanted = [cell for cell in cells_of(catalogue, selector, lab) if cell.mitigation != NONE]
        for change in dict.fromkeys(cell.mitigation for cell in wanted):
            if len(inline.parts(change)) > 1:
                raise UsageError(
                    f"--pairwise combines by itself, and {change!r} is a combination",
                    "name its parts, by comma",
                )
        singles = list(applicable(catalogue, wanted, excluded, lab))
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
