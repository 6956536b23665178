"""The staged plan: for each stage what is made on which server, what that closes, and whom it costs."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from harness.balance.machines import Fate
from harness.errors import UsageError
from harness.model import CellId
from harness.result import RunResult
from harness.result.machines import FleetFact
from harness.rollout.crowd import RISK, of_clients, together
from harness.rollout.demands import met
from harness.rollout.remedies import Kinship, Legacy, Remedies, Remedy, best_legacy
from harness.rollout.search import Cost, Found, Rules
from harness.rollout.states import Options, State, Unfit, options_of
from harness.rollout.wishes import Wishes


@dataclass(frozen=True, slots=True)
class Step:
    """What is done on one server in a stage."""

    server: str
    before: str
    """The change that is in force when the stage begins; ``none`` for none."""
    after: str
    """The change, or combination, that is in force when it has ended: this was measured as a whole."""
    closes: tuple[str, ...]
    """Exposures that are shut with this stage."""
    opens: tuple[str, ...]
    """Exposures that the new state opens; it was the best all the same."""
    lost: tuple[CellId, ...]
    """Cells that are lost in the new state, and were not in the one before."""
    unsure: tuple[CellId, ...]
    """Cells of which nobody knows, and that were kept before."""
    already: bool
    """It was in force on the server of the rehearsal before it was made."""
    rolled_back: bool | None
    """Everything was seen to be as before when it was taken back; None: not shown."""


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage. Without steps there is nothing to do in it."""

    number: int
    steps: tuple[Step, ...]
    open: Mapping[str, tuple[str, ...]]
    """Server -> what is still open when the stage has ended."""
    unknown: Mapping[str, tuple[str, ...]]
    """Server -> what no probe could tell then."""
    clients: Mapping[str, Fate]
    """What has become of each client that was asked when the stage has ended: on some server at least."""
    fates: tuple[Fate, ...]
    """What has become of each group when the stage has ended."""
    hurt: tuple[int, ...]
    """Places of the groups that lose something on some server with this stage, or may, and did not before."""
    remedies: tuple[Remedy, ...]
    """One for each kind that loses something with this stage, which a machine may be, and server where it
    does."""


@dataclass(frozen=True, slots=True)
class Searched:
    """How the order of one server was found."""

    server: str
    cost: Cost
    compared: int
    states: int
    pairs: int
    """Combinations of two that were measured..."""
    all_pairs: int
    """...of so many that its single changes would make."""
    refused: Mapping[str, Unfit]
    """What was measured, and is no state of a plan -> why."""
    open: tuple[str, ...]
    """Open before any change."""
    not_closable: tuple[str, ...]
    """Of these, what nothing that was measured closes."""


@dataclass(frozen=True, slots=True)
class Rollout:
    """The whole plan."""

    wishes: Wishes
    fleet: FleetFact
    """Its groups are what the fates of a stage are of. Without a name: one machine of each client."""
    stages: tuple[Stage, ...]
    searched: tuple[Searched, ...]
    legacy: Legacy | None
    """The server for what nothing else helps; None where nobody needs one, or none keeps anybody."""

    @property
    def compared(self) -> int:
        """How many plans keep the demands: any order of one server with any order of the others."""
        return math.prod(one.compared for one in self.searched)

    def has(self, client: str) -> bool:
        """Whether a machine is, or may be, of a kind; without a fleet there is one of each."""
        return _has(self.fleet, client)

    def count(self, stage: Stage, *fates: Fate) -> int:
        """How many machines have one of these fates when a stage has ended."""
        both = zip(self.fleet.groups, stage.fates, strict=True)
        return sum(group.count for group, fate in both if fate in fates)


def _has(fleet: FleetFact, client: str) -> bool:
    return not fleet.name or any(client in group.clients for group in fleet.groups)


def make(result: RunResult, fleet: FleetFact, wishes: Wishes, kinship: Kinship) -> Rollout:
    """The cheapest plan that keeps the demands (``harness.rollout.search``).

    Raises UnmetError where none does, and UsageError where the run has nothing to plan with.
    """
    grades = {name: fact.severity for name, fact in result.exposure_facts.items()}
    everything = options_of(result, fleet.groups)
    chosen = _chosen(everything, wishes, result)
    rules = [Rules(one, wishes, grades) for one in chosen]
    found = met(rules, result)
    orders = {one.server: (one.states[0], *found[one.server].states) for one in chosen}
    remedies = Remedies(result, kinship, wishes.legacy)
    stages = tuple(_stage(result, number, orders, remedies, fleet) for number in range(1, wishes.stages + 1))
    lost = {name: its for name, its in _lost(chosen, orders).items() if _has(fleet, name)}
    kept = [one for one in everything if not wishes.legacy or one.server == wishes.legacy]
    legacy = best_legacy(remedies, kept, lost, [one.server for one in chosen], grades) if lost else None
    searched = tuple(_searched(one, found[one.server]) for one in chosen)
    return Rollout(wishes, fleet, stages, searched, legacy)


def _chosen(everything: Sequence[Options], wishes: Wishes, result: RunResult) -> list[Options]:
    wanted = wishes.servers or [one.server for one in everything if one.server != wishes.legacy]
    found = [one for one in everything if one.server in wanted]
    if not result.exposures:
        raise UsageError(
            f"{result.run} has looked for no hole, so that nothing says what a change is good for",
            "measure it without --no-exposures: rehearse run CELLS",
        )
    if not any(len(one.states) > 1 for one in found):
        raise UsageError(
            f"{result.run} has measured no change that a plan could be made of",
            "measure some first: rehearse run --pairwise CELLS",
        )
    return found


def _stage(
    result: RunResult,
    number: int,
    orders: Mapping[str, Sequence[State]],
    remedies: Remedies,
    fleet: FleetFact,
) -> Stage:
    """``orders``: of each server the state before any stage, and after each."""
    was = {server: order[number - 1] for server, order in orders.items()}
    now = {server: order[number] for server, order in orders.items()}
    fates = together([one.fates for one in now.values()])
    steps = tuple(
        _step(result, server, was[server], state) for server, state in now.items() if was[server] is not state
    )
    return Stage(
        number,
        steps,
        {server: state.open for server, state in now.items()},
        {server: state.balance.undecided for server, state in now.items()},
        of_clients([state.clients for state in now.values()]),
        fates,
        tuple(
            at
            for at in range(len(fates))
            if any(
                state.fates[at] in RISK and was[server].fates[at] not in RISK for server, state in now.items()
            )
        ),
        tuple(
            remedies.of(client, step.server, now[step.server])
            for step in steps
            for client in dict.fromkeys(cell.client for cell in step.lost)
            if _has(fleet, client)
        ),
    )


def _step(result: RunResult, server: str, was: State, now: State) -> Step:
    def fresh(cells: Iterable[CellId], old: Iterable[CellId]) -> tuple[CellId, ...]:
        gone = {(cell.client, cell.check) for cell in old}
        return tuple(cell for cell in cells if (cell.client, cell.check) not in gone)

    return Step(
        server,
        was.name,
        now.name,
        tuple(sorted(now.closed - was.closed)),
        now.balance.opened,
        fresh(now.balance.lost, was.balance.lost),
        fresh(now.balance.unknown, (*was.balance.unknown, *was.balance.lost)),
        result.changes_nothing(now.name, server),
        now.balance.rolled_back,
    )


def _lost(chosen: Sequence[Options], orders: Mapping[str, Sequence[State]]) -> Mapping[str, list[str]]:
    """Client -> the servers where it loses something at the end of the plan."""
    found: dict[str, list[str]] = {}
    for one in chosen:
        for client in orders[one.server][-1].balance.clients_lost:
            found.setdefault(client, []).append(one.server)
    return found


def _searched(one: Options, found: Found) -> Searched:
    many = len(one.singles)
    return Searched(
        one.server,
        found.cost,
        found.compared,
        len(one.states),
        one.pairs,
        many * (many - 1) // 2,
        one.refused,
        one.before.still_open,
        tuple(name for name in one.before.still_open if name not in one.closable),
    )
