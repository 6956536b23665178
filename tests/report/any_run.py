"""Any run at all, as Hypothesis makes it up: hostile words, missing facts, cells that share names."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import strategies as st

from harness.model import (
    Attempt,
    CellId,
    Effect,
    Fidelity,
    Hole,
    Outcome,
    Phase,
    Row,
    Side,
    Sighting,
    Step,
    StepName,
)
from harness.result import (
    Applied,
    CellResult,
    ClientFact,
    ExposureResult,
    FleetFact,
    MachineGroup,
    NotApplicable,
    PartAlone,
    RunResult,
    ServerFact,
)
from harness.result.reuse import MeasuredBefore, Recheck, Reuse
from harness.result.spent import Kind, Spent, TimeSpent

words = st.one_of(
    st.sampled_from(
        ["", "samba-4.17", "STATUS_ACCESS_DENIED", "x" * 200, "日本語" * 40, "a b\tc\r\n\x1b[2J\x9b\u202e"]
    ),
    st.sampled_from(
        [
            "\n::error title=x::owned",
            "##[error]owned",
            "]]><failure/>&#0;",
            "<img src=x onerror=alert(1)>",
            "| a | [b](https://example.org) **c** ~d~ `e",
            "```\n# f",
            "@admin {0} [g](1)",
        ]
    ),
    st.text(max_size=90),
)
names = st.one_of(
    st.sampled_from(["a", "b", "windows-7", "x" * 120, "語" * 60]), st.text(min_size=1, max_size=60)
)
times = st.floats(0, 1e7, allow_nan=False)
fidelities = st.sampled_from(Fidelity).map(str)
steps = st.builds(Step, st.sampled_from(StepName), words, times, words)
maybe = st.one_of(st.none(), words)
attempts = st.builds(
    Attempt,
    st.sampled_from(Outcome),
    st.lists(steps, max_size=3).map(tuple),
    times,
    st.one_of(st.none(), st.sampled_from(StepName)),
    maybe,
    st.one_of(st.none(), st.sampled_from(Side)),
    maybe,
    st.one_of(st.none(), st.booleans()),
    st.one_of(st.none(), st.booleans()),
    maybe,
    maybe,
    words,
)

moments = st.integers(0, 2**32).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
befores = st.builds(MeasuredBefore, words, moments)


def reuses(ids: list[CellId]) -> st.SearchStrategy[Reuse]:
    """Some of these cells were reused, and others came out otherwise."""
    cells = st.dictionaries(st.sampled_from(ids), befores, max_size=3) if ids else st.just({})
    came = st.sampled_from(["same", "different", "fault", "not measured"])
    again = st.builds(Recheck, names, befores, came, st.lists(words, max_size=2).map(tuple))
    return st.builds(Reuse, cells, st.just({}), st.lists(again, max_size=2).map(tuple))


spents = st.builds(
    TimeSpent,
    times,
    st.integers(0, 64),
    times,
    st.dictionaries(st.sampled_from(Kind), st.builds(Spent, times, times, st.integers(0, 9))),
)
effects = st.one_of(st.none(), st.sampled_from(Effect))
parts = st.builds(PartAlone, effects, attempts, effects, words)
seen = st.dictionaries(st.sampled_from(Phase), st.builds(Sighting, st.sampled_from(Hole), words))


def groups(name: st.SearchStrategy[str]) -> st.SearchStrategy[tuple[MachineGroup, ...]]:
    """Machines that may be some of these clients."""
    some = st.lists(name, max_size=4, unique=True).map(tuple)
    number = st.integers(1, 10**6)
    return st.lists(st.builds(MachineGroup, some, number, st.just(False), words), max_size=3).map(tuple)


@st.composite
def runs(draw: st.DrawFn) -> RunResult:
    """Any run: few names, so that cells share matrices, facts and causes."""
    pool = draw(st.lists(names, min_size=1, max_size=5, unique=True))
    name = st.sampled_from([*pool, "+".join(pool[:2])])
    ids = draw(st.lists(st.builds(CellId, name, name, name, name), max_size=8, unique=True))
    causes = draw(st.lists(words, min_size=1, max_size=2))
    cells = [
        CellResult(
            one,
            draw(st.sampled_from(Effect)),
            draw(st.booleans()),
            draw(st.one_of(st.none(), st.booleans())),
            draw(st.sampled_from(causes)),
            draw(words),
            draw(st.one_of(st.none(), st.sampled_from(Side))),
            draw(words),
            draw(st.dictionaries(st.sampled_from(Phase), attempts)),
            draw(st.dictionaries(names, parts, max_size=3)),
        )
        for one in ids
    ]
    known = draw(st.sets(name))
    in_row = st.lists(st.sampled_from(ids), max_size=4).map(tuple) if ids else st.just(())
    rows = st.builds(Row, names, words, in_row, st.just("") | words)
    return RunResult(
        run=draw(names),
        lab=draw(words),
        complete=draw(st.booleans()),
        scenarios=tuple(pool),
        servers={key: ServerFact(key, *draw(st.tuples(words, words, fidelities, words))) for key in known},
        clients={key: ClientFact(key, *draw(st.tuples(words, fidelities, words))) for key in known},
        mitigations={},
        cells=tuple(cells[draw(st.integers(0, 1)) :]),
        applied=tuple(draw(st.lists(st.builds(Applied, name, name, words, words), max_size=3))),
        not_applicable=tuple(draw(st.lists(st.builds(NotApplicable, name, name, words), max_size=3))),
        planned=draw(st.integers(0, 20)),
        rows=tuple(draw(st.lists(rows, max_size=3))),
        exposures=tuple(draw(st.lists(st.builds(ExposureResult, name, name, words, seen), max_size=6))),
        began=draw(st.one_of(st.none(), moments)),
        spent=draw(st.one_of(st.none(), spents)),
        reuse=draw(reuses(ids)),
        fleet=draw(st.one_of(st.none(), st.builds(FleetFact, words, groups(name), words))),
    )
