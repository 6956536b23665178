"""Real servers: combinations that surprise, and the interactions that guides warn of."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest
from conducting import Stage, carry_out
from known import CATALOGUE

from harness.balance.interactions import Known, interactions
from harness.balance.pareto_front import tables
from harness.balance.surprise import Kind, lost_twice, surprises
from harness.conduct.workers import Pool
from harness.labs.local import LocalLab
from harness.model import CellId, Effect
from harness.planning import planner, scenario
from harness.result import RunResult

pytestmark = pytest.mark.local_lab


def texts(cells: Iterable[CellId]) -> list[str]:
    return sorted(f"{cell.client}:{cell.check}" for cell in cells)


def rehearsed(name: str, lab: LocalLab, pool: Pool, folder: Path) -> RunResult:
    """A scenario of this project, carried out with its probes."""
    made = planner.from_scripts(CATALOGUE, name, [scenario.find(CATALOGUE, name)], probes=True)
    result = carry_out(folder, made, Stage(lab), pool)
    assert result.complete
    assert [str(cell.cell) for cell in result.cells if not cell.expected] == []
    return result


def test_every_pair_is_measured_and_what_surprises_is_found(
    lab: LocalLab, pool: Pool, tmp_path: Path
) -> None:
    """Windows 10 knows AES-128 alone: requiring encryption costs it nothing, AES-256 alone neither."""
    made = planner.pairwise(
        CATALOGUE,
        ["aes256-only,encryption-required,guest-off:samba-4.22:windows-10-1703,smbclient:open"],
        most=2,
    )
    result = carry_out(tmp_path / "run", made, Stage(lab), pool)
    both = "aes256-only+encryption-required"
    effects = {str(cell.cell): cell.effect for cell in result.cells}
    assert effects["aes256-only:samba-4.22:windows-10-1703:open"] is Effect.KEPT
    assert effects["encryption-required:samba-4.22:windows-10-1703:open"] is Effect.KEPT
    assert effects[f"{both}:samba-4.22:windows-10-1703:open"] is Effect.LOST
    (found,) = surprises(result)
    assert (found.kind, found.mitigation, str(found.cell)) == (
        Kind.COSTS_MORE,
        both,
        f"{both}:samba-4.22:windows-10-1703:open",
    )


def test_pipes_off_leaves_rap_until_smb1_goes_too(lab: LocalLab, pool: Pool, tmp_path: Path) -> None:
    result = rehearsed("interactions-1-pipes-and-rap", lab, pool, tmp_path / "run")
    both = "nt-pipe-support-off+smb1-server-off"
    for server in ("samba-4.22-smb1", "sles11-like"):
        (found,) = [one for one in interactions(result) if one.server == server]
        assert (found.known, found.cures) == (Known.PIPES_LEAVE_RAP, (both,))
        assert texts(found.cells) == ["samba-smbclient-3:browse"]
        (table,) = [one for one in tables(result) if one.server == server]
        by_name = {one.balance.mitigation: one.balance for one in table.standings}
        assert "rap-listing" in by_name["nt-pipe-support-off"].still_open
        assert {"rap-listing", "smb1-spoken", "unauthenticated-pipes"} <= set(by_name[both].closed)
        assert all(one.rolled_back for name, one in by_name.items() if name != "none")


def test_a_network_disk_is_broken_twice(lab: LocalLab, pool: Pool, tmp_path: Path) -> None:
    result = rehearsed("interactions-2-nas-broken-twice", lab, pool, tmp_path / "run")
    found = lost_twice(result)
    assert texts(one.cell for one in found) == ["windows-10-1703:open", "windows-7:open"]
    for one in found:
        assert (one.server, one.parts) == (
            "consumer-nas",
            (("smb1-client-off", "negotiate"), ("guest-off", "session-setup")),
        )


def test_signing_shuts_out_guests_when_the_client_requires_it_alone(
    lab: LocalLab, pool: Pool, tmp_path: Path
) -> None:
    result = rehearsed("interactions-3-signing-and-guests", lab, pool, tmp_path / "run")
    on_share = {one.mitigation: one for one in interactions(result) if one.server == "guest-share"}
    everybody = ["smbclient-4.13:open", "windows-10-1703:open", "windows-7:open"]
    assert on_share["signing-client-required"].known is Known.SIGNING_SHUTS_GUESTS
    assert texts(on_share["signing-client-required"].cells) == everybody
    assert on_share["signing-required"].known is Known.SIGNING_SPARES_GUESTS
    # What Windows does there is not settled, and such a cell shows nothing.
    assert texts(on_share["signing-required"].cells) == ["smbclient-4.13:open"]
    (opened,) = [
        one.opened
        for table in tables(result)
        for one in (standing.balance for standing in table.standings)
        if (one.server, one.mitigation) == ("guest-share", "signing-required")
    ]
    assert opened == ("signing-not-enforced",)


def test_the_word_smb3_means_311(lab: LocalLab, pool: Pool, tmp_path: Path) -> None:
    result = rehearsed("interactions-4-the-word-smb3", lab, pool, tmp_path / "run")
    found = interactions(result)
    assert [(one.known, one.server, one.same) for one in found] == [
        (Known.ALIAS_IS_311, "samba-4.13", 4),
        (Known.ALIAS_IS_311, "samba-4.22", 4),
    ]
    assert all(texts(one.cells) == ["linux-cifs-4.13:open", "windows-8.1:open"] for one in found)


def test_what_is_encrypted_needs_no_signature(lab: LocalLab, pool: Pool, tmp_path: Path) -> None:
    """Both together are no surprise: an unsigned session that is encrypted is not one that went unsigned."""
    made = planner.pairwise(
        CATALOGUE, ["encryption-required,signing-required:samba-4.13:smbclient:open"], probes=True
    )
    result = carry_out(tmp_path / "run", made, Stage(lab), pool)
    assert not surprises(result)
    (table,) = tables(result)
    assert not any(standing.balance.opened for standing in table.standings)
