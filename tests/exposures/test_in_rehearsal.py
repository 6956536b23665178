"""Probes as part of a rehearsal: in every phase, shared where nothing changed, no danger to the rest."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from datetime import date
from pathlib import Path

import pytest
from conducting import Stage, Tripwire, worker_of
from known import CATALOGUE
from processes import alive

from harness.conduct import workers
from harness.conduct.rehearsal import Rehearsal
from harness.conduct.workers import Pool
from harness.exposures.base import Exposure, Subject
from harness.exposures.survey import Survey, Surveyed, survey
from harness.labs.local import LocalLab
from harness.labs.samba import SambaServer
from harness.mitigations.base import Mitigation
from harness.model import Effect, Hole, Outcome, Phase, Sighting, Target
from harness.planning import planner
from harness.record import journal, readback
from harness.record.judging import incomplete
from harness.result import SURVIVES, RunResult
from harness.servers.base import ServerState
from harness.servers.live import LiveServer
from harness.system.deadline import wait_for
from harness.verbs.ending import FAULT, exit_status

TODAY = date(2026, 11, 25)
SERVER = "samba-4.22-smb1"


class Counting(Tripwire):
    """A pool that remembers the surveys it was given, and does something before and after each."""

    def __init__(
        self,
        pool: Pool,
        after: Callable[[Survey], None] = lambda _order: None,
        before: Callable[[Survey], None] = lambda _order: None,
    ) -> None:
        super().__init__(pool, lambda _order: None)
        self._surveys = pool
        self._after = after
        self._before_survey = before
        self.orders: list[Survey] = []

    def survey(self, order: Survey) -> Future[Surveyed]:
        self.orders.append(order)
        self._before_survey(order)
        done = self._surveys.survey(order)
        done.result(60)
        self._after(order)
        return done


def conduct(folder: Path, stage: Stage, pool: Pool, *selectors: str, probes: bool = True) -> RunResult:
    made = planner.from_selectors(CATALOGUE, selectors, probes=probes)
    with journal.create(folder, made) as book:
        recorded = journal.load(folder)
        Rehearsal(CATALOGUE, recorded, book, stage, pool, stage).run(incomplete(CATALOGUE, recorded), 2)
    return readback.result_of(CATALOGUE, journal.load(folder))


def states(result: RunResult, mitigation: str, exposure: str) -> list[Hole | None]:
    (found,) = (e for e in result.exposures if (e.mitigation, e.exposure) == (mitigation, exposure))
    return [found.state(phase) for phase in Phase]


@pytest.mark.local_lab
def test_each_phase_is_probed_and_a_baseline_is_shared(lab: LocalLab, pool: Pool, tmp_path: Path) -> None:
    counting = Counting(pool)
    cells = f"smb1-server-off,nt-pipe-support-off,smb1-client-off:{SERVER}:windows-7:open"
    result = conduct(tmp_path, Stage(lab), counting, cells)
    assert {cell.effect for cell in result.cells} == {Effect.KEPT}
    smb1, pipes, client = ("smb1-server-off", "nt-pipe-support-off", "smb1-client-off")
    assert states(result, smb1, "smb1-spoken") == [Hole.OPEN, Hole.CLOSED, Hole.OPEN]
    assert states(result, smb1, "rap-listing") == [Hole.OPEN, Hole.NOT_EXPOSED, Hole.OPEN]
    assert states(result, pipes, "rap-listing") == [Hole.OPEN, Hole.OPEN, Hole.OPEN]
    assert states(result, pipes, "anonymous-users") == [Hole.OPEN, Hole.CLOSED, Hole.OPEN]
    assert states(result, client, "smb1-spoken") == [Hole.OPEN, Hole.OPEN, Hole.OPEN]
    # One baseline for all three; with the change and after the rollback for each that touches the server.
    assert len(counting.orders) == 1 + 2 * 2
    assert {fact.name for fact in result.exposure_facts.values()} >= {
        one.exposure for one in result.exposures
    }
    assert [e.exposure for e in result.exposures if e.mitigation == smb1] == sorted(result.exposure_facts)


@pytest.mark.local_lab
def test_a_stopped_server_exposes_nothing(lab: LocalLab, pool: Pool, tmp_path: Path) -> None:
    result = conduct(tmp_path, Stage(lab), pool, f"server-stopped:{SERVER}:windows-7:open")
    for one in result.exposures:
        assert one.state(Phase.APPLIED) is Hole.NOT_EXPOSED
        assert one.state(Phase.BASELINE) is one.state(Phase.ROLLED_BACK)


@pytest.mark.local_lab
def test_a_run_without_exposures(lab: LocalLab, pool: Pool, tmp_path: Path) -> None:
    counting = Counting(pool)
    result = conduct(tmp_path, Stage(lab), counting, f"none:{SERVER}:windows-7:open", probes=False)
    assert (result.exposures, result.exposure_facts, counting.orders) == ((), {}, [])


@pytest.mark.local_lab
def test_a_server_that_dies_under_the_probes_is_a_finding_and_a_fault(
    lab: LocalLab, pool: Pool, tmp_path: Path
) -> None:
    stage = Stage(lab)

    def kill(_order: Survey) -> None:
        os.kill(stage.live[SERVER].software().pid, signal.SIGKILL)

    counting = Counting(pool, before=kill)
    result = conduct(tmp_path, stage, counting, f"signing-required:{SERVER}:windows-7:open")
    assert {cell.effect for cell in result.cells} == {Effect.FAULT}
    assert "fell over under the exposure probes" in result.cells[0].phases[Phase.APPLIED].note
    (found,) = (one for one in result.exposures if one.exposure == SURVIVES)
    assert found.state(Phase.BASELINE) is Hole.OPEN
    assert (
        "is gone (ended by signal 9: killed by somebody or for want of memory"
        in found.phases[Phase.BASELINE].evidence
    )
    assert exit_status(result) == FAULT


@pytest.mark.local_lab
def test_a_panic_under_the_probes_is_found_in_the_log(lab: LocalLab, pool: Pool, tmp_path: Path) -> None:
    """The process of one connection dies, and the server goes on answering."""
    stage = Stage(lab)

    def crash_a_child(order: Survey) -> None:
        parent = stage.live[SERVER].software().pid
        # smbd has children that serve nobody (notifyd, cleanupd): those were there before.
        before = set(children(parent))
        with socket.create_connection((order.target.address, order.target.port)):
            new = wait_for("a child for the connection", lambda: set(children(parent)) - before or None, 5.0)
            for child in new:
                with suppress(ProcessLookupError):
                    os.kill(child, signal.SIGSEGV)
            wait_for("their end", lambda: not any(map(alive, new)), 10.0)

    result = conduct(
        tmp_path, stage, Counting(pool, crash_a_child), f"signing-required:{SERVER}:windows-7:open"
    )
    (found,) = (one for one in result.exposures if one.exposure == SURVIVES)
    assert found.state(Phase.BASELINE) is Hole.OPEN
    assert "PANIC" in found.phases[Phase.BASELINE].evidence
    assert exit_status(result) == FAULT


@pytest.mark.local_lab
def test_of_a_server_that_lacks_processes_nothing_is_closed_and_no_change_is_seen(
    lab: LocalLab, pool: Pool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It hangs up on some who come, as one that does not speak SMB1 does."""
    monkeypatch.setattr(SambaServer, "lacked", lambda _: "its log says: fork() failed")
    result = conduct(tmp_path, Stage(lab), Counting(pool), f"smb1-server-off:{SERVER}:windows-7:open")
    seen = {one.exposure: one.phases[Phase.BASELINE] for one in result.exposures}
    assert {one.state for one in seen.values()} == {Hole.OPEN, Hole.UNKNOWN}
    assert seen["smb1-spoken"].state is Hole.OPEN
    assert seen["bad-password-guest"].evidence.endswith(", but its log says: fork() failed")
    (cell,) = result.cells
    assert cell.effect is Effect.FAULT
    assert "whether smb1-server-off took effect on samba-4.22-smb1 cannot be told: " in cell.cause


@pytest.mark.local_lab
def test_of_a_server_that_lacks_processes_after_the_rollback_the_change_is_not_told_as_gone(
    lab: LocalLab, pool: Pool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    revert = Mitigation.revert
    lacking: list[LiveServer] = []

    def reverted(change: Mitigation, live: LiveServer, state: ServerState) -> None:
        revert(change, live, state)
        lacking.append(live)

    monkeypatch.setattr(Mitigation, "revert", reverted)
    monkeypatch.setattr(SambaServer, "lacked", lambda _: "its log says: fork() failed" if lacking else "")
    result = conduct(tmp_path, Stage(lab), Counting(pool), f"smb1-server-off:{SERVER}:curl:open")
    (cell,) = result.cells
    assert cell.phases[Phase.APPLIED].outcome is Outcome.REFUSED
    assert cell.effect is Effect.FAULT
    assert "whether smb1-server-off is gone from samba-4.22-smb1 cannot be told: " in cell.cause
    assert cell.cause.endswith("but its log says: fork() failed")


@pytest.mark.local_lab
def test_what_is_doubted_of_a_baseline_is_doubted_by_whoever_shares_it(
    lab: LocalLab, pool: Pool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whose own server may lack nothing."""
    asked: list[SambaServer] = []

    def lacked(live: SambaServer) -> str:
        asked.append(live)
        return "its log says: fork() failed" if live is asked[0] else ""

    monkeypatch.setattr(SambaServer, "lacked", lacked)
    conducted = conduct(
        tmp_path, Stage(lab), Counting(pool), f"smb1-server-off,signing-required:{SERVER}:curl:open"
    )
    before: dict[str, set[Hole | None]] = {}
    for one in conducted.exposures:
        before.setdefault(one.mitigation, set()).add(one.state(Phase.BASELINE))
    doubtful = {Hole.OPEN, Hole.UNKNOWN}
    assert before == {"smb1-server-off": doubtful, "signing-required": doubtful}


def children(pid: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@pytest.mark.local_lab
def test_the_probe_after_which_a_server_is_silent_is_named(lab: LocalLab) -> None:
    with lab.serve(CATALOGUE.servers[SERVER]) as live:

        def kill(name: str, _seen: Sighting) -> None:
            if name == "guest-logon":
                os.kill(live.software().pid, signal.SIGKILL)

        made = survey(CATALOGUE.exposures, Survey(live.target, TODAY, live.internals()), kill)
    assert "guest-logon" in made.fallen
    assert made.seen[SURVIVES].state is Hole.OPEN
    assert made.seen["anonymous-ipc"].state is Hole.OPEN
    assert made.seen["ntlmv1-accepted"].state is Hole.UNKNOWN


class Crashing(Exposure):
    name = "crashing"
    title = "a probe with a mistake in it"
    sends = safe = source = "nothing"
    wire = False

    def probe(self, subject: Subject) -> Sighting:
        raise ZeroDivisionError(str(subject.today))


def test_a_probe_that_crashes_is_unknown() -> None:
    made = survey({"crashing": Crashing()}, Survey(Target("127.0.0.1", "s", "u", "p", 9, 0.2), TODAY))
    assert made.seen["crashing"].state is Hole.UNKNOWN
    assert made.seen["crashing"].evidence == "the probe crashed: ZeroDivisionError: 2026-11-25"


@pytest.fixture
def silent() -> socket.socket:
    """A server that takes connections and says nothing."""
    return socket.create_server(("127.0.0.1", 0))


def one_probe(server: socket.socket, seconds: float = 5.0) -> Survey:
    address, port = server.getsockname()
    return Survey(Target(address, "s", "u", "p", port), TODAY, only=("smb1-spoken",), seconds=seconds)


def test_a_probe_whose_process_dies_is_unknown(silent: socket.socket) -> None:
    with silent, Pool(CATALOGUE, 1) as pool:
        victim = worker_of(pool)
        lost = pool.survey(one_probe(silent))
        connection, _ = silent.accept()
        os.kill(victim, signal.SIGKILL)
        seen = lost.result(20).seen["smb1-spoken"]
        connection.close()
        assert worker_of(pool) != victim
    assert seen == Sighting(Hole.UNKNOWN, "the probes process ended (-9) in the probes")


def test_a_probe_that_hangs_is_unknown(silent: socket.socket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "GRACE", 0.2)
    # As on a machine with nothing else to do.
    monkeypatch.setattr(workers, "pace", lambda: 1.0)
    with silent, Pool(CATALOGUE, 1) as pool:
        os.kill(worker_of(pool), signal.SIGSTOP)
        seen = pool.survey(one_probe(silent, seconds=0.3)).result(20).seen["smb1-spoken"]
    assert seen.state is Hole.UNKNOWN
    # It goes on to say how fast the machine is.
    assert seen.evidence.startswith("smb1-spoken did not come back within 0.5 s")


def test_one_lost_probe_does_not_cost_the_others(silent: socket.socket) -> None:
    """The process dies once; then each probe is made alone."""
    with silent, Pool(CATALOGUE, 1) as pool:
        victim = worker_of(pool)
        address, port = silent.getsockname()
        order = Survey(Target(address, "s", "u", "p", port, 0.1), TODAY)
        lost = pool.survey(order)
        connection, _ = silent.accept()
        os.kill(victim, signal.SIGKILL)
        made = lost.result(60)
        connection.close()
    assert set(made.seen) == {*order.names(CATALOGUE.exposures), SURVIVES}
    assert "TIMEOUT" in made.seen["smb1-spoken"].evidence


def test_all_probes_together_have_a_deadline(silent: socket.socket) -> None:
    address, port = silent.getsockname()
    with silent:
        made = survey(
            CATALOGUE.exposures, Survey(Target(address, "s", "u", "p", port, 0.2), TODAY, seconds=0.0)
        )
    evidence = {sighting.evidence for name, sighting in made.seen.items() if name != SURVIVES}
    assert evidence == {"no time was left: all probes may take 0 s"}
