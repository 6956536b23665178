"""The checks beside browse, open and write, by real and emulated clients against real Samba."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from known import CATALOGUE

from harness.clients.base import attempt
from harness.model import Attempt, Check, Outcome, StepName
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
