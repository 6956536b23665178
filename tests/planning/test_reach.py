"""What the vagrant lab can reach on this machine; nothing is started."""

from __future__ import annotations

from importlib import metadata

import pytest
from known import CATALOGUE

from harness.errors import UsageError
from harness.labs.images import steps
from harness.model import Tier
from harness.planning import planner, reach


@pytest.fixture(autouse=True)
def _empty_cache(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
    reach._absent.cache_clear()


def test_the_local_lab_reaches_all() -> None:
    made = planner.from_selectors(CATALOGUE, ["vendor-patch:samba-4.13:curl:open"])
    assert reach.within_reach(CATALOGUE, made) is made


@pytest.mark.parametrize("lab", list(Tier))
def test_clients_whose_software_is_not_here_are_left_out_and_named(
    monkeypatch: pytest.MonkeyPatch, lab: Tier
) -> None:
    """As after a plain "pip install .", on a machine without npm, whose images are not built yet."""

    def version(package: str) -> str:
        raise metadata.PackageNotFoundError(package)

    monkeypatch.setattr(metadata, "version", version)
    monkeypatch.setattr(steps, "here", lambda _program: None)
    monkeypatch.setattr(reach, "_absent", lambda _: "")
    made = planner.from_selectors(CATALOGUE, ["none:samba-4.17:pysmb,node-smb2,jcifs,windows-7:open"], lab)
    left = reach.within_reach(CATALOGUE, made)
    assert [cell.client for cell in left.cells] == ["jcifs", "windows-7"]
    assert {one.subject: one.reason for one in left.not_applicable} == {
        "pysmb": "its library pysmb is not installed: see rehearse doctor",
        "node-smb2": "its library is not in the image clients, which has no npm: see rehearse doctor",
    }
    assert left.not_rehearsed == made.not_rehearsed + 2
    with pytest.raises(UsageError, match="no cell is left to rehearse: its library pysmb is not installed"):
        reach.within_reach(CATALOGUE, planner.from_selectors(CATALOGUE, ["none:samba-4.17:pysmb:open"], lab))


def test_an_image_that_is_not_built_will_have_what_npm_brings(monkeypatch: pytest.MonkeyPatch) -> None:
    made = planner.from_selectors(CATALOGUE, ["none:samba-4.17:node-smb2:open"])
    monkeypatch.setattr(steps, "here", lambda _program: "/usr/bin/npm")
    assert reach.within_reach(CATALOGUE, made) is made


def test_guests_without_a_box_leave_the_rest_alone() -> None:
    made = planner.from_selectors(
        CATALOGUE, ["none:samba-4.17:windows-7,windows-7-guest,windows-xp*:open"], Tier.VAGRANT
    )
    left = reach.within_reach(CATALOGUE, made)
    assert "none:samba-4.17:windows-7:open" in map(str, left.cells)
    assert all(not cell.client.endswith("-guest") for cell in left.cells)
    reasons = {one.subject: one.reason for one in left.not_applicable}
    assert "is none for libvirt but for virtualbox" in reasons["windows-7-guest"]
    made = planner.from_selectors(
        CATALOGUE, ["none:samba-4.17:windows-7,windows-11-guest:open"], Tier.VAGRANT
    )
    (only,) = reach.within_reach(CATALOGUE, made).not_applicable
    assert "rehearse boxes fetch windows-11-24h2 --provider libvirt" in only.reason


def test_who_is_connected_is_not_asked_where_a_rollback_restores_the_machine() -> None:
    """Neither a restart that the change did not need nor a snapshot says anything of the rollback."""
    cells = "smb3-only@reload:samba-4.17:windows-7:connected,open"
    local = planner.from_selectors(CATALOGUE, [cells])
    assert {cell.check for cell in local.cells} == {"connected", "open"}
    guests = planner.from_selectors(CATALOGUE, [cells], Tier.VAGRANT)
    assert {cell.check for cell in guests.cells} == {"open"}
    (one,) = guests.not_applicable
    assert one.subject == "samba-4.17"
    assert "the check connected is the local lab's alone" in one.reason
    assert guests.not_rehearsed == 1


def test_nobody_looks_for_a_server_of_a_domain_in_network() -> None:
    """Every cell of such a run was a fault: no nmbd runs in a domain of the lab."""
    cells = "mdns-on:samba-ad-dc,samba-ad-member,samba-4.22:windows-7:discover,open"
    made = planner.from_selectors(CATALOGUE, [cells])
    asked = {
        cell.server: {one.check for one in made.cells if one.server == cell.server} for cell in made.cells
    }
    alone = {"open"}
    assert asked == {"samba-ad-dc": alone, "samba-ad-member": alone, "samba-4.22": {"open", "discover"}}
    assert {one.subject for one in made.not_applicable} == {"samba-ad-dc", "samba-ad-member"}
    assert {one.reason.partition(" is ")[0] for one in made.not_applicable} == {
        "whether a server of a domain"
    }


def test_a_machine_is_not_server_and_client_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reach, "_absent", lambda _: "")
    cells = "signing-required:windows-server-2022,samba-4.17:windows-server-2022-guest,windows-10-guest:open"
    left = reach.within_reach(CATALOGUE, planner.from_selectors(CATALOGUE, [cells], Tier.VAGRANT))
    # Of the other server's job too: both may run at the same time.
    assert [(cell.server, cell.client) for cell in left.cells] == [
        ("windows-server-2022", "windows-10-guest"),
        ("samba-4.17", "windows-10-guest"),
    ]
    reasons = {one.subject: one.reason for one in left.not_applicable}
    assert reasons == {
        "windows-server-2022-guest": (
            "its machine windows-server-2022 is under change in the same run: take two runs"
        )
    }
    alone = planner.from_selectors(
        CATALOGUE, ["signing-required:samba-4.17:windows-server-2022-guest:open"], Tier.VAGRANT
    )
    assert len(reach.within_reach(CATALOGUE, alone).cells) == 1


def test_packages_that_no_guest_has() -> None:
    made = planner.from_selectors(
        CATALOGUE, ["release-upgrade,vendor-patch:samba-4.13:windows-7:open"], Tier.VAGRANT
    )
    left = reach.within_reach(CATALOGUE, made)
    assert [job.mitigation for job in left.jobs] == ["vendor-patch"]
    assert any("has no packages of" in one.reason for one in left.not_applicable)


def test_nothing_left_says_why() -> None:
    made = planner.from_selectors(CATALOGUE, ["release-upgrade:samba-4.13:windows-7:open"], Tier.VAGRANT)
    with pytest.raises(UsageError, match="has no packages of"):
        reach.within_reach(CATALOGUE, made)


def test_a_guest_elsewhere_cannot_be_watched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reach, "_absent", lambda _: "")
    changes = "smb1-client-off,signing-client-required,signing-required"
    cells = [f"{changes}:samba-4.17:windows-7-guest,windows-10-1703:open"]
    made = planner.from_selectors(CATALOGUE, cells, Tier.VAGRANT)
    assert reach.within_reach(CATALOGUE, made) == made
    left = reach.within_reach(CATALOGUE, made, tunnel=True)
    gone = {*map(str, made.cells)} - {*map(str, left.cells)}
    assert gone == {"smb1-client-off:samba-4.17:windows-7-guest:open"}
    assert any("cannot be seen here" in one.reason for one in left.not_applicable)


def test_the_guests_of_a_plan() -> None:
    cells = ["none:samba-4.13,sles11-like,samba-4.17:linux-cifs-kernel-2.1:open"]
    made = planner.from_selectors(CATALOGUE, cells, Tier.VAGRANT)
    assert reach.server_guests(CATALOGUE, made) == ["samba-bullseye", "samba-bookworm"]
    assert made.guests(CATALOGUE) == ("kernel-client",)
    assert made.images(CATALOGUE) == ()


MEMBER = "samba-ad-member-4.17"


def test_a_member_of_the_domain_is_a_guest_and_its_controller_runs_beside_it() -> None:
    cells = f"ntlm-off-domain:{MEMBER}:linux-cifs-kernel-kerberos,smbclient:open,open-by-address"
    made = planner.from_selectors(CATALOGUE, [cells], Tier.VAGRANT)
    assert made.images(CATALOGUE) == ("trixie-domain", "trixie")
    assert reach.server_guests(CATALOGUE, made) == ["samba-bookworm-member"]
    assert made.guests(CATALOGUE) == ("kernel-client",)
    assert reach.within_reach(CATALOGUE, made) is made
    with pytest.raises(UsageError, match="its domain controller runs on this machine, beside guests of"):
        reach.within_reach(CATALOGUE, made, remote=True)


def test_of_the_domain_the_other_servers_are_the_local_labs() -> None:
    with pytest.raises(UsageError, match="it lives in another lab: --lab local"):
        planner.from_selectors(CATALOGUE, ["none:samba-ad-dc:smbclient:open"], Tier.VAGRANT)
