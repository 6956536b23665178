"""What became worse from one run to another, what did not, and what nobody can tell."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from balance_example import cell, run

from harness.comparison.cells import turned
from harness.comparison.runs import compare
from harness.comparison.turns import Turn
from harness.model import Effect, Evidence, Phase
from harness.result import Circumstances, ClientFact, RunResult, ServerFact

K, L, G, N, S, F = (
    *(Effect.KEPT, Effect.LOST, Effect.GAINED, Effect.NEVER),
    *(Effect.NOT_SETTLED, Effect.FAULT),
)
NAME = "smb3-only:samba-4.22:windows-7:open"
HOLE = "smb3-only:samba-4.22:smb1-spoken"


@pytest.mark.parametrize(
    ("turn", "pairs"),
    [
        (Turn.WORSE, [(K, L), (K, N), (K, G), (L, N), (G, N), (G, L), (S, L), (S, N), (L, G)]),
        (Turn.BETTER, [(L, K), (N, K), (G, K), (N, G)]),
        # A new loss where nothing worked at all: it works before the change now.
        (Turn.CHANGED, [(N, L), (K, S), (S, K), (L, S), (N, S), (G, S), (S, G)]),
        (
            Turn.NOT_COMPARABLE,
            [(F, K), (F, L), (F, N), (K, F), (L, F), (N, F), (S, F), (F, S), (G, F), (F, G)],
        ),
    ],
)
def test_a_cell_turns(turn: Turn, pairs: list[tuple[Effect, Effect]]) -> None:
    for first, second in pairs:
        found = turned(cell(NAME, first), cell(NAME, second))
        assert found is not None
        assert (found.turn, found.first, found.second) == (turn, first, second), (first, second)


def test_every_pair_of_effects_is_told_and_the_same_one_is_not() -> None:
    for first, second in itertools.product(Effect, Effect):
        found = turned(cell(NAME, first), cell(NAME, second))
        assert (found is None) == (first is second), (first, second)


@pytest.mark.parametrize(
    ("first", "second", "turn"),
    [
        (True, False, Turn.WORSE),
        (None, False, Turn.WORSE),
        (False, True, Turn.BETTER),
        (True, None, None),
        (False, None, None),
        (None, True, None),
    ],
)
def test_a_rollback_that_brings_nobody_back_is_worse(
    first: bool | None, second: bool | None, turn: Turn | None
) -> None:
    one = cell(NAME, L)
    found = turned(replace(one, restored=first), replace(one, restored=second))
    assert (found and found.turn) == turn
    worse = turned(replace(cell(NAME, N), restored=first), replace(cell(NAME, K), restored=second))
    assert worse is not None
    assert worse.turn is (Turn.WORSE if second is False and first is not False else Turn.BETTER)


@pytest.mark.parametrize(
    ("first", "second", "turn"),
    [
        ("occ", "ooc", Turn.WORSE),
        ("onn", "oon", Turn.WORSE),
        ("ccc", "cco", Turn.WORSE),
        ("ooo", "oco", Turn.BETTER),
        ("oco", "ono", Turn.CHANGED),
        ("oco", "o?o", Turn.NOT_COMPARABLE),
        ("o?o", "ooo", Turn.NOT_COMPARABLE),
        ("oco", "oc", Turn.NOT_COMPARABLE),
        ("oo?", "cc?", Turn.BETTER),
        ("c?c", "o?c", Turn.WORSE),
        ("oco", "oco", None),
        ("o?o", "o?o", None),
    ],
)
def test_a_hole_turns_and_unknown_is_never_read_as_closed(first: str, second: str, turn: Turn | None) -> None:
    found = compare(run({}, {HOLE: first}), run({}, {HOLE: second}))
    assert [one.turn for one in found.holes] == ([turn] if turn else [])
    assert found.worse == (turn is Turn.WORSE)
    for one in found.holes:
        at = list(Phase).index(one.decisive)
        assert one.evidence == (f"seen {second[at]}" if at < len(second) else "")


def test_what_differs_in_the_attempts_is_told_though_the_effect_is_the_same() -> None:
    one = cell(NAME, K)
    new = {when: replace(made, dialect="2.1", signed=True, ms=99.0) for when, made in one.phases.items()}
    found = turned(one, replace(one, phases=new, cause="other words"))
    assert found is not None
    assert found.turn is Turn.CHANGED
    details = list(map(str, found.details))
    assert "with the change: dialect none -> 2.1" in details
    assert "before: signed none -> yes" in details
    assert not [line for line in details if "99" in line]
    slower = {when: replace(made, ms=99.0, said="x", note="y") for when, made in one.phases.items()}
    assert turned(one, replace(one, phases=slower)) is None


def test_versions_data_expectations_and_what_one_run_alone_has() -> None:
    def made(version: str, samba: str, data: str, *, expected: bool, names: list[str]) -> RunResult:
        server = ServerFact("samba-4.22", "", samba, "real", packages=(f"samba {samba}",))
        client = ClientFact(
            "windows-7", "", "recorded", "impacket", (Evidence("x", "y"), Evidence(data, "z"))
        )
        seen = Circumstances("", "x86_64", "Linux", "Debian", 2, "3.11", version, "", {"impacket": "0.13"})
        found = run(dict.fromkeys(names, L), {})
        return replace(
            found,
            servers={"samba-4.22": server},
            clients={"windows-7": client},
            circumstances=seen,
            cells=tuple(replace(one, expected=expected) for one in found.cells),
        )

    other = NAME.replace("open", "browse")
    found = compare(
        made("1.0", "4.22.1", "old", expected=True, names=[NAME]),
        made("1.1", "4.22.2", "new", expected=False, names=[NAME, other]),
    )
    assert [(one.kind, one.name, one.what, one.first, one.second) for one in found.versions] == [
        ("smb-rehearsal", "", "version", "1.0", "1.1"),
        ("server", "samba-4.22", "software", "4.22.1", "4.22.2"),
        ("server", "samba-4.22", "packages", "samba 4.22.1", "samba 4.22.2"),
        ("client", "windows-7", "data", "old (z)", "new (z)"),
    ]
    assert [(one.what, one.expected) for one in found.expectations] == [(NAME, False)]
    assert not found.worse
    assert list(map(str, found.only_second)) == [other]
    assert found.only_first == ()
    assert (found.same, found.cells) == (1, ())
