"""What breaks while a rehearsal runs is a fault of its own cells, never a refusal; the rest goes on."""

from __future__ import annotations

import ipaddress
import os
import re
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest
from conducting import Moment, Stage, Tripwire, attempts, conduct, worker_of
from known import CATALOGUE

from harness.clients.base import Client
from harness.conduct import phases as phase_code
from harness.conduct.workers import Order, Pool
from harness.errors import LabFault
from harness.labs.local import LocalLab
from harness.labs.roots.mounts import mount
from harness.labs.samba import SambaServer
from harness.model import Effect, Outcome, Phase, Target
from harness.servers.base import Conf, Server
from harness.servers.live import LiveServer, target_of_clients
from harness.system.deadline import wait_for
from harness.verbs.ending import FAULT, exit_status

pytestmark = pytest.mark.local_lab

CHANGE = "signing-required"
VICTIM, OTHER = "samba-4.22", "samba-4.13"
BOTH = (f"{CHANGE}:{VICTIM}:windows-7:open,write", f"{CHANGE}:{OTHER}:windows-7:open")


def kill_smbd(live: LiveServer) -> None:
    os.kill(live.software().pid, signal.SIGKILL)


@pytest.fixture
def proved_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where nobody was served for a second: the server is shown to be healthy once more."""
    monkeypatch.setattr(phase_code, "SOON", -1.0)


def test_smbd_killed_after_it_served_somebody_just_now(
    lab: LocalLab, pool: Pool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether its end is seen before the attempts or by them: nobody is refused by a server that is gone."""
    monkeypatch.setattr(phase_code, "SOON", 600.0)

    def kill(now: Moment) -> None:
        if (now.phase, now.times) == (Phase.APPLIED, 2):
            kill_smbd(now.live)

    for cell, made in attempts(conduct(tmp_path, BOTH[:1], Stage(lab, kill), pool)).items():
        assert made[Phase.BASELINE].outcome is Outcome.OK, cell
        assert made[Phase.APPLIED].outcome is Outcome.FAULT
        assert "smbd of samba-4.22 is gone (ended by signal 9" in made[Phase.APPLIED].note
        assert made[Phase.ROLLED_BACK].outcome in (Outcome.OK, Outcome.FAULT)


@pytest.mark.usefixtures("proved_anew")
@pytest.mark.parametrize("phase", list(Phase))
def test_smbd_killed_between_two_attempts(lab: LocalLab, pool: Pool, tmp_path: Path, phase: Phase) -> None:
    """Killed after the server was last used and before this phase's attempts."""

    def kill(now: Moment) -> None:
        # Not before the change is made: its restart would replace the dead smbd.
        if (now.server, now.phase, now.times) == (VICTIM, phase, 2 if phase is Phase.APPLIED else 1):
            kill_smbd(now.live)

    result = conduct(tmp_path, BOTH, Stage(lab, kill), pool)
    first = list(Phase).index(phase)
    for cell, phases in attempts(result).items():
        for number, made in enumerate(phases.values()):
            if cell.server == VICTIM and number >= first:
                assert made.outcome is Outcome.FAULT
                assert (
                    "smbd of samba-4.22 is gone (ended by signal 9: killed by somebody or for want of memory"
                    in made.note
                )
            else:
                assert made.outcome is Outcome.OK
    assert {cell.effect for cell in result.cells if cell.cell.server == VICTIM} == {Effect.FAULT}
    assert {cell.effect for cell in result.cells if cell.cell.server == OTHER} == {Effect.KEPT}
    assert result.complete
    assert exit_status(result) == FAULT


def test_smbd_killed_during_a_phase(lab: LocalLab, pool: Pool, tmp_path: Path) -> None:
    """Proven healthy, then dead before the attempts reach it: refused by nobody, so not refused."""
    stage = Stage(lab)
    applied: list[str] = []

    def trip(order: Order) -> None:
        live = stage.live.get(VICTIM)
        if live and order.target == target_of_clients(live) and "server signing" in live.state.conf.globals:
            if not applied:
                kill_smbd(live)
            applied.append(order.client)

    result = conduct(tmp_path, BOTH, stage, Tripwire(pool, trip))
    assert applied
    for cell, phases in attempts(result).items():
        before, during, after = phases.values()
        assert (before.outcome, after.outcome) == (Outcome.OK, Outcome.OK)
        if cell.server == VICTIM:
            assert during.outcome is Outcome.FAULT
            assert "not healthy" in during.note
            assert (
                "smbd of samba-4.22 is gone (ended by signal 9: killed by somebody or for want of memory"
                in during.note
            )
        else:
            assert during.outcome is Outcome.OK
    assert result.summary() == {
        **dict.fromkeys(("lost", "gained", "never", "not settled"), 0),
        "kept": 1,
        "fault": 2,
        "unexpected": 2,
    }
    assert exit_status(result) == FAULT


def test_a_suspended_server_refuses_nobody(lab: LocalLab, pool: Pool, tmp_path: Path) -> None:
    """A server that no longer answers makes a TIMEOUT, and its health probe fails: a fault."""
    stage = Stage(lab)
    suspended: list[int] = []

    def enter(now: Moment) -> None:
        assert isinstance(now.live, SambaServer)
        now.live.target = replace(now.live.target, seconds=1.0)

    def trip(_order: Order) -> None:
        live = stage.live[VICTIM]
        if "server signing" in live.state.conf.globals and not suspended:
            suspended.append(live.software().pid)
            os.kill(suspended[0], signal.SIGSTOP)

    stage.enter = enter
    result = conduct(tmp_path, [f"{CHANGE}:{VICTIM}:windows-7:open"], stage, Tripwire(pool, trip))
    assert suspended
    before, during, after = result.cells[0].phases.values()
    assert (before.outcome, during.outcome, after.outcome) == (Outcome.OK, Outcome.FAULT, Outcome.OK)
    assert during.status == "TIMEOUT"
    assert "not healthy right after" in during.note or "ran out of time" in during.note
    assert exit_status(result) == FAULT


def test_a_killed_client_costs_its_attempt_alone(lab: LocalLab, tmp_path: Path) -> None:
    """The client's process dies in the middle of an attempt, while the server keeps it waiting."""
    stage = Stage(lab)
    killed: list[Future[None]] = []

    with Pool(CATALOGUE, 1) as pool, ThreadPoolExecutor(1) as aside:
        worker = worker_of(pool)

        def kill(server: int, address: str) -> None:
            try:
                wait_for("the client to connect", lambda: connected(address), 10.0)
                os.kill(worker, signal.SIGKILL)
            finally:
                os.kill(server, signal.SIGCONT)

        def trip(_order: Order) -> None:
            live = stage.live[VICTIM]
            if not killed and "server signing" in live.state.conf.globals:
                pid = live.software().pid
                os.kill(pid, signal.SIGSTOP)
                killed.append(aside.submit(kill, pid, live.target.address))

        result = conduct(tmp_path, BOTH[:1], stage, Tripwire(pool, trip))
        killed[0].result()
    faults = [made for phases in attempts(result).values() for made in phases.values() if made.note]
    assert [made.outcome for made in faults] == [Outcome.FAULT]
    assert "client process ended (-9) in the attempt" in faults[0].note
    assert result.summary()["kept"] == 1
    assert result.summary()["fault"] == 1
    assert exit_status(result) == FAULT


def connected(address: str) -> bool:
    """True while somebody is connected to port 445 of that address (proc(5), /proc/net/tcp)."""
    wanted = ipaddress.IPv4Address(address).packed[::-1].hex().upper() + ":01BD"
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return any(row[2] == wanted and row[3] == "01" for row in rows)


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        (Conf({"passdb backend": "nonsense"}), "No builtin nor plugin backend for nonsense found"),
        (Conf(share={"vfs objects": "nonsense"}), "Error loading module .*nonsense.so"),
    ],
)
def test_a_server_that_cannot_start(
    lab: LocalLab, pool: Pool, tmp_path: Path, broken: Conf, words: str
) -> None:
    """Its cells are faults with smbd's own reason, and the file; the other job is measured."""

    class Broken(Stage):
        @contextmanager
        def serve(self, server: Server) -> Iterator[LiveServer]:
            if server.name == VICTIM:
                server = replace(server, conf=broken)
            with super().serve(server) as live:
                yield live

    result = conduct(tmp_path, BOTH, Broken(lab), pool)
    for cell in result.cells:
        if cell.cell.server == VICTIM:
            assert cell.effect is Effect.FAULT
            assert re.search(rf"{words}.*/log\.smbd", cell.cause)
        else:
            assert cell.effect is Effect.KEPT
    assert exit_status(result) == FAULT


def test_a_setting_that_the_release_ignores_is_a_fault_with_its_reason(
    lab: LocalLab, pool: Pool, tmp_path: Path
) -> None:
    stage = Stage(lab)
    result = conduct(tmp_path, ["aes256-only:samba-4.13,samba-4.17:windows-10-1703:open"], stage, pool)
    ignored, known = result.cells
    assert ignored.effect is Effect.FAULT
    assert "aes256-only did not take effect on samba-4.13" in ignored.cause
    assert "AES-128-GCM" in ignored.cause
    assert 'Ignoring unknown parameter "server smb3 encryption algorithms"' in ignored.cause
    assert ignored.phases[Phase.BASELINE].outcome is Outcome.OK
    assert ignored.phases[Phase.ROLLED_BACK].outcome is Outcome.OK
    assert known.effect is Effect.KEPT
    assert [(fact.server, bool(fact.took_effect and fact.undone)) for fact in result.applied] == [
        ("samba-4.17", True)
    ]


def test_a_disk_that_is_full_is_a_fault_that_says_so(
    lab_in: Callable[[Path], LocalLab], pool: Pool, tmp_path: Path
) -> None:
    """The state of the servers lies on a disk that fills up before the change is written."""
    small = tmp_path / "small"
    small.mkdir()
    mount("tmpfs", small, 0, kind="tmpfs", data="size=16m")

    def fill(now: Moment) -> None:
        if now.phase == Phase.APPLIED and now.times == 1:
            with (small / "state" / "fill").open("wb", buffering=0) as file, suppress(OSError):
                while True:
                    file.write(bytes(65536))

    result = conduct(tmp_path / "run", BOTH[:1], Stage(lab_in(small), fill), pool)
    for phases in attempts(result).values():
        assert phases[Phase.BASELINE].outcome is Outcome.OK
        assert phases[Phase.APPLIED].outcome is Outcome.FAULT
        assert re.search("No space left|is full", phases[Phase.APPLIED].note)
    assert exit_status(result) == FAULT


def test_a_client_that_does_not_run_costs_no_other_anything(
    lab: LocalLab, pool: Pool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It cannot say what it is. Its own attempts say why; the other's were faults with the same words."""

    def broken(_: Client, __: Target | None = None) -> str:
        raise LabFault("curl ended with status 1")

    monkeypatch.setattr(type(CATALOGUE.clients["curl"]), "software", broken)
    result = conduct(tmp_path / "run", ["none:samba-4.22-smb1:curl,windows-7:open"], Stage(lab), pool)
    assert {str(cell.cell.client): cell.effect for cell in result.cells} == {
        "curl": Effect.KEPT,
        "windows-7": Effect.KEPT,
    }
    assert result.clients["curl"].software == ""
    assert result.clients["windows-7"].software
