"""A change in the words of who makes it: the settings are those that a rehearsal makes."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest
from known import CATALOGUE

from harness.mitigations.base import NotApplicableError
from harness.model import Side
from harness.planning import settings as made
from harness.planning.settings import Doing, kept_as
from harness.report.language import language
from harness.servers.base import Conf
from harness.windows.changes import changes
from harness.windows.commands import command as written

on_server = partial(made.on_server, say=language("en"))
on_clients = partial(made.on_clients, say=language("en"))


def lines(doings: tuple[Doing, ...], language: str) -> list[str]:
    return [line for doing in doings if doing.language == language for line in doing.do]


@pytest.mark.parametrize(
    ("change", "server", "settings", "commands"),
    [
        ("smb3-only", "samba-4.22-smb1", ["server min protocol = SMB3_00"], "systemctl restart smbd"),
        (
            "nt-pipe-support-off-reload",
            "sles11-like",
            ["nt pipe support = no"],
            "smbcontrol smbd reload-config",
        ),
        ("vendor-patch", "samba-4.13", [], "systemctl restart smbd"),
        ("server-stopped", "samba-4.22", [], "systemctl stop smbd"),
        (
            "signing-required+ntlmv2-only",
            "samba-4.22-smb1",
            ["ntlm auth = ntlmv2-only", "server signing = mandatory"],
            "systemctl restart smbd",
        ),
        ("signing-required", "ksmbd", ["server signing = mandatory"], "systemctl restart ksmbd"),
    ],
)
def test_settings_and_commands(change: str, server: str, settings: list[str], commands: str) -> None:
    found = on_server(CATALOGUE, change, server)
    assert lines(found, "ini") == settings
    assert lines(found, "sh")[-1] == commands


def test_what_was_there_is_told_for_the_way_back() -> None:
    (one,) = [
        doing
        for doing in on_server(CATALOGUE, "ntlmv2-only+signing-required", "samba-4.22-smb1")
        if doing.language == "ini"
    ]
    assert one.undo_where == (
        "in [global] of smb.conf: take out server signing; "
        "set ntlm auth = ntlmv1-permitted as it was in the rehearsal"
    )


def test_what_a_share_says_itself_goes_and_comes_back_where_every_share_is_changed() -> None:
    """Of two lines of a parameter smbd takes the last: "guest ok = no" alone might not shut the share."""
    shares = {
        "docs": {"comment": "x", "public": "false"},
        "public": {"public": "yes", "comment": "x"},
        "printers": {"printable": "yes", "guest ok": "yes"},
    }
    server = replace(CATALOGUE.servers["samba-4.22"], conf=Conf(sections=shares))
    change, say = CATALOGUE.mitigation("guest-off"), language("en")
    after = change.changed(server.state, server)
    found = server.platform.doings(change, server.state, after, server, say)
    told = {one.where: (one.do, one.undo_where) for one in found if "section" in one.where}
    assert told == {
        "in the section of each share of smb.conf": (
            ("guest ok = no",),
            "in the section of each share of smb.conf: take out guest ok",
        ),
        "in the section [public] of smb.conf": (
            ("# public = yes",),
            "in the section [public] of smb.conf: set public = yes as it was in the rehearsal",
        ),
    }


def test_what_is_set_on_the_domain_controller_is_told_so() -> None:
    """Its service has another name than that of a member."""
    say = language("en")
    change = CATALOGUE.mitigation("ntlm-off-domain")
    told = {}
    for name in ("samba-ad-member", "samba-ad-dc"):
        server = CATALOGUE.servers[name]
        after = change.changed(server.state, server)
        told[name] = [one for one in server.doings(change, server.state, after, say) if not one.copies]
    there = [one.where for one in told["samba-ad-member"]]
    assert there[0] == "in [global] of the smb.conf of the domain controller"
    assert there[1].startswith("restart Samba on the domain controller")
    for doings in told.values():
        assert [one.do for one in doings] == [
            ("ntlm auth = disabled",),
            ("testparm -s", "systemctl restart samba-ad-dc"),
        ]
    server = CATALOGUE.servers["samba-ad-dc"]
    stopped = CATALOGUE.mitigation("server-stopped")
    down = stopped.changed(server.state, server)
    assert [one.do for one in server.doings(stopped, server.state, down, say)] == [
        ("systemctl stop samba-ad-dc",)
    ]


def test_windows_is_told_in_powershell_on_both_sides() -> None:
    assert lines(on_server(CATALOGUE, "signing-required", "windows-server-2022"), "powershell") == [
        "Set-SmbServerConfiguration -RequireSecuritySignature $true -Force"
    ]
    found = on_clients(CATALOGUE, "smb1-client-off")
    assert "Disable-WindowsOptionalFeature -Online -FeatureName SMB1Protocol-Client -NoRestart" in lines(
        found, "powershell"
    )
    assert all("then restart them" in doing.where for doing in found)


@pytest.mark.parametrize(
    ("change", "command"),
    [
        ("guest-client-off", "Set-SmbClientConfiguration -EnableInsecureGuestLogons $false -Force"),
        ("signing-client-required", "Set-SmbClientConfiguration -RequireSecuritySignature $true -Force"),
    ],
)
def test_a_policy_of_clients_is_told_in_powershell_with_a_source(change: str, command: str) -> None:
    assert lines(on_clients(CATALOGUE, change), "powershell")[0] == command
    sources = {made: way.source for one in changes().values() for way in one.way for made in way.settings}
    (source,) = (source for made, source in sources.items() if command == written(made))
    assert source.startswith("Microsoft, '")


def test_of_a_combination_clients_are_told_what_is_made_on_clients() -> None:
    """NTLMv2 has settings of clients too, but as a mitigation it is made on the server alone."""
    assert on_clients(CATALOGUE, "ntlmv2-only+smb1-client-off") == on_clients(CATALOGUE, "smb1-client-off")


def test_what_this_version_does_not_know_is_told_as_nothing() -> None:
    assert on_server(CATALOGUE, "no-such-change", "samba-4.22") == ()
    assert on_server(CATALOGUE, "smb3-only", "no-such-server") == ()
    assert on_server(CATALOGUE, "smb3-only", "sles11-like") == (), "SMB 2.0.2 is the newest there"
    assert on_clients(CATALOGUE, "no-such-change") == on_clients(CATALOGUE, "smb3-only") == ()


def test_every_change_that_can_be_made_on_a_server_has_something_to_do() -> None:
    for server in CATALOGUE.servers.values():
        for change in CATALOGUE.mitigations.values():
            try:
                after = change.changed(server.state, server)
            except NotApplicableError:
                continue
            if Side.SERVER in change.sides and (after != server.state or server.platform.name == "windows"):
                assert any(
                    doing.do or not doing.language for doing in on_server(CATALOGUE, change.name, server.name)
                )


def test_what_is_done_since_an_earlier_change_is_the_difference() -> None:
    """What both set stays untold, what only the earlier one set is taken out, and undone is that alone."""
    found = on_server(CATALOGUE, "ntlmv2-only+smb3-only", "samba-4.22-smb1", since="ntlmv2-only")
    assert lines(found, "ini") == ["server min protocol = SMB3_00"]
    found = on_server(CATALOGUE, "smb3-only", "samba-4.22-smb1", since="nt-pipe-support-off")
    assert sorted(lines(found, "ini")) == ["# nt pipe support = no", "server min protocol = SMB3_00"]
    assert on_server(CATALOGUE, "smb3-only", "samba-4.22-smb1", since="smb3-only") == ()
    windows = "windows-server-2022"
    both = on_server(CATALOGUE, "signing-required+encryption-required", windows, since="signing-required")
    assert lines(both, "powershell") == lines(
        on_server(CATALOGUE, "encryption-required", windows), "powershell"
    )
    other = lines(
        on_server(CATALOGUE, "encryption-required", windows, since="signing-required"), "powershell"
    )
    taken = lines(on_server(CATALOGUE, "signing-required", windows), "powershell")
    assert [line for line in other if line.startswith("#")] == [f"# {line}" for line in taken]


def test_each_stage_keeps_a_copy_of_its_own() -> None:
    found = kept_as(on_server(CATALOGUE, "smb3-only", "samba-4.22-smb1"), "stage-2")
    copies = [one for one in found if one.copies]
    assert [(one.do, one.undo) for one in copies] == [
        (
            ("cp -p /etc/samba/smb.conf /etc/samba/smb.conf.before-stage-2",),
            ("cp -p /etc/samba/smb.conf.before-stage-2 /etc/samba/smb.conf",),
        )
    ]
