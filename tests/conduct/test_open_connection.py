"""A client that stays connected while the server is changed under it."""

from __future__ import annotations

from pathlib import Path

import pytest
from conducting import Stage, attempts, conduct
from known import CATALOGUE

from harness.conduct.open_connection import OpenConnection
from harness.conduct.workers import Pool
from harness.labs.local import LocalLab
from harness.model import Effect, Outcome, Phase, StepName
from harness.servers.live import How

pytestmark = pytest.mark.local_lab
RELOAD = "nt-pipe-support-off-reload"
CLIENT = "windows-10-1703"


@pytest.mark.parametrize(
    ("server", "effect"),
    [
        # Measured: 4.13 keeps the setting that a connection began with, 4.17 and later do not.
        ("samba-4.13", Effect.KEPT),
        ("samba-4.17", Effect.LOST),
        ("samba-4.22", Effect.LOST),
        ("samba-4.25", Effect.LOST),
    ],
)
def test_a_reload_reaches_open_connections_in_some_releases(
    lab: LocalLab, pool: Pool, tmp_path: Path, server: str, effect: Effect
) -> None:
    result = conduct(tmp_path, [f"{RELOAD}:{server}:{CLIENT}:browse,browse-connected"], Stage(lab), pool)
    new, connected = result.cells
    assert new.effect is Effect.LOST
    assert connected.effect is effect
    assert new.restored
    assert connected.restored
    denied = connected.phases[Phase.APPLIED]
    if effect is Effect.LOST:
        assert (denied.step, denied.status) == (StepName.CREATE_PIPE, "STATUS_ACCESS_DENIED")


def test_a_restart_reaches_everybody(lab: LocalLab, pool: Pool, tmp_path: Path) -> None:
    """The connection ends with the old smbd; the client connects anew and meets the new setting."""
    result = conduct(
        tmp_path, [f"nt-pipe-support-off:samba-4.13:{CLIENT}:browse-connected"], Stage(lab), pool
    )
    (phases,) = attempts(result).values()
    assert phases[Phase.APPLIED].step is StepName.CREATE_PIPE
    # Anew from the first step, not the remains of the connection that ended.
    assert phases[Phase.APPLIED].steps[0].name is StepName.CONNECT
    assert phases[Phase.ROLLED_BACK].outcome is Outcome.OK
    assert result.cells[0].effect is Effect.LOST


def test_the_connection_is_really_the_old_one(lab: LocalLab) -> None:
    client = CATALOGUE.clients[CLIENT]
    with lab.serve(CATALOGUE.servers["samba-4.13"]) as live, OpenConnection(client, live) as held:
        first = held.attempt(client.policy, expect_down=False).attempt
        again = held.attempt(client.policy, expect_down=False).attempt
        assert first.outcome is again.outcome is Outcome.OK
        assert first.steps[0].name is StepName.CONNECT
        assert [step.name for step in again.steps] == [StepName.CREATE_PIPE, StepName.ENUMERATE_SHARES]


def test_a_server_that_is_gone_refuses_no_held_client(lab: LocalLab) -> None:
    client = CATALOGUE.clients[CLIENT]
    with lab.serve(CATALOGUE.servers["samba-4.13"]) as live, OpenConnection(client, live) as held:
        assert held.attempt(client.policy, expect_down=False).attempt.outcome is Outcome.OK
        before = live.state
        CATALOGUE.mitigation("server-stopped").apply(live)
        wanted = held.attempt(client.policy, expect_down=True)
        assert (wanted.attempt.status, wanted.healthy) == ("RESET", True)
        unwanted = held.attempt(client.policy, expect_down=False)
        assert not unwanted.healthy
        live.become(before, How.RESTART)
        assert held.attempt(client.policy, expect_down=False).attempt.outcome is Outcome.OK
