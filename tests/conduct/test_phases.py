"""How a server is shown to be healthy before the attempts of a phase."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from conducting import Moment, Stage, Tripwire, conduct, hear_looks

from harness.conduct import phases, refusals
from harness.conduct.workers import Order, Pool
from harness.labs.local import LocalLab
from harness.labs.samba import SambaServer
from harness.model import Outcome, Phase, Target
from harness.smb import control

pytestmark = pytest.mark.local_lab

SERVER = "samba-4.22"


class Watched:
    """The orders that were handed out, and the sessions of the control client, by phase. All are real."""

    def __init__(self, lab: LocalLab, pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
        self.phase = ""
        self.orders: list[tuple[str, str, str]] = []
        self.proofs: list[str] = []
        self.stage = Stage(lab, self._enter)
        self.pool = Tripwire(pool, self._ordered)
        real = control.control

        def spy(target: Target) -> object:
            # The lab proves itself that what it starts serves: before the first phase, and on the way to one.
            if self.phase:
                self.proofs.append(self.phase)
            return real(target)

        monkeypatch.setattr(control, "control", spy)

    def _enter(self, now: Moment) -> None:
        self.phase = str(now.phase)

    def _ordered(self, order: Order) -> None:
        self.orders.append((self.phase, order.client, str(order.check)))


@pytest.fixture
def watched(lab: LocalLab, pool: Pool, monkeypatch: pytest.MonkeyPatch) -> Watched:
    return Watched(lab, pool, monkeypatch)


def test_who_comes_through_first_is_the_proof(watched: Watched, tmp_path: Path) -> None:
    cells = [f"none:{SERVER}:windows-xp,windows-10-1703:open,write"]
    result = conduct(tmp_path, cells, watched.stage, watched.pool, at_once=1)
    assert watched.proofs == []
    assert watched.orders[0] == ("baseline", "windows-10-1703", "open"), "the likeliest to be let in"
    assert len(watched.orders) == len(set(watched.orders)) == 4, "and it is not made again"
    outcomes = {cell.cell.client: cell.phases[Phase.BASELINE].outcome for cell in result.cells}
    assert outcomes == {"windows-xp": Outcome.REFUSED, "windows-10-1703": Outcome.OK}


def test_where_it_does_not_the_control_client_is(watched: Watched, tmp_path: Path) -> None:
    result = conduct(
        tmp_path, [f"none:{SERVER}:windows-xp:open,write"], watched.stage, watched.pool, at_once=1
    )
    assert watched.proofs == ["baseline"]
    assert watched.orders == [("baseline", "windows-xp", check) for check in ("open", "open", "write")]
    assert {cell.phases[Phase.BASELINE].outcome for cell in result.cells} == {Outcome.REFUSED}


def test_after_the_rollback_only_who_came_through_before_is_asked_first(
    watched: Watched, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As where the machine is slow: nobody was served so short a time ago.
    monkeypatch.setattr(phases, "SOON", -1.0)
    cells = [f"signing-required:{SERVER}:windows-xp,windows-7:open"]
    result = conduct(tmp_path, cells, watched.stage, watched.pool, at_once=1)
    first = {phase: client for phase, client, _ in reversed(watched.orders)}
    assert first[str(Phase.BASELINE)] == first[str(Phase.ROLLED_BACK)] == "windows-7"
    assert watched.proofs == ["applied"], "the changed phase, where no client need come through, has its own"
    assert {cell.cell.client: cell.restored for cell in result.cells}["windows-7"]


@pytest.mark.parametrize(
    ("change", "proofs"), [("signing-required", []), ("nt-pipe-support-off-reload", ["applied"])]
)
def test_what_was_served_just_now_as_it_came_up_is_the_proof_of_a_changed_server(
    watched: Watched, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str, proofs: list[str]
) -> None:
    """Not where it has changed since: what reads its configuration again has served nobody yet."""
    monkeypatch.setattr(phases, "SOON", 600.0)
    result = conduct(
        tmp_path, [f"{change}:{SERVER}:windows-7:browse,open"], watched.stage, watched.pool, at_once=1
    )
    assert watched.proofs == proofs
    assert Outcome.FAULT not in {made.outcome for cell in result.cells for made in cell.phases.values()}


def test_who_is_likely_to_come_through_comes_last_and_verifies_who_is_refused(
    watched: Watched, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[str] = []
    hear_looks(monkeypatch, lambda _: looks.append(watched.phase))
    # Whatever the machine does meanwhile.
    for soon in ("SOON", "AT_ONCE"):
        monkeypatch.setattr(refusals, soon, 60.0)
    cells = [f"signing-required:{SERVER}:windows-7,windows-xp:open,write"]
    result = conduct(tmp_path, cells, watched.stage, watched.pool, at_once=1)
    orders = [(client, check) for phase, client, check in watched.orders if phase == Phase.APPLIED]
    assert orders[-1] == ("windows-7", "open")
    assert len(orders) == 4
    assert str(Phase.APPLIED) not in looks
    assert str(Phase.ROLLED_BACK) not in looks
    outcomes = {cell.cell.client: cell.phases[Phase.APPLIED].outcome for cell in result.cells}
    assert outcomes["windows-xp"] is Outcome.REFUSED
    assert outcomes["windows-7"] is Outcome.OK


def test_a_server_that_hangs_before_a_phase_is_a_fault(lab: LocalLab, pool: Pool, tmp_path: Path) -> None:
    stopped: list[int] = []

    def enter(now: Moment) -> None:
        assert isinstance(now.live, SambaServer)
        now.live.target = replace(now.live.target, seconds=0.5)
        stopped.append(now.live.software().pid)
        os.kill(stopped[0], signal.SIGSTOP)

    try:
        result = conduct(tmp_path, [f"none:{SERVER}:windows-7:open"], Stage(lab, enter), pool)
    finally:
        with suppress(ProcessLookupError):
            os.kill(stopped[0], signal.SIGCONT)
    (cell,) = result.cells
    assert cell.phases[Phase.BASELINE].outcome is Outcome.FAULT
    assert f"{SERVER} does not serve: the control client got TIMEOUT" in cell.phases[Phase.BASELINE].note
