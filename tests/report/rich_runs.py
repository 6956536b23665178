"""Runs in which everything is said that a terminal can say, and pairs that differ in all that two can."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from balance_example import cell, run
from report_example import example, ok, refused
from test_formats_for_people import saved as recorded_run
from test_report_terminal_japanese import gated
from test_report_ticket_japanese import REVERTED, changed, seen_so

from harness.model import (
    TIMEOUT,
    Attempt,
    CellId,
    Effect,
    Fate,
    Hole,
    Outcome,
    Phase,
    Row,
    Side,
    Sighting,
    Stayed,
    Step,
    StepName,
)
from harness.result import (
    Already,
    Circumstances,
    ClientFact,
    ExposureFact,
    FleetFact,
    LeftOut,
    MachineGroup,
    MitigationFact,
    NotApplicable,
    PartAlone,
    RunResult,
    ServerFact,
)

KEPT, LOST, NEVER, GAINED = Effect.KEPT, Effect.LOST, Effect.NEVER, Effect.GAINED


def renamed(result: RunResult) -> RunResult:
    """No check of it is called open: that is a word of holes, which has its Japanese."""

    def name(one: CellId) -> CellId:
        return replace(one, check="look") if one.check == "open" else one

    return replace(
        result,
        cells=tuple(replace(one, cell=name(one.cell)) for one in result.cells),
        rows=tuple(replace(row, cells=tuple(map(name, row.cells))) for row in result.rows),
    )


def saved() -> RunResult:
    return renamed(recorded_run())


def combined() -> Iterator[RunResult]:
    """Combinations that surprise in each way that there is, are lost twice, and interact as is known."""
    for effects in ((KEPT, KEPT, LOST), (GAINED, NEVER, NEVER), (LOST, KEPT, KEPT), (NEVER, NEVER, GAINED)):
        yield run(dict(zip(("a:s:c:look", "b:s:c:look", "a+b:s:c:look"), effects, strict=True)), {})
    for states in (
        ("ooo", "ooo", "oco"),
        ("coc", "ccc", "ccc"),
        ("oco", "ooo", "ooo"),
        ("ccc", "ccc", "coc"),
    ):
        yield run({}, dict(zip(("a:s:x", "b:s:x", "a+b:s:x"), states, strict=True)))
    names = ("a", "b", "c", "a+b", "a+b+c", "b+c+d", "d")
    yield run({f"{name}:s:x:look": LOST if name == "a+b+c" else KEPT for name in names}, {})
    at = {"a": StepName.NEGOTIATE, "b": StepName.SESSION_SETUP, "c": StepName.TREE_CONNECT}
    stopped = {f"{part}:s:nas:look": (LOST, step) for part, step in at.items()}
    yield run({**stopped, "a+b:s:nas:look": LOST, "a+b+c:s:nas:look": LOST, "a+d:s:nas:look": LOST}, {})
    pipes, cure = "nt-pipe-support-off", "nt-pipe-support-off+smb1-server-off"
    cells = {f"{pipes}:s:old:browse": KEPT, f"{cure}:s:old:browse": LOST}
    holes = {f"{pipes}:s:rap-listing": "ooo", f"{cure}:s:rap-listing": "ono"}
    yield run(cells, holes)
    rap = (
        Step(StepName.CREATE_PIPE, "STATUS_ACCESS_DENIED", 1.0),
        Step(StepName.ENUMERATE_SHARES, "STATUS_SUCCESS", 1.0),
    )
    yield with_attempt(run(cells, holes), Phase.APPLIED, Attempt(Outcome.OK, rap))
    guest = {"signing-required:s:xp:look": LOST, "signing-required:s:ten:look": KEPT}
    yield with_attempt(run(guest, {}), Phase.BASELINE, replace(ok(), auth="guest"))
    unsigned = run({"signing-required:s:ten:look": KEPT}, {})
    yield with_attempt(unsigned, Phase.APPLIED, replace(ok(), auth="guest"))
    alias = {
        "smb3-alias:s:eight:look": LOST,
        "smb3-only:s:eight:look": KEPT,
        "smb311-only:s:eight:look": LOST,
    }
    yield run(alias, {})


def with_attempt(result: RunResult, phase: Phase, attempt: Attempt) -> RunResult:
    """The run, the first change's attempts of a phase so."""
    first = result.cells[0].cell.mitigation
    return replace(
        result,
        cells=tuple(
            replace(one, phases={**one.phases, phase: attempt}) if one.cell.mitigation == first else one
            for one in result.cells
        ),
    )


def weighed() -> Iterator[RunResult]:
    """Changes that close and cost what a table can say."""
    costs = {"one:s:xp:look": LOST, "one:s:ten:look": KEPT, "one:s:ten:browse": LOST, "one:s:six:look": KEPT}
    costs |= {"one:s:vista:look": KEPT}
    two = {"two:s:xp:look": LOST, "two:s:ten:look": LOST, "idle:s:xp:look": LOST, "idle:s:ten:look": KEPT}
    more = {
        "off:s:xp:look": LOST,
        "off:s:ten:look": LOST,
        "gains:s:xp:look": GAINED,
        "gains:s:ten:look": KEPT,
    }
    odd = {"broken:s:xp:look": Effect.FAULT, "broken:s:ten:look": Effect.FAULT, "bad:s:xp:look": Effect.FAULT}
    doubt = {"doubt:s:xp:look": Effect.NOT_SETTLED, "doubt:s:ten:look": KEPT, "bad:s:ten:look": KEPT}
    cells = {**costs, **two, **more, **odd, **doubt}
    holes = {
        **{f"one:s:{name}": "oco" for name in "abcde"},
        **{f"two:s:{name}": "oco" for name in "abcdefg"},
        **{f"{change}:s:{name}": "ooo" for change in ("idle", "gains", "doubt") for name in "abcdefg"},
        **{f"bad:s:{name}": "ooo" if name != "a" else "oco" for name in "abcdefg"},
        **{f"one:s:{name}": "ooo" for name in "fg"},
        "one:s:new": "coo",
        "one:s:dark": "???",
        "two:s:dark": "c?c",
        "idle:s:dark": "???",
    }
    facts = {
        name: ExposureFact(name, "", "", "", "", grade) for name, grade in zip("abcd", GRADES, strict=True)
    }
    servers = {"s": ServerFact("s", "a server", "Samba 4", "configured", "an old one")}
    found = replace(run(cells, holes), servers=servers, exposure_facts=facts)
    yield replace(found, rows=(Row("row", "title", ids(found), "phase one"),), not_applicable=NAS)
    at_clients = {"idle": MitigationFact("idle", "", "client", "", "")}
    yield replace(found, mitigations=at_clients)
    yield run({"idle:s:xp:look": KEPT}, {"idle:s:a": "ooo"})
    yield replace(found, exposures=(), not_applicable=NAS, cells=(*found.cells, cell("x:s:ten:look", KEPT)))
    yield run({"one:s:xp:look": KEPT}, {"one:s:a": "oco"}, shown=False)
    yield run({"one:s:xp:look": KEPT, "two:s:xp:look": KEPT}, {"one:s:a": "cco", "two:s:a": "ccc"})
    yield run({"one:s:xp:look": KEPT, "one:s:ten:look": KEPT}, {"one:s:a": "oco", "one:s:b": "oco"})
    off = {
        "server-stopped:s:xp:look": LOST,
        "one:s:xp:look": Effect.FAULT,
        "one:s:ten:look": Effect.NOT_SETTLED,
    }
    unsure = {"one:s:a": "oco", "one:s:b": "o?o", "one:s:dark": "???", "server-stopped:s:a": "oco"}
    yield run(off, unsure)
    loses = {"one": "xp", "two": "xp", "three": "xp,ten"}
    clients = {
        f"{change}:s:{who}:look": LOST if who in them else KEPT
        for change, them in loses.items()
        for who in ("xp", "ten")
    }
    closes = {"one": "ab", "two": "ac", "three": "a"}
    both = {
        f"{change}:s:{name}": "oco" if name in its else "ooo"
        for change, its in closes.items()
        for name in "abc"
    }
    yield run(clients, both)
    known = MachineGroup(("xp",), 5, sure=True)
    for groups in ((known,), (known, MachineGroup(("xp", "ten"), 2, sure=False))):
        yield replace(found, fleet=FleetFact("office", groups))
    for restored in (True, False):
        yield changed(found, restored=restored)


GRADES: Final = ("critical", "high", "medium", "low")
NAS: Final = (NotApplicable("one", "nas", "no patch to be had"),)


def ids(result: RunResult) -> tuple[CellId, ...]:
    return tuple(one.cell for one in result.cells)


def rich() -> Iterator[RunResult]:
    """Runs in which everything is said that a terminal can say."""
    found = saved()
    yield from (found, renamed(example()), *combined(), *weighed())
    yield from itertools.islice(gated(found), 1, 2)
    yield changed(found, expected=True)
    yield replace(found, cells=found.cells[:1], rows=())
    yield replace(
        changed(found, effect=LOST, user_sees="one thing", cause="", phases={}), servers={}, clients={}
    )
    first, *others = found.cells
    not_asked = NotApplicable(first.cell.mitigation, first.cell.server, "no patch to be had")
    yield replace(found, not_applicable=(not_asked,))
    sees = (replace(first, user_sees="another"), *(replace(one, user_sees="x-y") for one in others))
    yield replace(changed(replace(found, cells=sees), effect=LOST, cause="why"), lab="other")
    doubted = {phase: replace(ok(), inferred="by its release", unsure="of it") for phase in Phase}
    yield changed(found, claim="measured otherwise", restored=False, phases=doubted)
    (one, *_) = found.applied
    proofs = [
        replace(one, took_effect="", undone=""),
        replace(one, took_effect="same", undone="same", pristine=REVERTED, brought_back=REVERTED),
        replace(one, already=(Already(one.mitigation, "seen"),)),
        replace(one, already=(Already("part", "seen"),), mitigation="elsewhere"),
    ]
    proofs += [replace(one, pristine=replace(REVERTED, rung=rung, failed=("x",))) for rung in RUNGS]
    yield replace(found, applied=tuple(proofs))
    same = tuple(replace(each, effect=KEPT, phases={phase: ok() for phase in Phase}) for each in found.cells)
    unseen = tuple(replace(each, already=(Already(each.mitigation, "seen"),)) for each in found.applied)
    yield replace(seen_so(replace(found, cells=same, applied=unseen), *[Hole.OPEN] * 3))
    left = (LeftOut(first.cell.mitigation, "part", first.cell.server, "it has no such setting"),)
    servers = {name: replace(fact, instead=("docs",), software="") for name, fact in found.servers.items()}
    yield replace(found, left_out=left, servers=servers, not_applicable=NAS)
    no = Attempt(Outcome.UNSUPPORTED)
    yield changed(found, effect=NEVER, phases=dict.fromkeys(Phase, no))
    yield replace(
        found, exposures=tuple(replace(each, expected=False, claim="so it is") for each in found.exposures)
    )
    before = {Phase.BASELINE: Sighting(Hole.OPEN, "seen")}
    yield replace(found, exposures=tuple(replace(each, phases=before) for each in found.exposures))
    clients = {
        name: replace(fact, fidelity=grade)
        for (name, fact), grade in zip(found.clients.items(), TRUTHS, strict=False)
    }
    yield replace(found, clients=clients)


RUNGS: Final = ("fresh", "revert script", "snapshot", "reboot", "rebuild")
TRUTHS: Final = ("real", "documented", "configured", "recorded")


def attempts() -> Iterator[Attempt]:
    """Attempts with all that is told of one."""
    whole = replace(ok(), signed=True, encrypted=False, cipher="AES-128-CCM", server_signing="required")
    for auth in ("NTLMv2", "guest", "anonymous"):
        yield replace(
            whole,
            auth=auth,
            unsure="of the step",
            not_settled="two sources",
            inferred="a release",
            made_for="smb3-only",
        )
    yield replace(refused(StepName.NEGOTIATE, "CLOSED", Side.CLIENT), works=(1, 3))
    yield replace(ok(), signed=False, encrypted=True, works=(2, 3), agreed_cipher="AES-128-CCM")
    yield Attempt(Outcome.UNSUPPORTED, server_signing="enabled", auth="guest")
    for fate, by_itself, kept in zip(Fate, (True, False) * 2, (7, None) * 2, strict=True):
        yield replace(ok(), stayed=Stayed(fate, by_itself, "CLOSED", 9, kept, "SMB 3.1.1", "SMB 2.1"))
    yield Attempt.fault("broken")
    yield refused(StepName.CONNECT, TIMEOUT)
    yield Attempt(Outcome.REFUSED)


def pairs() -> Iterator[tuple[RunResult, RunResult]]:
    """Runs that differ in everything that two can differ in."""
    found, other = saved(), renamed(example())
    small = replace(found, cells=found.cells[:2], exposures=found.exposures[:1])
    for one, two in itertools.permutations(Effect, 2):
        for restored in ((True, False), (None, False)):
            yield (
                changed(small, effect=one, restored=restored[0], cause=""),
                changed(small, effect=two, restored=restored[1], cause="a"),
            )
        if one is KEPT:
            yield changed(small, effect=one), replace(changed(other, effect=two), cells=small.cells[:1])
    unprobed = replace(small, exposures=())
    yield changed(unprobed, effect=Effect.FAULT), changed(unprobed, effect=KEPT)
    for before, after in itertools.pairwise([*attempts(), next(attempts())]):
        yield tuple(changed(small, phases=dict.fromkeys(Phase, made)) for made in (before, after))  # type: ignore[misc]
    whole = changed(found, parts={"a": PartAlone(KEPT, ok(), None, ""), "b": PartAlone(None, ok(), None, "")})
    yield whole, changed(found, parts={"a": PartAlone(LOST, ok(), None, "")})
    around = Circumstances(
        "host-a", "x86_64", "6.12", "Debian 13", 2, "3.13", "0.9", "0123abc", {"nmap": "7"}
    )
    facts = {
        name: replace(fact, fidelity="real", packages=("samba 1",)) for name, fact in found.servers.items()
    }
    clients = {name: ClientFact(name, "a title", "documented", "other") for name in found.clients}
    yield found, replace(found, circumstances=around, lab="other", servers=facts, clients=clients)
    for expected in (True, False):
        yield (
            changed(small, expected=expected, claim="wrong"),
            changed(small, expected=not expected, claim="right"),
        )
    yield replace(found, exposures=()), replace(found, exposures=(), cells=found.cells[:1])
    yield replace(found, damage="a line cannot be read"), replace(found, complete=False)
    for states in itertools.permutations((Hole.OPEN, Hole.CLOSED, Hole.UNKNOWN, Hole.NOT_EXPOSED), 2):
        yield seen_so(found, *[states[0]] * 3), seen_so(found, *[states[1]] * 3)
    bare = tuple(replace(one, phases={}) for one in found.exposures)
    yield replace(found, exposures=bare), found
    yield replace(found, cells=found.cells[:1], exposures=()), replace(found, cells=found.cells, exposures=())
    many = tuple(
        replace(one, cell=replace(one.cell, client=f"c{at}"), cause=str(at))
        for at in range(25)
        for one in found.cells[:1]
    )
    yield (
        replace(changed(replace(found, cells=many), effect=LOST)),
        replace(found, cells=tuple(replace(one, effect=KEPT) for one in many)),
    )
