"""The checks beside browse, open and write, by real and emulated clients against real Samba."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from conducting import Stage, conduct
from known import CATALOGUE

from harness.checks import NOT_KEPT_OUT
from harness.clients.base import attempt
from harness.conduct.workers import Pool
from harness.labs.local import LocalLab
from harness.model import Attempt, Check, Dialect, Effect, Outcome, Phase, Side, StepName
from harness.record.reasons import reason
from harness.servers.live import How, LiveServer
from harness.smb.checks.lock import SECOND

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
        if check in client.checks and not (client.guest or client.in_domain_alone or client.by_quic_alone)
        if not client.fidelity.emulated or name in EMULATED
    ]


def do(live: LiveServer, name: str, check: Check) -> Attempt:
    client = CATALOGUE.clients[name]
    if client.image and not live.target.program(client.image, "/bin/true"):
        pytest.skip(f"the image {client.image} of {name} is not built")
    return attempt(client, check, live.target, client.policy)


@pytest.mark.parametrize("name", able(Check.RENAME))
def test_everybody_renames(serve: Serve, name: str) -> None:
    made = do(serve(BOTH), name, Check.RENAME)
    if Check.RENAME in getattr(CATALOGUE.clients[name], "wavers", ()) and made.works is not None:
        # It is known to fail by chance: how often it came through is what is told of it.
        assert made.works[0] > 0, made
        return
    assert made.outcome is Outcome.OK, made
    assert [step.name for step in made.steps if step.name is StepName.RENAME and step.ok] == [StepName.RENAME]


@pytest.mark.parametrize("name", able(Check.PERMISSIONS))
def test_everybody_sees_the_owner(serve: Serve, name: str) -> None:
    made = do(serve(BOTH), name, Check.PERMISSIONS)
    assert made.outcome is Outcome.OK, made
    done = [step.name for step in made.steps if step.ok]
    assert {StepName.QUERY_SECURITY, StepName.CREATE_PIPE, StepName.LOOKUP_SIDS} <= set(done)


@pytest.mark.parametrize("name", able(Check.LOCK))
def test_the_second_person_is_kept_out_until_the_first_one_unlocks(serve: Serve, name: str) -> None:
    made = do(serve(BOTH), name, Check.LOCK)
    assert made.outcome is Outcome.OK, made
    done = {step.name: step for step in made.steps}
    assert {StepName.LOCK, StepName.LOCK_CONFLICT, StepName.UNLOCK, StepName.DELETE} <= set(done)
    if name.startswith("windows") and made.dialect != Dialect.NT1:
        kind = "an oplock" if made.dialect == Dialect.SMB2_02 else "a lease"
        given_up = f"{kind}, given up when the second person came"
        assert done[StepName.OPLOCK_BREAK].detail == given_up
    connections = [step.detail for step in made.steps if step.name is StepName.NEGOTIATE]
    assert connections == ["", SECOND]


# Two of all that can: each moves 128 MiB.
@pytest.mark.parametrize("name", ["windows-10-1703", "smbclient"])
def test_a_large_file_goes_there_and_back(serve: Serve, name: str) -> None:
    live = serve(BOTH)
    client = CATALOGUE.clients[name]
    made = attempt(client, Check.LARGE, live.target.given_time(Check.LARGE), client.policy)
    assert made.outcome is Outcome.OK, made
    assert made.copied is not None
    assert made.copied.size == 64 << 20
    assert made.copied.write_seconds > 0 < made.copied.read_seconds
    if name.startswith("windows"):
        # Samba takes 8 MiB, and Windows sends no more than 1 MiB at once.
        assert (made.copied.write_size, made.copied.read_size) == (1 << 20, 1 << 20)
    left = attempt(CATALOGUE.clients["windows-10-1703"], Check.OPEN, live.target, client.policy)
    assert left.outcome is Outcome.OK


@contextmanager
def share_set(live: LiveServer, **settings: str) -> Iterator[None]:
    before = live.state
    live.become(replace(before, conf=before.conf.with_share(**settings)), How.RESTART)
    try:
        yield
    finally:
        live.become(before, How.RESTART)


@pytest.mark.parametrize("name", ["windows-xp", "windows-10-1703", "smbprotocol"])
def test_a_server_that_keeps_no_locks_keeps_nobody_out(serve: Serve, name: str) -> None:
    live = serve(BOTH)
    with share_set(live, locking="no"):
        made = do(live, name, Check.LOCK)
    assert (made.step, made.status, made.side) == (StepName.LOCK_CONFLICT, NOT_KEPT_OUT, Side.SERVER)
    assert "a second person" in reason(made)


def test_without_oplocks_nothing_is_to_be_given_up(serve: Serve) -> None:
    live = serve(BOTH)
    with share_set(live, oplocks="no"):
        made = do(live, "windows-10-1703", Check.LOCK)
    assert made.outcome is Outcome.OK
    assert StepName.OPLOCK_BREAK not in {step.name for step in made.steps}


CHANGES = "nt-pipe-support-off,signing-required,encryption-required"
WHO = "windows-7,windows-10-1703,smbprotocol,smbclient"


def test_changes_take_away_the_checks_that_need_what_they_take(
    lab: LocalLab, pool: Pool, tmp_path: Path
) -> None:
    """All of it through baseline, applied and rolled back on one kind of server."""
    selector = f"{CHANGES}:{BOTH}:{WHO}:rename,permissions,lock"
    result = conduct(tmp_path / "run", [selector], Stage(lab), pool)
    lost = {cell.cell: cell for cell in result.cells if cell.effect is Effect.LOST}
    assert {(cell.cell.client, cell.cell.check) for cell in result.cells if cell.effect is Effect.NEVER} == {
        ("smbclient", "lock")
    }
    assert {(one.mitigation, one.client, one.check) for one in lost} == {
        *(("nt-pipe-support-off", client, "permissions") for client in WHO.split(",")),
        # SMB 2.1 has no encryption.
        *(("encryption-required", "windows-7", check) for check in ("rename", "permissions", "lock")),
    }
    assert all(cell.restored for cell in lost.values())
    for cell in lost.values():
        if cell.cell.mitigation == "nt-pipe-support-off":
            applied = cell.phases[Phase.APPLIED]
            assert (applied.step, applied.status) == (StepName.CREATE_PIPE, "STATUS_ACCESS_DENIED")
            assert "the owner's name needs lsarpc" in cell.cause
            assert ("S-1-" in cell.user_sees) is cell.cell.client.startswith("windows")
