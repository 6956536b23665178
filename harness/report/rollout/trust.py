"""How far a staged plan can be trusted: why no order is cheaper, what it does not know, what is left over."""

from __future__ import annotations

from collections.abc import Iterator

from harness.balance.machines import Fate
from harness.report.explain import emulated, grouped
from harness.report.rollout.view import Plan
from harness.rollout.homes import MARK
from harness.rollout.wishes import GRADES


def answer(plan: Plan) -> Iterator[str]:
    """What was weighed, and what was demanded."""
    say, rollout = plan.say, plan.rollout
    fleet, wishes = rollout.fleet, rollout.wishes
    if plan.has_fleet:
        yield say("rollout.weighed", n=fleet.size, name=fleet.name)
    else:
        yield say("rollout.weighed_once", n=fleet.size)
    for one in rollout.searched:
        shares = {
            cell.cell.check.partition(MARK)[2] for cell in plan.result.cells if cell.cell.server == one.server
        } - {""}
        if shares:
            yield say("rollout.one_server", server=plan.labels.marked(one.server), n=len(shares))
    if wishes.never_lose:
        yield say("rollout.demand_keep", clients=plan.items(map(plan.labels.client, wishes.never_lose)))
    for due in wishes.close:
        yield say("rollout.demand_close", exposure=plan.graded(due.exposure), n=due.stage)
    if wishes.legacy:
        yield say("rollout.demand_legacy", server=plan.labels.marked(wishes.legacy))


def rest(plan: Plan) -> Iterator[str]:
    """What may stay for machines that nothing else helps: one server, as it was before any change."""
    say, labels = plan.say, plan.labels
    legacy = plan.rollout.legacy
    lost = dict.fromkeys(one.client for stage in plan.rollout.stages for one in stage.remedies)
    if legacy is None:
        if lost:
            yield say("rollout.legacy_none", clients=plan.items(map(labels.client, lost)))
        return
    key = "rollout.legacy_second" if legacy.planned else "rollout.legacy"
    yield say(
        key, server=labels.marked(legacy.server), clients=plan.items(map(labels.client, legacy.clients))
    )
    if legacy.open:
        yield say("rollout.legacy_open", holes=plan.items(map(plan.graded, legacy.open)))
    if legacy.without:
        yield say("rollout.legacy_without", clients=plan.items(map(labels.client, legacy.without)))


def proof(plan: Plan) -> Iterator[str]:
    """That no cheaper order was found, how many were compared, and what they were made of."""
    say, rollout = plan.say, plan.rollout
    yield say("rollout.cheaper")
    by_stage = grouped(GRADES, rollout.wishes.due)
    due = say("list.groups").join(
        say(
            "rollout.due",
            n=stage,
            grades=plan.items(say(f"rollout.grade_{grade or 'none'}") for grade in grades),
        )
        for stage, grades in by_stage.items()
    )
    yield say("rollout.due_all", due=due)
    many = plan.items(
        say("rollout.compared_on", n=f"{one.compared:,}", server=plan.labels.marked(one.server))
        for one in rollout.searched
    )
    yield say("rollout.compared", n=f"{rollout.compared:,}", each=many)


def unknown(plan: Plan) -> Iterator[str]:
    """What the plan does not know."""
    yield from _of_run(plan)
    yield from _of_machines(plan)
    yield from _of_holes(plan)
    yield from _of_changes(plan)
    yield from _emulated(plan)


def _of_run(plan: Plan) -> Iterator[str]:
    result, say = plan.result, plan.say
    if not result.complete:
        yield say("rollout.incomplete", n=len(result.cells), all=result.planned)
    if result.damage:
        yield say("rollout.damage", damage=result.damage)


def _of_machines(plan: Plan) -> Iterator[str]:
    say, rollout = plan.say, plan.rollout
    groups, last = rollout.fleet.groups, rollout.stages[-1]
    if not plan.has_fleet:
        yield say("rollout.no_fleet")
        return
    yield say("rollout.every_server")
    strange = [group for group, fate in zip(groups, last.fates, strict=True) if fate is Fate.NOT_REHEARSED]
    named = [one for one in strange if one.clients]
    if named:
        kinds = dict.fromkeys(name for one in named for name in one.clients if _unasked(plan, name))
        yield say("rollout.strange", n=sum(one.count for one in named), clients=plan.some(kinds))
    nameless = sum(one.count for one in strange if not one.clients)
    if nameless:
        yield say("rollout.strange_unknown", n=nameless)
    unsure = sum(one.count for one in groups if not one.sure and one.clients)
    if unsure:
        yield say("rollout.unsure", n=unsure)
    never = rollout.count(last, Fate.NEVER)
    if never:
        yield say("rollout.never", n=never)


def _unasked(plan: Plan, client: str) -> bool:
    """Whether a client was not asked on some server of the plan."""
    asked = {cell.cell.server for cell in plan.result.cells if cell.cell.client == client}
    return not {one.server for one in plan.rollout.searched} <= asked


def _of_holes(plan: Plan) -> Iterator[str]:
    say, rollout = plan.say, plan.rollout
    for names, servers in grouped(
        (one.server for one in rollout.searched),
        {one.server: one.not_closable for one in rollout.searched}.__getitem__,
    ).items():
        if names:
            where = plan.items(map(plan.labels.marked, servers))
            yield say("rollout.not_closable", holes=plan.items(map(plan.graded, names)), servers=where)
    for names, servers in grouped(rollout.stages[-1].unknown, rollout.stages[-1].unknown.__getitem__).items():
        if names:
            where = plan.items(map(plan.labels.marked, servers))
            yield say("rollout.undecided", holes=plan.items(names), servers=where)


def _of_changes(plan: Plan) -> Iterator[str]:
    say = plan.say
    for (pairs, all_pairs), those in grouped(
        plan.rollout.searched, lambda one: (one.pairs, one.all_pairs)
    ).items():
        if pairs < all_pairs:
            where = plan.items(plan.labels.marked(one.server) for one in those)
            yield say("rollout.pairs", n=pairs, all=all_pairs, servers=where)
    for one in plan.rollout.searched:
        for why, names in grouped(one.refused, one.refused.__getitem__).items():
            yield say(
                "rollout.refused",
                changes=plan.some(names),
                server=plan.labels.marked(one.server),
                why=say(f"rollout.refused_{why.name.lower()}"),
            )


def _emulated(plan: Plan) -> Iterator[str]:
    say, result = plan.say, plan.result
    clients = [name for name, fact in result.clients.items() if emulated(fact.fidelity)]
    here = {plan.rollout.wishes.legacy, *(one.server for one in plan.rollout.searched)}
    servers = [name for name, fact in result.servers.items() if name in here and emulated(fact.fidelity)]
    if clients:
        yield say("rollout.emulated", clients=plan.items(map(plan.labels.client, clients)))
    if servers:
        yield say("rollout.emulated_servers", servers=plan.items(map(plan.labels.marked, servers)))
