"""The two-sided verdict in the result document: balances, the cheapest ways, sentences, stages."""

from __future__ import annotations

from collections.abc import Iterable

from harness.balance.machines import machines_of
from harness.balance.pareto_front import Standing, tables
from harness.balance.stages import stages
from harness.balance.weigh import Balance
from harness.model import CellId
from harness.report.documents.machines import MachinesPart, machines_part
from harness.report.documents.part import Part, Words
from harness.report.language import DEFAULT, language
from harness.report.sentences import said_of
from harness.result import RunResult


class BalancePart(Part):
    """What one change did on one server, on both sides."""

    mitigation: Words
    """none: the server as it is."""
    server: Words
    closed: tuple[Words, ...]
    """Exposures that were open before and are not under the change."""
    still_open: tuple[Words, ...]
    opened: tuple[Words, ...]
    """Exposures that were not open before and are under the change."""
    undecided: tuple[Words, ...]
    """Exposures that were unknown or not probed before or under the change."""
    clients_kept: tuple[Words, ...]
    """Clients that keep all that they could do before."""
    clients_lost: tuple[Words, ...]
    """Clients that lose at least one check."""
    lost: tuple[Words, ...]
    """The cells that are lost."""
    gained: tuple[Words, ...]
    """The cells that are gained."""
    unknown: tuple[Words, ...]
    """Cells that worked before and were not measured under the change, or are a fault."""
    judged: bool
    """False when nothing was measured under the change."""
    rolled_back: bool | None
    """Whether every client and every hole is as before; null where it could not be shown."""
    machines: MachinesPart | None = None
    """What it costs in machines of the fleet; null for no change, and where the run has no fleet."""


class StandingPart(BalancePart):
    """A balance among all those of its server."""

    on_front: bool
    """Nothing that was measured closes as much at a smaller price."""
    beaten_by: tuple[Words, ...]
    """The changes on the front that close no less, cost no more, and are better in one of both."""


class CheapestPart(Part):
    """The cheapest way to close a hole."""

    server: Words
    exposure: Words
    mitigations: tuple[Words, ...]
    """All that close it at the same, smallest price; empty where nothing that was measured closes it."""


class SaidPart(Part):
    """A sentence about one mitigation on one server."""

    kind: Words
    """surprise, lost twice, or known."""
    mitigation: Words
    """Empty where it is about several."""
    server: Words
    text: Words


class StagePart(Part):
    """One stage of a plan, weighed on the cells of its scenario alone."""

    stage: Words
    scenario: Words
    balances: tuple[BalancePart, ...]


def weighed(result: RunResult) -> dict[str, object]:
    """The keys that the two-sided verdict adds to the document of a run."""
    found = tables(result)
    costs = machines_of(result)

    def standing(one: Standing) -> dict[str, object]:
        return {**balance(one.balance), "on_front": one.on_front, "beaten_by": one.beaten_by}

    def balance(one: Balance) -> dict[str, object]:
        return {**_balance(one), "machines": machines_part(costs.get((one.mitigation, one.server)))}

    return {
        "balances": [
            part
            for table in found
            for part in (
                *map(standing, table.standings),
                *({**balance(one), "on_front": False, "beaten_by": ()} for one in table.not_judged),
            )
        ],
        "cheapest": [
            {"server": one.server, "exposure": one.exposure, "mitigations": one.mitigations}
            for table in found
            for one in table.cheapest
        ],
        "said": said_of(result, language(DEFAULT)),
        "stages": [
            {"stage": one.name, "scenario": one.scenario, "balances": list(map(_balance, one.balances))}
            for one in stages(result)
        ],
    }


def _balance(one: Balance) -> dict[str, object]:
    return {
        "mitigation": one.mitigation,
        "server": one.server,
        "closed": one.closed,
        "still_open": one.still_open,
        "opened": one.opened,
        "undecided": one.undecided,
        "clients_kept": one.clients_kept,
        "clients_lost": one.clients_lost,
        "lost": _ids(one.lost),
        "gained": _ids(one.gained),
        "unknown": _ids(one.unknown),
        "judged": one.judged,
        "rolled_back": one.rolled_back,
    }


def _ids(cells: Iterable[CellId]) -> list[str]:
    return list(map(str, cells))
