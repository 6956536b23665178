"""A plan in parts of about the same predicted time, for as many machines; and the whole of such parts.

Every machine splits the plan for itself and must come to the same parts: what a part weighs rests on the plan
alone, and on no run that was recorded somewhere. What one server is started for stays together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from harness.catalogue import Catalogue
from harness.errors import UsageError
from harness.grammar.words import is_combination
from harness.planning.plan import Job, Plan, Shard
from harness.record.journal import Recorded
from harness.record.took import A_JOB, AN_ATTEMPT
from harness.result import ClientFact, ServerFact
from harness.system.plain import many


def split(catalogue: Catalogue, made: Plan, parts: int) -> tuple[Plan, ...]:
    """A plan in so many parts. Raises UsageError for more parts than servers to start."""
    jobs = made.jobs
    if parts > len(jobs):
        raise UsageError(
            f"a plan that starts {many(len(jobs), 'server')} cannot be split into {parts}: "
            "each server's cells stay together",
            f"take {len(jobs)} shards at most",
        )
    weights = [weight(catalogue, made, job) for job in jobs]
    loads = [0.0] * parts
    place: dict[tuple[str, str], int] = {}
    # The heaviest first, each to where least is so far: a third more than the best at most (Graham 1969).
    for at in sorted(range(len(jobs)), key=lambda at: (-weights[at], at)):
        lightest = loads.index(min(loads))
        loads[lightest] += weights[at]
        place[jobs[at].mitigation, jobs[at].server] = lightest
    return tuple(_part(made, number, parts, place) for number in range(parts))


def _part(made: Plan, number: int, many: int, place: dict[tuple[str, str], int]) -> Plan:
    part = made.only(lambda cell: place[cell.mitigation, cell.server] == number)
    ids = set(map(str, part.cells))
    return replace(
        part,
        name=f"{made.name}-{number + 1}-of-{many}",
        expected={cell: one for cell, one in made.expected.items() if cell in ids},
        shard=Shard(number + 1, many, made),
    )


def weight(catalogue: Catalogue, made: Plan, job: Job) -> float:
    """What one server's cells weigh, by the plan alone.

    Half of what may be tried for the parts of a combination: that is done only for who is lost.
    """
    trials = made.trials_of(catalogue, job, ()) if is_combination(job.mitigation) else 0
    return A_JOB + AN_ATTEMPT * job.attempts + A_JOB * trials / 2


def whole_of(parts: Sequence[Recorded]) -> tuple[Plan, tuple[int, ...]]:
    """The plan that some runs are shards of, and the numbers of the shards that are not among them.

    Raises UsageError, with the reason, for runs that do not make one result together.
    """
    shards: dict[int, Recorded] = {}
    first = parts[0]
    for one in parts:
        shard, name = one.plan.shard, one.folder.name
        if shard is None:
            raise UsageError(
                f"{name} is no shard of a plan", "measure shards with: rehearse run CELLS --shard 1/4"
            )
        other = shards.get(shard.number)
        if other and other.folder.resolve() == one.folder.resolve():
            raise UsageError(f"{name} is named twice", "name each run once")
        # Before their numbers: 1/1 and 1/2 are not the same shard.
        if why := _differ(first.plan.shard or shard, shard):
            raise UsageError(f"{first.folder.name} and {name} are shards of different plans: {why}")
        if other:
            why = f"{other.folder.name} and {name} are both shard {shard.number}/{shard.of}"
            raise UsageError(why, "merge one of them")
        shards[shard.number] = one
    _one_result(parts)
    known = first.plan.shard
    assert known is not None
    _cells(list(shards.values()), known.whole)
    return known.whole, tuple(number for number in range(1, known.of + 1) if number not in shards)


def _differ(first: Shard, other: Shard) -> str:
    """In what the plans of two shards differ; "" for nothing."""
    one, two = first.whole, other.whole
    if one == two:
        return "" if first.of == other.of else f"split into {first.of} and into {other.of}"
    if one.lab is not two.lab:
        return f"one for the lab {one.lab}, the other for {two.lab}"
    if one.cells != two.cells:
        only = [cell for cell in two.cells if cell not in set(one.cells)]
        only = only or [cell for cell in one.cells if cell not in set(two.cells)]
        return f"only one of them has {only[0]}" if only else "the same cells in another order"
    return "the same cells, with other expectations or exposures"


def _cells(parts: Sequence[Recorded], whole: Plan) -> None:
    """Raises UsageError where shards overlap, or hold what their plan has not: somebody edited them."""
    known = set(whole.cells)
    taken: dict[object, str] = {}
    for one in parts:
        for cell in one.plan.cells:
            if cell not in known:
                raise UsageError(
                    f"{one.folder.name}: its plan.json was edited: {cell} is not in the whole plan"
                )
            if cell in taken:
                raise UsageError(f"{taken[cell]} and {one.folder.name} overlap: both have {cell}")
            taken[cell] = one.folder.name


def _one_result(parts: Sequence[Recorded]) -> None:
    """Raises UsageError where the same name stood for different software: no document can say both."""
    by_whom: dict[str, tuple[str, str]] = {}
    for one in parts:
        facts: list[ServerFact | ClientFact] = [*one.servers.values(), *one.clients.values()]
        said = {subject(fact): words(fact) for fact in facts}
        for begun, _ in one.stretches:
            version = begun.circumstances.commit if begun.circumstances else ""
            said["smb-rehearsal"] = version or begun.version
        for what, told in said.items():
            folder, known = by_whom.setdefault(what, (one.folder.name, told))
            if known != told:
                raise UsageError(
                    f"{what} was {known} in {folder}, and {told} in {one.folder.name}",
                    "no document can say both: measure one of them again",
                )


def subject(fact: ServerFact | ClientFact) -> str:
    """Whose software that is: ``client curl``."""
    return f"{'server' if isinstance(fact, ServerFact) else 'client'} {fact.name}"


def words(fact: ServerFact | ClientFact) -> str:
    """Software, with the packages where these tell more."""
    packages = f" ({', '.join(fact.packages)})" if isinstance(fact, ServerFact) and fact.packages else ""
    return f"{fact.software}{packages}, {fact.fidelity}"
