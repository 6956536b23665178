"""Machines that a change costs: sure where all that they may be lose; nothing unrehearsed is kept."""

from __future__ import annotations

import pytest
from balance_example import cell
from hypothesis import given
from hypothesis import strategies as st

from harness.balance.machines import Fate, fates, impact
from harness.model import Effect
from harness.result.machines import FleetFact, MachineGroup, together

WINDOWS_7 = MachineGroup(("windows-7",), 19, sure=True, dialect="2.1")
SCANNERS = MachineGroup(("office-scanner",), 3, sure=True)
SMB1 = MachineGroup(("office-scanner", "windows-xp"), 1, dialect="NT LM 0.12")
MODERN = MachineGroup(("macos-13", "windows-11-24h2"), 40, dialect="3.1.1")
STRANGE = MachineGroup((), 2)
FLEET = (WINDOWS_7, SCANNERS, SMB1, MODERN, STRANGE)


def test_each_machine_has_one_fate() -> None:
    found = impact(
        FLEET,
        {
            "windows-7": Fate.LOST,
            "office-scanner": Fate.LOST,
            "windows-xp": Fate.LOST,
            "macos-13": Fate.KEPT,
            "windows-11-24h2": Fate.LOST,
        },
    )
    assert (found.lost, found.perhaps, found.not_rehearsed, found.total) == (23, 40, 2, 65)
    assert found.groups[Fate.LOST] == (WINDOWS_7, SCANNERS, SMB1)
    assert found.most == 65


@pytest.mark.parametrize(
    ("theirs", "fate"),
    [
        ({"a": Fate.LOST, "b": Fate.LOST}, Fate.LOST),
        ({"a": Fate.LOST, "b": Fate.KEPT}, Fate.PERHAPS),
        ({"a": Fate.LOST}, Fate.PERHAPS),
        ({"a": Fate.KEPT}, Fate.NOT_REHEARSED),
        ({"a": Fate.KEPT, "b": Fate.NOT_KNOWN}, Fate.NOT_KNOWN),
        ({"a": Fate.KEPT, "b": Fate.NEVER}, Fate.KEPT),
        ({"a": Fate.NEVER, "b": Fate.NEVER}, Fate.NEVER),
        ({"a": Fate.LOST, "b": Fate.NO_USE}, Fate.LOST),
        ({"a": Fate.NO_USE, "b": Fate.NO_USE}, Fate.KEPT),
        ({"a": Fate.NO_USE}, Fate.NOT_REHEARSED),
        ({}, Fate.NOT_REHEARSED),
    ],
)
def test_of_two_that_it_may_be(theirs: dict[str, Fate], fate: Fate) -> None:
    assert [*impact([MachineGroup(("a", "b"), 5)], theirs).groups] == [fate]


@given(
    st.lists(
        st.builds(
            MachineGroup,
            st.sets(st.sampled_from("abcd")).map(lambda some: tuple(sorted(some))),
            st.integers(1, 9),
        )
    ),
    st.dictionaries(st.sampled_from("abcd"), st.sampled_from([one for one in Fate if one != Fate.PERHAPS])),
)
def test_no_machine_is_counted_twice_or_forgotten(
    groups: list[MachineGroup], theirs: dict[str, Fate]
) -> None:
    found = impact(groups, theirs)
    assert found.total == sum(one.count for one in groups)
    for one in found.groups.get(Fate.KEPT, ()):
        assert {theirs[client] for client in one.clients} <= {Fate.KEPT, Fate.NEVER, Fate.NO_USE}
    for one in found.groups.get(Fate.LOST, ()):
        assert one.clients
        assert {theirs[client] for client in one.clients} - {Fate.NO_USE} == {Fate.LOST}


def test_a_client_is_lost_that_loses_one_check() -> None:
    cells = [
        cell("change:server:windows-7:open", Effect.LOST),
        cell("change:server:windows-7:browse", Effect.KEPT),
        cell("change:server:curl:open", Effect.FAULT),
        cell("change:server:curl:browse", Effect.KEPT),
        cell("change:server:smbclient:open", Effect.NOT_SETTLED),
        cell("change:server:windows-xp:open", Effect.NEVER),
    ]
    assert fates(cells) == {
        "windows-7": Fate.LOST,
        "curl": Fate.NOT_KNOWN,
        "smbclient": Fate.NOT_KNOWN,
        "windows-xp": Fate.NEVER,
    }
    assert fates(cells, "browse") == {"windows-7": Fate.KEPT, "curl": Fate.KEPT}


def test_groups_of_which_the_same_is_known_are_one() -> None:
    more = MachineGroup(("windows-7",), 1, sure=True, dialect="2.1")
    assert together([SCANNERS, more, WINDOWS_7])[0] == MachineGroup(
        ("windows-7",), 20, sure=True, dialect="2.1"
    )
    assert FleetFact("office", FLEET).clients == (
        "macos-13",
        "office-scanner",
        "windows-11-24h2",
        "windows-7",
        "windows-xp",
    )
