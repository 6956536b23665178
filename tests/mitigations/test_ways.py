"""A change that is put into force in a way of its own: NAME@reload and the others."""

from __future__ import annotations

import pytest
from known import CATALOGUE

from harness.errors import UsageError
from harness.mitigations.base import NotApplicableError
from harness.mitigations.ways import WAYS, apart
from harness.model import Side
from harness.planning import planner
from harness.planning.settings import on_server
from harness.report.language import language
from harness.servers.live import How

SAMBA = CATALOGUE.servers["samba-4.22"]


def test_a_way_belongs_to_the_name_and_not_into_a_setting() -> None:
    assert apart("smb3-only@reload") == ("smb3-only", "reload")
    assert apart("set(server signing=mandatory)@close-share") == (
        "set(server signing=mandatory)",
        "close-share",
    )
    for name in ("smb3-only", "set([share] valid users=a@reload)", "@reload", "mine@home"):
        assert apart(name) == (name, "")


@pytest.mark.parametrize("way", list(WAYS))
def test_it_is_the_change_but_for_how_it_reaches_the_server(way: str) -> None:
    plain, made = CATALOGUE.mitigation("signing-required"), CATALOGUE.mitigation(f"signing-required@{way}")
    assert (made.name, made.how) == (f"signing-required@{way}", WAYS[way][0])
    assert made.changed(SAMBA.state, SAMBA) == plain.changed(SAMBA.state, SAMBA)
    assert (made.sides, made.aims, made.expectation) == (plain.sides, plain.aims, plain.expectation)


def test_of_a_combination_the_strongest_way_counts() -> None:
    assert CATALOGUE.mitigation("smb3-only@reload+ntlmv2-only@close-share").how is How.CLOSE_SHARE
    assert CATALOGUE.mitigation("smb3-only@reload+ntlmv2-only").how is How.RESTART


def test_a_setting_has_its_one_spelling_with_a_way_too() -> None:
    made = CATALOGUE.mitigation("set(ServerSigning = mandatory)@reload")
    assert made.name == "set(server signing=mandatory)@reload"
    assert made.how is How.RELOAD
    twice = "set(server signing=mandatory)@reload+set(server signing=auto)"
    with pytest.raises(UsageError, match="the same parameter"):
        CATALOGUE.mitigation(twice)


@pytest.mark.parametrize(
    ("change", "server"),
    [
        ("smb1-client-off@reload", "samba-4.22"),
        ("server-stopped@reload", "samba-4.22"),
        ("vendor-patch@reload", "samba-4.13"),
        ("smb3-only@reload", "ksmbd"),
    ],
)
def test_it_is_refused_where_it_says_nothing(change: str, server: str) -> None:
    with pytest.raises(NotApplicableError):
        CATALOGUE.mitigation(change).within(CATALOGUE.servers[server])


def test_a_way_that_there_is_not_is_told() -> None:
    with pytest.raises(UsageError, match="'relod' is no way") as told:
        CATALOGUE.mitigation("smb3-only@relod")
    assert "close-share" in told.value.hint


def test_it_is_planned_by_name_and_no_pattern_means_it() -> None:
    named = planner.from_selectors(CATALOGUE, ["smb3-only@sighup:samba-4.22:windows-7:open"])
    assert [cell.mitigation for cell in named.cells] == ["smb3-only@sighup"]
    every = planner.from_selectors(CATALOGUE, ["smb3-*:samba-4.22:windows-7:open"])
    assert not any("@" in cell.mitigation for cell in every.cells)


@pytest.mark.parametrize(
    ("way", "command"),
    [
        ("sighup", "systemctl reload smbd"),
        ("reload", "smbcontrol smbd reload-config"),
        ("close-share", "smbcontrol smbd close-share '*'"),
        ("restart", "systemctl restart smbd"),
    ],
)
def test_the_ticket_has_the_command_of_the_way(way: str, command: str) -> None:
    doings = on_server(CATALOGUE, f"smb3-only@{way}", "samba-4.22", language("en"))
    assert doings[-1].do[-1] == command
    assert Side.SERVER in CATALOGUE.mitigation(f"smb3-only@{way}").sides
