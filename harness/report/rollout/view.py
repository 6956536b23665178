"""A staged plan in the reader's words: what each of its pages, of a terminal, Markdown or HTML, shows.

All texts here are plain: whoever shows them escapes them. Words that were recorded (causes, what a user sees,
evidence) stay as they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from harness.balance.machines import Fate
from harness.catalogue import Catalogue
from harness.model import CellId
from harness.planning.settings import Doing, kept_as, on_clients, on_server
from harness.report.explain import grouped
from harness.report.labels import Labels
from harness.report.language import Language
from harness.report.verdicts import gravest_first
from harness.result import NO_CHANGE, RunResult
from harness.rollout.homes import MARK
from harness.rollout.plan import Rollout, Stage, Step
from harness.rollout.remedies import Help

FEW: Final = 3
"""Clients that are named as examples of what may replace one."""
ADDRESS: Final = "ADDRESS"
"""Stands for the server's address in a command."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A plan with all that its sentences are made of."""

    catalogue: Catalogue
    result: RunResult
    rollout: Rollout
    say: Language

    @property
    def labels(self) -> Labels:
        """Names that carry a mark where they are not known to be the real thing."""
        return Labels(self.result)

    @property
    def has_fleet(self) -> bool:
        """Whether machines were counted, or each client counts as one."""
        return bool(self.rollout.fleet.name)

    @property
    def whom(self) -> str:
        """What follows keys of words that speak of machines, or of clients."""
        return "" if self.has_fleet else "_clients"

    def graded(self, exposure: str) -> str:
        """An exposure with its severity."""
        fact = self.result.exposure_facts.get(exposure)
        return f"{exposure} ({fact.severity})" if fact and fact.severity else exposure

    def some(self, names: Iterable[str]) -> str:
        """The first of a list that may be long, and how many more there are."""
        found = list(names)
        more = self.say("rollout.and_more", n=len(found) - FEW) if found[FEW:] else ""
        return self.items(found[:FEW]) + more

    def items(self, names: Iterable[str]) -> str:
        """A list in words."""
        return self.say("list.items").join(names)

    def who_connects(self, actions: Iterable[Action]) -> tuple[str, ...]:
        """How an administrator sees who connects to the servers of these actions."""
        known = (of_lab(self.catalogue, name) for one in actions for name in one.names)
        keys = dict.fromkeys(
            self.catalogue.servers[name].platform.who_connects
            for name in known
            if name in self.catalogue.servers
        )
        return tuple(self.say(key) for key in keys if key)


def of_lab(catalogue: Catalogue, server: str) -> str:
    """A server of the catalogue that has the configuration of one in a plan (``harness.rollout.homes``)."""
    shares = (name for name in catalogue.servers if name.startswith(f"{server}{MARK}"))
    return server if server in catalogue.servers else next(shares, server)


@dataclass(frozen=True, slots=True)
class Action:
    """What is done on servers of which the same is to be said."""

    names: tuple[str, ...]
    servers: tuple[str, ...]
    """The same as they are shown: marked where they are not the real thing."""
    before: str
    after: str
    title: str
    """What the change is, in words."""
    doings: tuple[Doing, ...]
    verify: tuple[str, ...]
    """Commands that show from outside that it is in force."""
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Loss:
    """Who loses the same, and sees the same."""

    clients: tuple[str, ...]
    machines: str
    """How many of the fleet; "" without a fleet."""
    checks: str
    sees: str
    why: str


@dataclass(frozen=True, slots=True)
class StageView:
    """One stage as it is shown."""

    number: int
    title: str
    summary: tuple[str, ...]
    first: tuple[str, ...]
    """What has to be done before it."""
    actions: tuple[Action, ...]
    closes: tuple[str, ...]
    stays: tuple[str, ...]
    losses: tuple[Loss, ...]
    nobodys: str
    """Which clients lose something besides, of which the fleet has none; "" for none."""
    open: int
    """Holes, on all servers together, when it has ended."""
    risk: int
    """Machines that have lost something by then, or may have."""


def stages(plan: Plan) -> tuple[StageView, ...]:
    """Each stage of the plan."""
    return tuple(_stage(plan, one) for one in plan.rollout.stages)


def open_before(plan: Plan) -> int:
    """Holes that are open before the first stage, on all servers of the plan."""
    return sum(len(one.open) for one in plan.rollout.searched)


def _stage(plan: Plan, stage: Stage) -> StageView:
    return StageView(
        stage.number,
        title(plan, stage),
        tuple(_summary(plan, stage)),
        tuple(_first(plan, stage)) if stage.steps else (),
        actions(plan, stage),
        tuple(_closes(plan, stage)),
        tuple(_holes(plan, stage.open)),
        tuple(losses(plan, stage)),
        _nobodys(plan, stage),
        sum(map(len, stage.open.values())),
        _risk(plan, stage),
    )


def _risk(plan: Plan, stage: Stage) -> int:
    return plan.rollout.count(stage, Fate.LOST, Fate.PERHAPS, Fate.NOT_KNOWN)


def title(plan: Plan, stage: Stage) -> str:
    """What a stage is, in one line."""
    say = plan.say
    if not stage.steps:
        key = "nothing"
    elif stage.hurt:
        key = "fix"
    else:
        key = "today" if stage.number == 1 else "free"
    if key == "fix" and stage.number == 1:
        key = "costs"
    many = sum(plan.rollout.fleet.groups[at].count for at in stage.hurt)
    told = say(f"rollout.title_{key}{plan.whom}", n=stage.number, machines=many)
    strange = plan.rollout.count(stage, Fate.NOT_REHEARSED) if stage.steps else 0
    return told + (say("rollout.title_strange", n=strange) if strange else "")


def _summary(plan: Plan, stage: Stage) -> Iterator[str]:
    say, rollout = plan.say, plan.rollout
    closed = sum(len(step.closes) for step in stage.steps)
    left = sum(map(len, stage.open.values()))
    if stage.steps:
        yield say("rollout.closed", n=closed, left=left, all=open_before(plan))
    counts = {
        "lost": rollout.count(stage, Fate.LOST),
        "perhaps": rollout.count(stage, Fate.PERHAPS, Fate.NOT_KNOWN),
        "strange": rollout.count(stage, Fate.NOT_REHEARSED),
    }
    yield say(f"rollout.machines{plan.whom}", all=rollout.fleet.size, **counts)


def actions(plan: Plan, stage: Stage) -> tuple[Action, ...]:
    """What is done in a stage; servers on which the same is done together."""
    made = [_action(plan, stage, step) for step in stage.steps]
    alike = grouped(made, lambda one: (one.before, one.after, one.doings, one.verify, one.notes))
    return tuple(
        replace(
            those[0],
            names=tuple(name for one in those for name in one.names),
            servers=tuple(name for one in those for name in one.servers),
        )
        for those in alike.values()
    )


def _action(plan: Plan, stage: Stage, step: Step) -> Action:
    say, result = plan.say, plan.result
    fact = result.mitigations.get(step.after)
    notes = [say("rollout.already")] if step.already else []
    notes += [
        say("rollout.without", part=out.part, reason=out.reason)
        for out in result.left_out_of(step.after, step.server)
        if out.subject == step.server
    ]
    seen = [
        one.took_effect
        for one in result.applied
        if (one.mitigation, one.server) == (step.after, step.server) and one.took_effect
    ]
    notes += [say("rollout.seen", evidence=evidence) for evidence in dict.fromkeys(seen)]
    if step.rolled_back is None:
        notes.append(say("rollout.rollback_not_shown"))
    shut = ",".join(gravest_first(step.closes, result))
    return Action(
        (step.server,),
        (plan.labels.marked(step.server),),
        step.before,
        step.after,
        fact.title if fact else step.after,
        doings(plan.catalogue, say, stage.number, step),
        (f"rehearse expose {ADDRESS} --closed {shut}",) if shut else (),
        tuple(notes),
    )


def doings(catalogue: Catalogue, say: Language, stage: int, step: Step) -> tuple[Doing, ...]:
    """What an administrator does in a stage on a server, and on the clients of it, from what is so before."""
    since = "" if step.before == NO_CHANGE else step.before
    before = on_clients(catalogue, since, say) if since else ()
    on_them = tuple(one for one in on_clients(catalogue, step.after, say) if one not in before)
    return (
        *on_them,
        *kept_as(
            on_server(catalogue, step.after, of_lab(catalogue, step.server), say, since), f"stage-{stage}"
        ),
    )


def _first(plan: Plan, stage: Stage) -> Iterator[str]:
    """What each kind that loses something needs before the stage, and who has to be found out first."""
    say, labels = plan.say, plan.labels
    yield from _strangers(plan, stage)
    for (server, how, by), those in grouped(
        stage.remedies, lambda one: (one.server, one.how, one.by)
    ).items():
        shown = [labels.marked(name) if how is Help.LEGACY else labels.client(name) for name in by]
        clients = plan.items(_counted(plan, one.client) for one in those)
        words = say(f"rollout.remedy_{how.name.lower()}", clients=clients, by=plan.some(shown))
        yield say("rollout.for_server", server=labels.marked(server), words=words)
    for at in stage.hurt:
        group, fate = plan.rollout.fleet.groups[at], stage.fates[at]
        may_be = plan.some(map(labels.client, group.clients))
        if fate is Fate.PERHAPS:
            yield say("rollout.find_out", n=group.count, clients=may_be)
        elif fate is Fate.NOT_KNOWN:
            yield say("rollout.not_known", n=group.count, clients=may_be)


def _strangers(plan: Plan, stage: Stage) -> Iterator[str]:
    """Who has to be rehearsed before this stage: nobody knows what it does to these machines."""
    strange = [
        group
        for group, fate in zip(plan.rollout.fleet.groups, stage.fates, strict=True)
        if fate is Fate.NOT_REHEARSED
    ]
    known = dict.fromkeys(name for group in strange for name in group.clients)
    many = sum(group.count for group in strange)
    for step in stage.steps if many else ():
        asked = {
            cell.cell.client
            for cell in plan.result.cells
            if (cell.cell.mitigation, cell.cell.server) == (step.after, step.server)
        }
        missing = [name for name in known if name in plan.catalogue.clients and name not in asked]
        if missing:
            own = of_lab(plan.catalogue, step.server) == step.server
            where = step.server if own else f"{step.server}{MARK}*"
            command = f"rehearse run '{step.after}:{where}:{','.join(missing)}'"
            yield plan.say("rollout.rehearse_first", n=many, command=command)
    nameless = sum(group.count for group in strange if not group.clients)
    if nameless:
        yield plan.say("rollout.find_out_first", n=nameless)


def _counted(plan: Plan, client: str) -> str:
    """A client with the machines that are, or may be, of it."""
    name, machines = plan.labels.client(client), _machines(plan, (client,))
    return f"{name} ({machines})" if machines else name


def _machines(plan: Plan, clients: Sequence[str]) -> str:
    if not plan.has_fleet:
        return ""
    groups = plan.rollout.fleet.groups
    sure = sum(one.count for one in groups if one.clients and set(one.clients) <= set(clients))
    most = sum(one.count for one in groups if set(one.clients) & set(clients))
    key = "rollout.machines_sure" if sure == most else "rollout.machines_between"
    return plan.say(key, n=sure, most=most)


def _closes(plan: Plan, stage: Stage) -> Iterator[str]:
    yield from _holes(plan, {step.server: step.closes for step in stage.steps})
    for step in stage.steps:
        if step.opens:
            names = plan.items(gravest_first(step.opens, plan.result))
            yield plan.say("rollout.opens", names=names, server=plan.labels.marked(step.server))


def _holes(plan: Plan, found: Mapping[str, tuple[str, ...]]) -> Iterator[str]:
    """A line for each set of holes that servers share, the gravest first, with their severity."""
    result = plan.result
    for names, servers in grouped(found, found.__getitem__).items():
        if names:
            told = plan.items(map(plan.graded, gravest_first(names, result)))
            where = plan.items(map(plan.labels.marked, servers))
            yield plan.say("rollout.holes", names=told, servers=where)


def _task(plan: Plan, check: str) -> str:
    """What a person does, and on which share of a configuration that was brought along."""
    name, _, share = check.partition(MARK)
    words = plan.say.known("check", name)
    called = {at.partition(MARK)[2]: fact.called for at, fact in plan.result.servers.items() if fact.called}
    own = called[share].partition(MARK)[2] if share in called else share
    return f"{words} ({own})" if share else words


def _nobodys(plan: Plan, stage: Stage) -> str:
    gone = dict.fromkeys(cell.client for step in stage.steps for cell in step.lost)
    names = [plan.labels.client(name) for name in gone if not plan.rollout.has(name)]
    return plan.say("rollout.nobodys", clients=plan.items(names)) if names else ""


def losses(plan: Plan, stage: Stage) -> Iterator[Loss]:
    """Who loses something with a stage."""
    by_id = plan.result.by_id()
    cells = [cell for step in stage.steps for cell in step.lost if plan.rollout.has(cell.client)]

    def alike(cell: CellId) -> tuple[str, str]:
        return by_id[cell].user_sees, plan.say.cause(by_id[cell].cause)

    for (sees, why), those in grouped(cells, alike).items():
        by_client = grouped(those, lambda cell: cell.client)
        checks_of = {
            client: tuple(dict.fromkeys(cell.check for cell in its)) for client, its in by_client.items()
        }
        for checks, clients in grouped(by_client, checks_of.__getitem__).items():
            yield Loss(
                tuple(map(plan.labels.client, clients)),
                _machines(plan, clients),
                plan.items(_task(plan, check) for check in checks),
                sees,
                why,
            )
