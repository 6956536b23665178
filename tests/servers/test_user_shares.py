"""What Debian's own defaults change at the upgrade from Debian 13 to 14: shares that users made are gone."""

from __future__ import annotations

from pathlib import Path

import pytest
from conducting import Stage, carry_out
from known import CATALOGUE

from harness.conduct.workers import Pool
from harness.labs.local import LocalLab
from harness.model import Effect, Phase
from harness.planning import planner, scenario

SCENARIO = "user-shares-after-upgrade"
SILENT, SPELLED = "samba-4.22-user-share", "samba-4.22-user-share-set"
CHANGED = ("usershare max shares = 0 (was 100)", "smb3 unix extensions = Yes (was No)")


def test_a_pattern_does_not_mean_them() -> None:
    def servers(selector: str) -> set[str]:
        return {cell.server for cell in planner.from_selectors(CATALOGUE, [selector]).cells}

    for pattern in ("*", "samba-4.22*", "samba-*"):
        assert not {SILENT, SPELLED} & servers(f"none:{pattern}:smbclient:open")
    assert servers("none:samba-4.22-user-share*:smbclient:open") == {SILENT, SPELLED}


@pytest.mark.local_lab
@pytest.mark.xdist_group("domain")
def test_they_are_gone_where_smb_conf_is_silent_and_come_back_with_the_old_release(
    domain_lab: LocalLab, pool: Pool, tmp_path: Path
) -> None:
    """With libuid_wrapper of the domain's images also in the lab of an ordinary user."""
    made = planner.from_scripts(CATALOGUE, SCENARIO, [scenario.find(CATALOGUE, SCENARIO)])
    result = carry_out(tmp_path / "run", made, Stage(domain_lab), pool)
    assert result.complete
    assert [f"{one.cell}: {one.effect} {one.cause}" for one in result.cells if not one.expected] == []
    lost = [one for one in result.cells if one.effect is Effect.LOST]
    assert {(one.cell.server, one.cell.check) for one in lost} == {(SILENT, "open"), (SILENT, "write")}
    assert {one.phases[Phase.APPLIED].status for one in lost} == {"STATUS_BAD_NETWORK_NAME"}
    assert all(one.restored for one in lost)
    told = {one.server: one.took_effect for one in result.applied}
    both = {name: {one for one in CHANGED if one in said} for name, said in told.items()}
    assert both == {SILENT: set(CHANGED), SPELLED: {"smb3 unix extensions = Yes (was No)"}}
