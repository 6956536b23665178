"""What mitigations change on Windows: each release has a way or a reason, and the data name sources."""

from __future__ import annotations

import itertools
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from known import CATALOGUE

from harness.mitigations.base import NotApplicableError
from harness.model import Side
from harness.windows.changes import Change, NoWayError, Setting, changes, way, way_for
from harness.windows.releases import BY_NAME, RELEASES, SCRIPTED

WINDOWS = [server for server in CATALOGUE.servers.values() if server.platform.name == "windows"]


def test_every_file_is_of_a_mitigation() -> None:
    assert set(changes()) <= set(CATALOGUE.mitigations)
    assert set(changes()) >= {
        *("smb1-server-off", "smb1-client-off", "smb1-removed", "signing-required", "encryption-required"),
        *("ntlmv2-only", "guest-off", "smb3-only", "smb311-only", "vendor-patch"),
    }


def applicable(name: str, server: str) -> str:
    """ "" where it can be made, else the reason."""
    one = CATALOGUE.servers[server]
    try:
        CATALOGUE.mitigation(name).changed(one.state, one)
    except NotApplicableError as reason:
        return str(reason)
    return ""


@pytest.mark.parametrize("release", RELEASES, ids=lambda one: one.name)
@pytest.mark.parametrize("name", CATALOGUE.mitigations)
def test_every_release_has_a_way_or_a_reason(name: str, release) -> None:  # type: ignore[no-untyped-def]
    server = CATALOGUE.servers[release.name]
    reason = applicable(name, server.name)
    if reason:
        assert len(reason) > 10
        return
    state = CATALOGUE.mitigation(name).changed(server.state, server)
    if Side.SERVER not in CATALOGUE.mitigation(name).sides:
        assert state == server.state
    elif name == "server-stopped":
        assert not state.running
    else:
        assert state.changes == (name,)
        assert way_for(name, Side.SERVER, release).settings


def test_what_cannot_be_is_said() -> None:
    assert "needs SMB 3.0" in applicable("encryption-required", "windows-7")
    assert "24H2" in applicable("smb3-only", "windows-server-2022")
    assert "downloads no update" in applicable("vendor-patch", "windows-10")
    assert "cannot have PowerShell" in applicable("signing-required", "windows-xp")
    assert "no way to be made on Windows" in applicable("nt-pipe-support-off", "windows-11")
    assert "no optional feature before" in applicable("smb1-removed", "windows-server-2008-r2")
    assert "no SMB1 feature" in applicable("smb1-removed", "samba-4.22")
    for name in ("smb3-only", "smb311-only", "encryption-required", "guest-off", "smb1-removed"):
        assert not applicable(name, "windows-server-2025"), name


def test_a_combination_is_made_in_the_order_of_its_names() -> None:
    server = CATALOGUE.servers["windows-server-2022"]
    both = CATALOGUE.mitigation("signing-required+encryption-required")
    assert both.changed(server.state, server).changes == ("signing-required", "encryption-required")


def test_the_newest_way_wins_and_gaps_do_not_overlap_ways() -> None:
    for name, change in changes().items():
        spans = [(one.side, one.first, one.last or 10**6) for one in change.way]
        spans += [(one.side, one.first, one.last or 10**6) for one in change.gap]
        for one, other in itertools.combinations(spans, 2):
            assert one[0] is not other[0] or one[2] < other[1] or other[2] < one[1], f"{name}: {one} {other}"


def test_cmdlets_are_used_only_where_they_are() -> None:
    """SmbShare came with Windows 8 and Server 2012; optional features of SMB1 with 8.1 and 2012 R2."""
    first = {"smb-server": 9200, "smb-client": 9200, "feature": 9600}
    for change in changes().values():
        for one in change.way:
            for setting in one.settings:
                assert one.first >= first.get(setting.kind, 0), setting
                if setting.name.startswith("SMB1Protocol-"):
                    assert one.first >= 16299
                if setting.name.startswith("Smb2Dialect"):
                    assert one.first >= 26100


def test_registry_and_services_need_a_reboot() -> None:
    for name, change in changes().items():
        for one in change.way:
            if any(setting.kind in ("registry", "service", "feature") for setting in one.settings):
                assert one.reboot, name


@given(st.integers(0, 70000), st.sampled_from(sorted(changes())), st.sampled_from(list(Side)))
def test_no_build_is_left_without_an_answer(build: int, name: str, side: Side) -> None:
    with suppress(NoWayError):
        assert way(name, side, build).has(build)
        return
    with pytest.raises(NoWayError, match=r".{10}"):
        way(name, side, build)


def test_a_setting_is_met_by_the_very_value_only() -> None:
    number = Setting(kind="registry", name="x", path="HKLM:\\x", type="DWord", value=1)
    assert number.met_by(1)
    assert not number.met_by(True)
    assert not number.met_by(None)
    service = Setting(kind="service", name="mrxsmb10", value="disabled")
    assert service.met_by("disabled mrxsmb")
    assert not service.met_by("disabledx")
    depends = Setting(kind="service", name="x", value="auto a/b")
    assert not depends.met_by("auto a")
    feature = Setting(kind="feature", name="SMB1Protocol", value="Disabled")
    assert feature.met_by("DisabledWithPayloadRemoved")
    assert not feature.met_by("Enabled")
    assert not feature.met_by(None)
    with pytest.raises(ValueError, match="path and type"):
        Setting(kind="registry", name="x", value=1)
    with pytest.raises(ValueError, match="way"):
        Change.model_validate({"way": [{"side": "server"}]})


def test_everything_that_needs_windows_says_that_it_never_ran() -> None:
    assert {server.name for server in WINDOWS} == set(BY_NAME)
    guests = [client for client in CATALOGUE.clients.values() if client.name.endswith("-guest")]
    assert len(guests) == len(SCRIPTED)
    said = [(one.title, one.evidence) for one in WINDOWS] + [(one.title, one.evidence) for one in guests]
    for title, evidence in said:
        assert "not verified: never started by this project" in title
        assert any("not verified: never started by this project" in one.what for one in evidence)
