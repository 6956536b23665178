"""Every pair of changes that can be made together meets in a combination, and there are few of those."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from known import CATALOGUE

from harness.errors import UsageError
from harness.mitigations.base import NotApplicableError
from harness.model import Tier
from harness.planning import planner
from harness.planning.covering import MOST, conflict, cover, rows_for
from harness.servers.base import HOST

NAMES = [f"m{number}" for number in range(14)]
PAIRS = list(combinations(NAMES, 2))


@given(count=st.integers(0, 14), excluded=st.sets(st.sampled_from(PAIRS), max_size=30))
@settings(max_examples=60, deadline=None)
def test_every_pair_that_is_not_excluded_meets(count: int, excluded: set[tuple[str, str]]) -> None:
    names = NAMES[:count]
    among = {pair for pair in excluded if set(pair) <= set(names)}
    rows = rows_for(names, among)
    met = {pair for row in rows for pair in combinations(row, 2)}
    assert met == set(combinations(names, 2)) - among
    assert all(1 < len(row) <= MOST for row in rows)
    assert len(rows) == len(set(rows))
    assert rows == rows_for(names, among)


@pytest.mark.parametrize("count", [8, 12, 16, 20])
def test_far_fewer_than_all_subsets_and_than_all_pairs(count: int) -> None:
    names = [f"m{number}" for number in range(count)]
    excluded = {*combinations(names[:4], 2), (names[4], names[5])}
    rows = rows_for(names, excluded)
    assert len(rows) <= count * (count - 1) / 2 / 3
    assert len(rows) < 2**count / 10


def applicable(server: str, client: str = "") -> list[str]:
    found = []
    for name, change in CATALOGUE.mitigations.items():
        try:
            change.within(CATALOGUE.servers[server], CATALOGUE.clients.get(client))
        except NotApplicableError:
            continue
        # What a pattern leaves out is no part of "*".
        found += [] if change.seldom else [name]
    return found


PACKAGED = [
    server.name for server in CATALOGUE.servers.values() if server.image != HOST and Tier.LOCAL in server.labs
]


@pytest.mark.parametrize("server", PACKAGED)
def test_the_mitigations_of_a_server(server: str) -> None:
    names = applicable(server)
    home = CATALOGUE.servers[server]
    made = cover([CATALOGUE.mitigation(name) for name in names], home, [CATALOGUE.clients["windows-10-1703"]])
    assert made.singles == tuple(names)
    met = {frozenset(pair) for row in made.combinations for pair in combinations(row.split("+"), 2)}
    out = {frozenset(one.mitigation.split("+")) for one in made.left_out}
    alone = {name for name in names if frozenset((name, "*")) in out}
    able = [name for name in names if name not in alone]
    assert alone <= {"server-stopped", "aes256-only", "rpc-helpers-off"}
    assert met == {frozenset(pair) for pair in combinations(able, 2)} - out
    assert made.pairs == len(met)
    assert all(one.reason for one in made.left_out)
    # Whatever is combined can be made, and is one thing whatever comes first.
    for row in made.combinations:
        parts = row.split("+")
        there = CATALOGUE.mitigation(row).changed(home.state, home)
        back = CATALOGUE.mitigation("+".join(reversed(parts))).changed(home.state, home)
        assert (there.image, there.conf, set(there.changes)) == (back.image, back.conf, set(back.changes))


@pytest.mark.parametrize(
    ("one", "other", "why"),
    [
        ("smb3-only", "smb311-only", "both decide server min protocol"),
        ("nt-pipe-support-off", "nt-pipe-support-off-reload", "both make the same change"),
        ("vendor-patch", "release-upgrade", "both decide which packages are installed"),
        ("guest-off", "signing-required", ""),
        ("smb1-client-off", "smb3-only", ""),
    ],
)
def test_why_two_changes_cannot_be_combined(one: str, other: str, why: str) -> None:
    people = [CATALOGUE.clients["windows-10-1703"]]
    for pair in ((one, other), (other, one)):
        first, second = map(CATALOGUE.mitigation, pair)
        assert conflict(first, second, CATALOGUE.servers["samba-4.13"], people) == why


def test_a_stopped_server_is_combined_with_nothing() -> None:
    changes = [CATALOGUE.mitigation(name) for name in ("server-stopped", "guest-off", "signing-required")]
    made = cover(changes, CATALOGUE.servers["samba-4.22"], [])
    assert made.combinations == ("guest-off+signing-required",)
    assert [(one.mitigation, one.reason) for one in made.left_out] == [
        ("server-stopped+*", "with the server stopped nothing else shows")
    ]


def test_what_a_server_is_known_to_ignore_is_combined_with_nothing_there() -> None:
    changes = [CATALOGUE.mitigation(name) for name in ("aes256-only", "guest-off", "signing-required")]
    old, new = (cover(changes, CATALOGUE.servers[name], []) for name in ("samba-4.13", "samba-4.22"))
    assert old.singles == new.singles == ("aes256-only", "guest-off", "signing-required")
    assert old.combinations == ("guest-off+signing-required",)
    assert [one.reason for one in old.left_out] == ["Samba 4.13 ignores it"]
    assert new.combinations == ("aes256-only+guest-off+signing-required",)


def test_the_plan_measures_each_change_alone_and_the_combinations_on_the_same_tasks() -> None:
    made = planner.pairwise(
        CATALOGUE, ["guest-off,signing-required,smb3-only,smb311-only:samba-4.22,samba-4.13:windows-7:open"]
    )
    assert [row.name for row in made.rows] == ["pairwise samba-4.22", "pairwise samba-4.13"]
    assert "4 changes alone" in made.rows[0].title
    assert "all 5 pairs" in made.rows[0].title
    changes = {cell.mitigation for cell in made.rows[0].cells}
    assert {"guest-off", "signing-required", "smb3-only", "smb311-only"} <= changes
    assert not any({"smb3-only", "smb311-only"} <= set(change.split("+")) for change in changes)
    assert {(cell.client, cell.check) for cell in made.cells} == {("windows-7", "open")}
    reasons = {one.mitigation: one.reason for one in made.not_applicable}
    assert reasons["smb3-only+smb311-only"] == "both decide server min protocol"


def test_clients_that_a_part_cannot_be_made_on_are_left_out_of_its_combinations_alone() -> None:
    made = planner.pairwise(
        CATALOGUE, ["smb1-client-off,signing-required:samba-4.22-smb1:windows-7,windows-xp:open"]
    )
    people = {
        change: {cell.client for cell in made.cells if cell.mitigation == change}
        for change in ("signing-required", "smb1-client-off", "smb1-client-off+signing-required")
    }
    assert people == {
        "signing-required": {"windows-7", "windows-xp"},
        "smb1-client-off": {"windows-7"},
        "smb1-client-off+signing-required": {"windows-7"},
    }


def test_star_means_every_single_mitigation_without_the_baseline() -> None:
    made = planner.pairwise(CATALOGUE, ["*:samba-4.22:windows-7:open"])
    assert not any(cell.mitigation == "none" for cell in made.cells)
    single = [cell.mitigation for cell in made.cells if "+" not in cell.mitigation]
    assert set(single) == set(applicable("samba-4.22", "windows-7"))


def test_with_two_parts_at_most_each_pair_is_a_combination_of_its_own() -> None:
    selector = "guest-off,signing-required,smb3-only:samba-4.22:windows-7:open"
    changes = {cell.mitigation for cell in planner.pairwise(CATALOGUE, [selector], most=2).cells}
    assert {frozenset(change.split("+")) for change in changes if "+" in change} == {
        frozenset(pair) for pair in combinations(("guest-off", "signing-required", "smb3-only"), 2)
    }
    assert len(changes) == 6


def test_a_server_is_reached_by_quic_in_one_way() -> None:
    made = planner.pairwise(CATALOGUE, ["quic-relay,quic-relay-only,guest-off:samba-4.22:windows-7:open"])
    changes = {cell.mitigation for cell in made.cells}
    assert not any("quic-relay+" in one and "quic-relay-only" in one for one in changes)
    assert {"guest-off", "quic-relay-only"} in [set(one.split("+")) for one in changes]
    assert "both decide how it is reached by QUIC" in {one.reason for one in made.not_applicable}


def test_a_combination_is_not_combined_again() -> None:
    with pytest.raises(UsageError, match="combines by itself"):
        planner.pairwise(CATALOGUE, ["guest-off+smb3-only:samba-4.22:windows-7"])
