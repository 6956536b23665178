"""Machines among the kinds of the catalogue: sure by what names them; else all that fit what was seen."""

from __future__ import annotations

from typing import Any

import pytest
from known import CATALOGUE
from sightings import gathered, sighting

from harness.fleet.kinds import kinds_of, meant, words
from harness.fleet.machine import Basis, Fleet, Placed
from harness.fleet.merging import machines
from harness.fleet.placing import Placing
from harness.fleet.sighting import Logon, Role, Sighting
from harness.model import Dialect
from harness.report.machines import unsure_label

PLACING = Placing(CATALOGUE.clients)
NT1, V202, V21, V30, V302, V311 = Dialect
MODERN = sighting("10.0.0.99", dialect=V311)
"""That the server speaks SMB 3.1.1, too."""


def fleet(*sightings: Sighting) -> Fleet:
    return PLACING.fleet(machines(gathered(*sightings)), "office")


def place(*, beside: bool = True, **facts: Any) -> Placed:
    found = fleet(sighting("10.0.0.1", **facts), *([MODERN] if beside else []))
    return next(one for one in found.machines if one.machine.addresses == ("10.0.0.1",))


def test_a_kind_that_is_named_is_that_kind() -> None:
    found = place(persona="office-scanner", role=Role.LISTED)
    assert (found.personas, found.sure, found.basis) == (("office-scanner",), True, Basis.NAMED)
    assert found.why == "named so: office-scanner by sample:1"


def test_a_kind_of_the_users_own_is_named_by_its_words() -> None:
    placing = Placing({**CATALOGUE.clients, "our-label-printer": CATALOGUE.clients["office-scanner"]})
    (found,) = placing.fleet(machines(gathered(sighting(said="our-label-printer", count=3))), "x").machines
    assert (found.personas, found.sure) == (("our-label-printer",), True)


def test_who_was_refused_smb1_is_an_unknown_smb1_client() -> None:
    found = place(smb1_refused=True)
    assert unsure_label(found.group) == "unknown SMB1 client"


def test_a_name_that_no_client_has_is_said() -> None:
    found = place(persona="windows-95")
    assert (found.personas, found.sure) == ((), False)
    assert "windows-95: no client of the catalogue is called so" in found.why


def test_who_speaks_smb1_alone_is_an_unknown_smb1_client() -> None:
    found = place(dialect=NT1)
    assert {"windows-xp", "office-scanner", "media-player"} <= set(found.personas)
    assert "windows-7" not in found.personas
    assert not found.sure
    assert found.group.dialect == "NT LM 0.12"


def test_smb1_with_a_server_that_may_have_nothing_else_rules_nobody_out_who_can_do_more() -> None:
    found = place(dialect=NT1, beside=False)
    assert {"windows-xp", "windows-7", "macos-11"} <= set(found.personas)
    assert "windows-11-24h2" not in found.personas


def test_who_offers_more_than_was_chosen_can_do_more() -> None:
    """A client of Samba 3.6 whose server was limited to NT1."""
    found = place(dialect=NT1, offered=(NT1, V202), beside=False)
    assert {"windows-7", "windows-vista"} <= set(found.personas)
    assert "windows-xp" not in found.personas
    assert "can do more than was chosen" in found.why


def test_that_one_kind_is_left_does_not_make_it_one() -> None:
    found = place(dialect=V21)
    assert (found.personas, found.sure, found.basis) == (("windows-7",), False, Basis.FITS)


def test_ntlmv1_over_smb2_is_neither_an_old_client_nor_a_new_one_as_it_comes() -> None:
    found = place(dialect=V311, logon=Logon.NTLMV1)
    assert found.personas == ("windows-10-ntlmv1",)
    assert not found.sure


@pytest.mark.parametrize(
    ("facts", "out", "left"),
    [
        ({"dialect": V311, "signed": False}, "windows-11-24h2", "windows-11-24h2-unsigned"),
        ({"dialect": V311, "logon": Logon.GUEST}, "windows-11-23h2", "windows-10-22h2"),
        ({"dialect": NT1, "signed": True}, "office-scanner", "windows-xp"),
        ({"cannot_sign": True}, "windows-11-23h2", "office-scanner"),
        ({"dialect": V21, "beside": False}, "windows-vista", "windows-10-22h2"),
        ({"smb1_refused": True}, "windows-7", "windows-xp"),
        ({"smb2": True, "logon": Logon.NTLMV1}, "windows-xp", "windows-10-ntlmv1"),
        ({"offered": (V21, V30, V302, V311)}, "windows-10-22h2", "linux-cifs"),
        ({"encrypted": True, "dialect": V302, "beside": False}, "windows-7", "windows-8.1"),
    ],
)
def test_what_was_seen_rules_kinds_out(facts: dict[str, Any], out: str, left: str) -> None:
    found = place(**facts)
    assert out not in found.personas
    assert left in found.personas


def test_nothing_seen_leaves_nothing_known() -> None:
    found = place(logon=Logon.NTLM)
    assert (found.personas, found.basis) == ((), Basis.NOTHING)


@pytest.mark.parametrize(
    ("said", "kinds"),
    [
        ("Windows 7 Professional 7601 Service Pack 1", {"windows-7"}),
        ("Microsoft Windows Server 2008 R2 Standard", {"windows-7"}),
        ("Windows Server (R) 2008 Standard 6002 SP2", {"windows-vista"}),
        ("Windows Server 2003 3790 Service Pack 2", {"windows-server-2003"}),
        ("Windows 5.1", {"windows-xp"}),
        ("Microsoft Windows 10 Pro 19045", {"windows-10-22h2"}),
        ("Windows 11 Pro 24H2", {"windows-11-24h2"}),
        ("Mac OS X 10.15.7", {"macos-10.14"}),
        ("macOS 15.1", {"macos-13"}),
        ("Samba 4.6.2", {"samba-smbclient-4.6"}),
        ("Samba 4.17.12-Debian", {"samba-smbclient-4"}),
        ("JCIFS", {"jcifs"}),
    ],
)
def test_the_words_of_sources(said: str, kinds: set[str]) -> None:
    found = place(said=said, role=Role.CLIENT)
    assert set(found.personas) == kinds
    assert found.sure


def test_netexec_tells_a_build_that_two_kinds_have() -> None:
    found = place(said="Windows 10 / Server 2019 Build 17763 x64")
    assert found.personas == ("windows-10-1809-enterprise", "windows-server-2019")


def test_a_build_decides_what_the_words_before_it_leave_open() -> None:
    assert place(said="Windows 10 / Server 2019 Build 19041 x64").personas == ("windows-10-22h2",)


def test_an_offer_in_an_smb1_frame_names_nothing_newer_than_that_there_is_something() -> None:
    """ "SMB 2.???" is what Windows 7, 8.1 and 10 say alike."""
    found = place(dialect=NT1, offered=(NT1, V202, V21), beside=False)
    assert {"windows-7", "windows-8.1", "windows-10-1511"} <= set(found.personas)
    assert not {"windows-vista", "windows-xp"} & set(found.personas)


def test_a_copier_is_an_old_one_only_where_it_speaks_so() -> None:
    old, unseen, new = (place(said="Canon iR-ADV C5535", dialect=dialect) for dialect in (NT1, None, V311))
    assert (old.personas, old.sure) == (("office-scanner",), True)
    assert (unseen.personas, unseen.sure) == (("office-scanner",), False)
    assert (new.personas, new.sure) == ((), False)
    assert new.why.endswith("the catalogue has no such kind")


def test_words_that_what_was_seen_speaks_against_do_not_decide() -> None:
    found = place(said="Windows 7 Professional", dialect=NT1)
    assert not found.sure
    assert "windows-xp" in found.personas
    assert 'called "Windows 7"' in found.why
    assert "not as windows-7 comes" in found.why


def test_every_kind_that_words_mean_is_in_the_catalogue() -> None:
    assert {kind for _, entry in words() for kind in entry.kinds} <= set(CATALOGUE.clients)
    assert not [entry for _, entry in words() if not entry.source]


def test_no_expression_is_hidden_by_one_above_it() -> None:
    """Of each the first alternative, as it stands there, means the entry itself."""
    plain = [
        (text, entry)
        for pattern, entry in words()
        if (text := pattern.pattern.partition("|")[0]).replace(" ", "").isalnum()
    ]
    assert len(plain) > 10
    assert [text for text, entry in plain if meant([text])[0][2] is not entry] == []


def test_servers_and_devices_of_a_list_are_no_clients() -> None:
    found = fleet(
        sighting("10.0.0.1", dialect=V311),
        sighting("10.0.0.2", dialect=NT1, role=Role.SERVER),
        sighting("10.0.0.3", said="Canon MFP", role=Role.LISTED),
        sighting("10.0.0.4", said="Windows 7", role=Role.LISTED),
        sighting("10.0.0.4", dialect=V21),
        sighting(said="Windows XP", role=Role.LISTED, count=5),
    )
    assert found.size == 7
    assert [one.machine.name for one in found.servers] == ["10.0.0.2"]
    assert [one.machine.name for one in found.listed] == ["10.0.0.3"]
    assert {group.clients: group.count for group in found.fact.groups if group.sure} == {
        ("windows-7",): 1,
        ("windows-xp",): 5,
    }
    assert found.fact.last_seen == "2026-11-20"


def test_every_emulated_client_fits_itself() -> None:
    """What a persona speaks rules it out nowhere."""
    for kind in kinds_of(CATALOGUE.clients):
        level = Logon(kind.ntlm)
        found = place(dialect=kind.newest, logon=level, beside=kind.newest is not V311)
        assert {kind.name, kind.based_on} & set(found.personas), kind.name
