"""The servers of a configuration that was brought along: their names, and as whom their clients come."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import settings as at_most
from hypothesis import strategies as st

from harness.model import Tier
from harness.servers.base import Conf
from harness.servers.brought import Account, Brought, Role
from harness.servers.roles import NOBODY, ONE_USER, ids, lab_mode, lets_in, servers_of, with_people

Settings = dict[str, str]
ANNA, BOSS, BOB = Account("anna", ("office", "staff")), Account("boss", ("office",)), Account("bob")
GUESTS = {"map to guest": "Bad User"}


def brought(shares: dict[str, Settings], common: Settings | None = None, *people: Account) -> Brought:
    return Brought("office", ("smb.conf",), "bookworm", Conf(common or {}, sections=shares), people)


def roles(settings: Settings, common: Settings | None = None, name: str = "docs") -> dict[str, str]:
    """Role -> as whom clients come, of one share with three accounts."""
    found = servers_of(brought({name: settings}, common, ANNA, BOSS, BOB))
    assert all(one.name == key for key, one in found.items())
    return {str(one.role): one.user for one in found.values()}


@pytest.mark.parametrize(
    ("settings", "found"),
    [
        ({}, {"user": "anna"}),
        ({"valid users": "@office"}, {"user": "anna", "outsider": "bob"}),
        ({"valid users": '&staff, "+nobodies"'}, {"user": "anna", "outsider": "bob"}),
        ({"valid users": "ANNA %U"}, {"user": "anna"}),
        ({"valid users": "anna boss bob"}, {"user": "anna", "outsider": "outsider"}),
        ({"invalid users": "@office"}, {"user": "bob", "outsider": "boss"}),
        ({"valid users": "anna", "invalid users": "@staff"}, {}),
        ({"admin users": "anna"}, {"user": "boss", "admin": "anna"}),
        (
            {"admin users": "@office", "valid users": "@office"},
            {"user": "anna", "outsider": "bob", "admin": "anna"},
        ),
        ({"admin users": "bob", "valid users": "@office"}, {"user": "anna", "outsider": "bob"}),
        ({"write list": "bob"}, {"user": "bob"}),
        ({"read list": "anna boss", "read only": "no"}, {"user": "bob"}),
        ({"read list": "anna", "Write Ok": "yes", "write list": "anna"}, {"user": "anna"}),
        ({"guest ok": "yes"}, {"user": "anna"}),
    ],
)
def test_a_share_has_a_server_for_each_role_that_it_tells_apart(
    settings: Settings, found: dict[str, str]
) -> None:
    assert roles(settings) == found


def test_a_share_that_appears_with_a_change_has_servers_before_it_too() -> None:
    """Of others that are not available nobody is to say anything."""
    shares: dict[str, Settings] = {
        "docs": {},
        "attic": {"available": "no", "valid users": "@store"},
        "old": {"available": "no"},
    }
    found = servers_of(replace(brought(shares, {}, BOB), appearing=("attic",)))
    assert [*found] == ["office@docs", "office@attic", "office@attic@outsider"]
    attic, conf = found["office@attic"], found["office@attic"].conf
    assert attic.user == "rehearse"
    there = {**conf.sections, "attic": {"valid users": "@store"}}
    assert attic.lacks_share(conf)
    assert not attic.lacks_share(replace(conf, sections=there))
    assert not found["office@docs"].lacks_share(replace(conf, globals={"available": "no"}))


@pytest.mark.parametrize(
    ("settings", "common", "comes"),
    [
        ({"guest ok": "yes"}, GUESTS, True),
        ({"Public": "YES"}, {"Map To Guest": "bad user"}, True),
        ({"only guest": "1"}, {"map to guest": "Bad Password"}, True),
        ({}, {**GUESTS, "guest ok": "yes"}, True),
        ({"guest ok": "no"}, {**GUESTS, "guest ok": "yes"}, False),
        ({"guest ok": "yes"}, {"map to guest": "Never"}, False),
        ({"guest ok": "yes"}, {"map to guest": "Bad Uid"}, False),
        ({"guest ok": "yes", "valid users": "@office"}, GUESTS, False),
        ({"guest ok": "yes", "valid users": "@office nobody"}, GUESTS, True),
        ({"guest ok": "yes", "invalid users": "ftp"}, {**GUESTS, "guest account": "ftp"}, False),
    ],
)
def test_a_guest_is_let_in_as_samba_does(settings: Settings, common: Settings, comes: bool) -> None:
    found = servers_of(brought({"docs": settings}, common, ANNA, BOSS, BOB))
    assert ("office@docs@guest" in found) is comes
    if comes:
        assert found["office@docs@guest"].unknown_user
    assert not found["office@docs"].unknown_user


def test_homes_are_one_share_of_the_users_own_name() -> None:
    found = servers_of(brought({"homes": {"valid users": "%S"}}, GUESTS, ANNA, BOB))
    assert [*found] == ["office@homes", "office@homes@outsider"]
    own, other = found.values()
    assert (own.share, own.user, own.insider) == ("anna", "anna", "anna")
    assert (other.share, other.user, other.insider) == ("anna", "bob", "anna")
    found = servers_of(brought({"Homes": {"valid users": "%S, %D%w%S"}}, {}, ANNA))
    assert found["office@Homes@outsider"].user == "outsider"


def test_only_shares_on_a_disk_are_servers() -> None:
    others = {
        "printers": {"printable": "yes"},
        "laser": {"print ok": "yes"},
        "print$": {},
        "IPC$": {},
        "away": {"available": "no"},
        "here": {"msdfs root": "yes"},
    }
    found = servers_of(brought(others, {}, ANNA))
    assert [*found] == ["office@here"]
    assert found["office@here"].conf.sections == others, "the configuration is whole all the same"


def test_who_is_missing_is_added() -> None:
    found = servers_of(brought({"docs": {"valid users": "@staff"}, "open": {}}))
    assert {one.name: one.user for one in found.values()} == {
        "office@docs": "rehearse",
        "office@docs@outsider": "outsider",
        "office@open": "rehearse",
    }
    assert found["office@open"].brought.accounts == (Account("rehearse", ("staff",)), Account("outsider"))
    # Root may do all, and an admin of a share nearly so: neither is its user where somebody else can be.
    root = Account("root")
    found = servers_of(brought({"all": {"admin users": "root"}, "hers": {"valid users": "root"}}, {}, root))
    assert {one.name: one.user for one in found.values()} == {
        "office@all": "rehearse",
        "office@all@admin": "root",
        "office@hers": "root",
        "office@hers@outsider": "rehearse",
    }
    assert next(iter(servers_of(brought({"all": {}}, {}, root, ANNA)).values())).user == "anna"
    taken = with_people(brought({"docs": {"valid users": "Outsider"}}, {}, Account("Outsider")))
    assert taken.accounts[-1] == Account("outsider2")


def test_a_title_says_what_it_is() -> None:
    made = replace(brought({"経理": {}}, {}, ANNA), remarks=("hm",))
    (server,) = servers_of(made).values()
    assert server.name == f"office@{ids({'経理': 0})['経理']}"
    for words in ("経理 as anna", "your configuration office on a real Samba (bookworm)", "1 thing done"):
        assert words in server.title
    assert server.brought.instead == (ONE_USER,)
    assert server.labs == {Tier.LOCAL}
    assert server.upgrades == {"release-upgrade": "trixie"}
    own = replace(made, image="old-nas")
    assert "old-nas" in next(iter(servers_of(own).values())).no_upgrade
    assert server.details()["done instead"][0].startswith("[global] (permissions of files): all accounts")


def test_what_an_id_cannot_hold_is_called_as_the_file_has_it() -> None:
    """No share is shown by a digest to whoever gave it its name."""
    others = ("TV Shows", 'Bob\'s "100%" #$', "ملفات", "🎉")
    found = servers_of(
        brought({"docs": {}, "経理": {"valid users": "anna"}, **{n: {} for n in others}}, {}, ANNA)
    )
    called = [one.called or one.name for one in found.values()]
    mine = [name for name in called if not name.endswith("@outsider")]
    assert mine == ["office@docs", "office@[経理]", *(f"office@[{share}]" for share in others)]
    assert "office@[経理]@outsider" in called


def test_names_are_safe_and_told_apart() -> None:
    found = ids({"TV Shows": 0, "docs": 0, "data$": 0, "経理 2": 0, "a_b": 0, "a b": 0, "..": 0, "x/y": 0})
    assert [*found.values()][:3] == ["TV-Shows", "docs", "data"]
    assert re.fullmatch(r"2-[0-9a-f]{6}", found["経理 2"])
    assert found["a_b"] == "a-b"
    assert re.fullmatch(r"a-b-[0-9a-f]{6}", found["a b"])
    assert re.fullmatch(r"share-[0-9a-f]{6}", found[".."])
    # It stays the same whatever other shares there are.
    assert ids({"new": 0, "経理 2": 0})["経理 2"] == found["経理 2"]


@given(st.lists(st.text(min_size=1, max_size=8), unique_by=str.casefold, max_size=8))
@at_most(max_examples=200, deadline=None)
def test_names_are_safe_and_told_apart_whatever_they_are(names: list[str]) -> None:
    found = ids(dict.fromkeys(names))
    assert [*found] == names
    assert all(re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9.-]*", one) for one in found.values())
    assert len({one.casefold() for one in found.values()}) == len(names)


def test_what_a_folder_grants_accounts_in_the_lab() -> None:
    assert lab_mode("docs", 0o2775) == 0o2775
    assert lab_mode("docs", 0o0755) == 0o0755, "only its owner writes, and nobody knows who that is"
    assert lab_mode("docs", 0o0700) == 0o0770
    assert lab_mode("homes", 0o0755) == 0o0775
    made = with_people(replace(brought({"docs": {}}, {}, ANNA), modes={"docs": 0o700}))
    assert [one.value for one in made.instead] == ["0700", ""]
    listed = with_people(brought({"docs": {"vfs object": "recycle acl_xattr:x"}}, {}, ANNA))
    assert [one.value for one in listed.instead] == ["acl_xattr", ""]


def test_somebody_of_the_lists() -> None:
    conf = Conf(
        {"valid users": "anna"}, sections={"a": {}, "b": {"valid users": ""}, "c": {"valid users": "%S"}}
    )
    assert [lets_in(conf, name, Account("ANNA")) for name in "abc"] == [True, True, False]
    assert [lets_in(conf, name, Account("c")) for name in "abc"] == [False, True, True]
    assert [*Role] == ["user", "outsider", "guest", "admin"]


def test_a_share_that_lets_in_nobody_is_told() -> None:
    """As a NAS writes it: nobody is a valid user, and an invalid one."""
    shut = {"valid users": "nobody,nobody", "invalid users": "nobody,nobody"}
    whole = with_people(brought({"public": shut, "docs": {}}, None, ANNA))
    told = {one.section for one in whole.instead if one.done == NOBODY}
    assert told == {"public"}
    assert {
        one.section for one in servers_of(brought({"public": shut, "docs": {}}, None, ANNA)).values()
    } == {"docs"}
