"""A refusal is believed when the server serves the step that was refused, not when it answers a NEGOTIATE."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace

import pytest
from bad_servers import Answer, be_in_trouble, garbage, hang, hang_up, meddler, tear
from known import CATALOGUE

from harness.conduct.refusals import Verification
from harness.conduct.workers import Done, Order, do
from harness.labs.local import LocalLab
from harness.labs.samba import SambaServer
from harness.model import Attempt, CellId, Check, Outcome, Side, StepName, Target
from harness.servers.live import LiveServer

pytestmark = pytest.mark.local_lab

SERVER = "samba-4.22-smb1"
REFUSAL = Attempt(
    Outcome.REFUSED, step=StepName.SESSION_SETUP, status="STATUS_LOGON_FAILURE", side=Side.SERVER
)


def heard(live: LiveServer, *made: tuple[str, Check]) -> list[Attempt]:
    """What attempts on a server come to, each by a client of that name."""
    kept: dict[CellId, Attempt] = {}
    verification = Verification(CATALOGUE.clients, live, kept.__setitem__)
    cells = [CellId("none", SERVER, name, str(check)) for name, check in made]
    for cell, (name, check) in zip(cells, made, strict=True):
        verification.hear(
            cell, do(CATALOGUE, Order(name, check, live.target, CATALOGUE.clients[name].policy))
        )
    verification.settle()
    return [kept[cell] for cell in cells]


@pytest.fixture
def live(lab: LocalLab, serve: Callable[[str], LiveServer]) -> LiveServer:
    assert lab
    return serve(SERVER)


def spoilt(live: LiveServer, after: int, then: Answer) -> AbstractContextManager[Target]:
    """The server behind a relay that spoils every connection after so many answers."""
    return meddler(live.target, after, then, seconds=1.0)


# 1: an SMB2 NEGOTIATE is answered, and nothing behind it. Windows 10 opens with an SMB1-framed one.
CLIENTS = {"linux-cifs-5.10": 1, "windows-10-1703": 2, "smbprotocol": 1}


@pytest.mark.parametrize("then", [hang, hang_up, tear, garbage], ids=lambda then: then.__name__)
@pytest.mark.parametrize("name", [name for name in CLIENTS if name in CATALOGUE.clients])
def test_who_is_left_alone_at_the_session_setup_was_not_refused(
    live: LiveServer, monkeypatch: pytest.MonkeyPatch, name: str, then: Answer
) -> None:
    assert isinstance(live, SambaServer)
    with spoilt(live, CLIENTS[name], then) as target:
        monkeypatch.setattr(live, "target", target)
        (made,) = heard(live, (name, Check.OPEN))
    assert made.outcome is Outcome.FAULT, made


@pytest.mark.parametrize(("check", "after"), [(Check.OPEN, 4), (Check.BROWSE, 5)])
def test_further_steps_count_too(
    live: LiveServer, monkeypatch: pytest.MonkeyPatch, check: Check, after: int
) -> None:
    """The session is set up; the tree connect or the pipe is not answered."""
    assert isinstance(live, SambaServer)
    with spoilt(live, after, hang) as target:
        monkeypatch.setattr(live, "target", target)
        (made,) = heard(live, ("windows-10-1703", check))
    assert made.outcome is Outcome.FAULT
    assert "not healthy right after: the control client got TIMEOUT" in made.note


@pytest.mark.parametrize("then", [hang, be_in_trouble], ids=lambda then: then.__name__)
def test_a_proper_refusal_by_a_server_that_then_serves_nobody(
    live: LiveServer, monkeypatch: pytest.MonkeyPatch, then: Answer
) -> None:
    assert isinstance(live, SambaServer)
    cell = CellId("none", SERVER, "windows-7", "open")
    kept: dict[CellId, Attempt] = {}
    with spoilt(live, 2, then) as target:
        monkeypatch.setattr(live, "target", target)
        verification = Verification(CATALOGUE.clients, live, kept.__setitem__)
        verification.hear(cell, Done(REFUSAL, None))
        verification.settle()
    assert kept[cell].outcome is Outcome.FAULT


def test_who_alone_is_cut_off_was_refused(live: LiveServer) -> None:
    """The server hangs up on it, and serves the lab's own client as far as that step: its policy."""
    cells = [CellId("none", SERVER, "windows-7", str(step)) for step in StepName]
    kept: dict[CellId, Attempt] = {}
    verification = Verification(CATALOGUE.clients, live, kept.__setitem__)
    for cell, step in zip(cells, StepName, strict=True):
        for status in ("CLOSED", "TIMEOUT"):
            verification.hear(cell, Done(replace(REFUSAL, step=step, status=status), None))
    verification.settle()
    assert {cell.check: made.note for cell, made in kept.items() if made.outcome is not Outcome.REFUSED} == {}
    assert len(kept) == len(cells)
