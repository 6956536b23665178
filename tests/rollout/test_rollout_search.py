"""The search: no plan that keeps the demands is cheaper, by trying all of them in another way."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise, product

from balance_example import cell, hole, run
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from harness.model import Effect, Hole
from harness.result import ExposureFact, RunResult
from harness.result.machines import FleetFact, MachineGroup
from harness.rollout.plan import Rollout, make
from harness.rollout.remedies import Kinship
from harness.rollout.wishes import GRADES, Due, UnmetError, Wishes

KEPT, LOST = Effect.KEPT, Effect.LOST
CLIENTS = ("xp", "seven", "ten")
HOLES = {"crit": "critical", "hi": "high", "lo": "low"}
NOBODY_KIN = Kinship({}, {})


def graded(result: RunResult) -> RunResult:
    """With the severities of ``HOLES``."""
    facts = {name: ExposureFact(name, name, "", "", "", grade) for name, grade in HOLES.items()}
    return replace(result, exposure_facts=facts)


@st.composite
def runs(draw: st.DrawFn) -> RunResult:
    """One or two servers, up to four states each besides none; any effect, any state of any hole."""
    cells, holes = [], []
    servers = draw(st.sampled_from((("s",), ("s", "t"))))
    most = 4 if len(servers) == 1 else 2
    for server in servers:
        before = {name: draw(st.sampled_from("ooc?")) for name in HOLES}
        changes = draw(
            st.lists(st.sampled_from(["a", "b", "c", "a+b", "b+c"]), min_size=1, max_size=most, unique=True)
        )
        for change in changes:
            for client in CLIENTS:
                effect = draw(st.sampled_from([KEPT, KEPT, LOST, Effect.FAULT]))
                cells.append(cell(f"{change}:{server}:{client}:open", effect))
            holes += [
                hole(f"{change}:{server}:{name}", was + draw(st.sampled_from("ooccn?")) + was)
                for name, was in before.items()
            ]
    return graded(replace(run({}, {}), cells=tuple(cells), exposures=tuple(holes)))


@st.composite
def wishes(draw: st.DrawFn) -> Wishes:
    """Any demands of clients and holes."""
    stages = draw(st.integers(1, 3))
    dues = st.builds(Due, st.sampled_from(list(HOLES)), st.integers(1, stages))
    never = draw(st.lists(st.sampled_from(CLIENTS), max_size=2, unique=True))
    return Wishes(stages, tuple(never), tuple(draw(st.lists(dues, max_size=2))))


class ByHand:
    """Costs and demands written down once more, from cells and probes themselves, on whole plans."""

    def __init__(self, result: RunResult, groups: Sequence[MachineGroup], wanted: Wishes) -> None:
        self.result, self.groups, self.wanted = result, groups, wanted
        self.servers = list(dict.fromkeys(one.cell.server for one in result.cells))
        self.effects = {one.cell: one.effect for one in result.cells}
        self.seen = {
            (one.server, one.mitigation, one.exposure): [sighting.state for sighting in one.phases.values()]
            for one in result.exposures
        }
        self.names = {
            server: [
                "none",
                *dict.fromkeys(c.cell.mitigation for c in result.cells if c.cell.server == server),
            ]
            for server in self.servers
        }
        self.names = {
            server: [name for name in names if name == "none" or self.judged(server, name)]
            for server, names in self.names.items()
        }

    def judged(self, server: str, name: str) -> bool:
        return any(
            effect is not Effect.FAULT
            for one, effect in self.effects.items()
            if (one.server, one.mitigation) == (server, name)
        )

    def plans(self) -> Iterator[tuple[tuple[str, ...], ...]]:
        """Every sequence of states of every server."""
        each = [product(self.names[server], repeat=self.wanted.stages) for server in self.servers]
        return product(*each)

    def hole(self, server: str, state: str, name: str, phase: int) -> Hole:
        if state == "none":
            found = [its[0] for (where, _, what), its in self.seen.items() if (where, what) == (server, name)]
            return Hole.OPEN if Hole.OPEN in found else (Hole.UNKNOWN if Hole.UNKNOWN in found else found[0])
        return self.seen[server, state, name][phase]

    def was_open(self, server: str, name: str) -> bool:
        return self.hole(server, "none", name, 0) is Hole.OPEN

    def safe(self, server: str, state: str, name: str) -> bool:
        phase = 0 if state == "none" else 1
        return self.hole(server, state, name, phase) in (Hole.CLOSED, Hole.NOT_EXPOSED)

    def closed(self, server: str, state: str) -> set[str]:
        return {name for name in HOLES if self.was_open(server, name) and self.safe(server, state, name)}

    def hurt(self, server: str, state: str) -> set[str]:
        if state == "none":
            return set()
        return {
            one.client
            for one, effect in self.effects.items()
            if (one.server, one.mitigation) == (server, state) and effect is not KEPT
        }

    def keeps(self, plan: tuple[tuple[str, ...], ...]) -> bool:
        for server, order in zip(self.servers, plan, strict=True):
            for stage, state in enumerate(order, 1):
                if self.hurt(server, state) & set(self.wanted.never_lose):
                    return False
                for due in self.wanted.close:
                    if due.stage <= stage and not self.safe(server, state, due.exposure):
                        return False
            for one, after in pairwise(("none", *order)):
                if not self.closed(server, one) <= self.closed(server, after):
                    return False
        return True

    def cost(self, plan: tuple[tuple[str, ...], ...]) -> tuple[int, ...]:
        late, still = dict.fromkeys(GRADES, 0), dict.fromkeys(GRADES, 0)
        risk = changes = 0
        for server, order in zip(self.servers, plan, strict=True):
            closable = set().union(*(self.closed(server, state) for state in self.names[server]))
            parts = [set(name.split("+")) - {"none"} for name in ("none", *order)]
            changes += sum(len(one ^ other) for one, other in pairwise(parts))
            for stage, state in enumerate(order, 1):
                risk += sum(g.count for g in self.groups if set(g.clients) & self.hurt(server, state))
                for name, grade in HOLES.items():
                    opened = (
                        state != "none"
                        and self.hole(server, state, name, 0) in (Hole.CLOSED, Hole.NOT_EXPOSED)
                        and self.hole(server, state, name, 1) is Hole.OPEN
                    )
                    is_open = opened or (self.was_open(server, name) and not self.safe(server, state, name))
                    still[grade] += is_open
                    due = opened or (name in closable and stage >= self.wanted.due(grade))
                    late[grade] += is_open and due
        return (*late.values(), risk, *still.values(), changes)


@given(result=runs(), wanted=wishes(), weights=st.lists(st.integers(1, 9), min_size=3, max_size=3))
@settings(max_examples=120, deadline=None)
def test_no_plan_is_cheaper(result: RunResult, wanted: Wishes, weights: list[int]) -> None:
    groups = [MachineGroup((client,), many) for client, many in zip(CLIENTS, weights, strict=True)]
    groups.append(MachineGroup(("seven", "xp"), 2))
    hand = ByHand(result, groups, wanted)
    assume(any(len(names) > 1 for names in hand.names.values()))
    allowed = [plan for plan in hand.plans() if hand.keeps(plan)]
    try:
        found = make(result, FleetFact("office", tuple(groups)), wanted, NOBODY_KIN)
    except UnmetError:
        assert not allowed
        return
    chosen = tuple(states_of(found, server) for server in hand.servers)
    assert chosen in allowed
    assert hand.cost(chosen) == min(map(hand.cost, allowed)) == total(found)
    assert found.compared == len(allowed)


def total(found: Rollout) -> tuple[int, ...]:
    return tuple(map(sum, zip(*(one.cost for one in found.searched), strict=True)))


def states_of(found: Rollout, server: str) -> tuple[str, ...]:
    """The state of a server after each stage."""
    now, states = "none", []
    for stage in found.stages:
        now = next((step.after for step in stage.steps if step.server == server), now)
        states.append(now)
    return tuple(states)
