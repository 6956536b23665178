"""The checks beside browse, open and write, by real and emulated clients against real Samba."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from conducting import Stage, conduct
from known import CATALOGUE

from harness.clients.base import attempt
from harness.conduct.workers import Pool
from harness.labs.local import LocalLab
from harness.model import Attempt, Check, Effect, Outcome, Phase, StepName
from harness.servers.live import LiveServer

pytestmark = pytest.mark.local_lab

Serve = Callable[[str], LiveServer]
BOTH = "samba-4.22-smb1"
MODERN = "samba-4.22"
EMULATED = ("windows-xp", "windows-vista", "windows-7", "windows-10-1703", "windows-11-24h2")


def able(check: Check) -> list[str]:
    """Everybody who runs in this lab and says that he can, of the emulated ones a few."""
    return [
        name
        for name, client in CATALOGUE.clients.items()
        if check in client.checks and not client.guest and (not client.fidelity.emulated or name in EMULATED)
    ]


def do(live: LiveServer, name: str, check: Check) -> Attempt:
    client = CATALOGUE.clients[name]
    if client.image and not live.target.program(client.image, "/bin/true"):
        pytest.skip(f"the image {client.image} of {name} is not built")
    return attempt(client, check, live.target, client.policy)


@pytest.mark.parametrize("name", able(Check.RENAME))
def test_everybody_renames(serve: Serve, name: str) -> None:
    made = do(serve(BOTH), name, Check.RENAME)
    assert made.outcome is Outcome.OK, made
    assert [step.name for step in made.steps if step.name is StepName.RENAME and step.ok] == [StepName.RENAME]


@pytest.mark.parametrize("name", able(Check.PERMISSIONS))
def test_everybody_sees_the_owner(serve: Serve, name: str) -> None:
    made = do(serve(BOTH), name, Check.PERMISSIONS)
    assert made.outcome is Outcome.OK, made
    done = [step.name for step in made.steps if step.ok]
    assert {StepName.QUERY_SECURITY, StepName.CREATE_PIPE, StepName.LOOKUP_SIDS} <= set(done)


CHANGES = "nt-pipe-support-off,signing-required,encryption-required"
WHO = "windows-7,windows-10-1703,smbclient,impacket"


def test_changes_take_away_the_checks_that_need_what_they_take(
    lab: LocalLab, pool: Pool, tmp_path: Path
) -> None:
    """All of it through baseline, applied and rolled back on one kind of server."""
    selector = f"{CHANGES}:{BOTH}:{WHO}:rename,permissions"
    result = conduct(tmp_path / "run", [selector], Stage(lab), pool)
    lost = {cell.cell: cell for cell in result.cells if cell.effect is not Effect.KEPT}
    assert {(one.mitigation, one.client, one.check) for one in lost} == {
        *(("nt-pipe-support-off", client, "permissions") for client in WHO.split(",")),
        # SMB 2.1 has no encryption.
        *(("encryption-required", "windows-7", check) for check in ("rename", "permissions")),
    }
    assert all(cell.restored for cell in result.cells)
    for cell in lost.values():
        if cell.cell.mitigation == "nt-pipe-support-off":
            applied = cell.phases[Phase.APPLIED]
            assert (applied.step, applied.status) == (StepName.CREATE_PIPE, "STATUS_ACCESS_DENIED")
            assert "the owner's name needs lsarpc" in cell.cause
            assert ("S-1-" in cell.user_sees) is cell.cell.client.startswith("windows")
