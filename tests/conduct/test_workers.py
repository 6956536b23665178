"""Worker processes: one that dies or hangs costs the attempt it was doing and is replaced."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from conducting import worker_of
from known import CATALOGUE
from processes import alive

from harness.conduct import workers
from harness.conduct.workers import Order, Pool, with_health
from harness.labs import namespace
from harness.model import Check, ClientPolicy, Outcome, Target
from harness.smb import out_of_time
from harness.system import confine
from harness.system.deadline import Speed, wait_for


@pytest.fixture
def silent() -> Iterator[socket.socket]:
    """A server that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(10)
        yield server


@pytest.fixture
def idle(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a machine with nothing else to do: limits are as long as they say."""
    monkeypatch.setattr(workers, "pace", lambda: 1.0)
    monkeypatch.setattr(out_of_time, "measured", lambda: Speed(slower=1.0, waited=1.0))


def order(server: socket.socket, seconds: float = 10.0) -> Order:
    address, port = server.getsockname()
    target = Target(address, "share", "user", "secret", port, seconds)
    return Order("windows-7", Check.OPEN, target, ClientPolicy())


def refused() -> Order:
    """An attempt that is over at once: nothing listens there."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return order(server)


def test_a_worker_keeps_no_power_that_it_does_not_need() -> None:
    wanted = confine.FOR_CLIENTS if namespace.maps_lab_uid() else confine.FOR_CLIENTS_NESTED
    kept = sum(1 << capability for capability in wanted)
    before = _powers(os.getpid())
    with Pool(CATALOGUE, 1) as pool:
        assert pool.submit(refused()).result(timeout=60).attempt.status == "RESET"
        after = _powers(worker_of(pool))
    assert after["NoNewPrivs"] == 1
    for name in ("CapPrm", "CapEff", "CapInh", "CapAmb"):
        assert after[name] & ~kept == 0, name
    assert after["CapPrm"] == before["CapPrm"] & kept
    if before["CapEff"] >> CAP_SETPCAP & 1:
        assert after["CapBnd"] & ~kept == 0


CAP_SETPCAP = 8


def _powers(pid: int) -> dict[str, int]:
    lines = (line.split(":") for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return {name: int(value, 16) for name, value in lines if name.startswith(("Cap", "NoNewPrivs"))}


def test_a_worker_killed_in_an_attempt_is_a_fault_and_replaced(silent: socket.socket) -> None:
    with Pool(CATALOGUE, 1) as pool:
        victim = worker_of(pool)
        lost = pool.submit(order(silent))
        connection, _ = silent.accept()
        os.kill(victim, signal.SIGKILL)
        made = lost.result(timeout=60).attempt
        connection.close()
        assert made.outcome is Outcome.FAULT
        assert made.note == "the client process ended (-9) in the attempt"
        assert pool.submit(refused()).result(timeout=60).attempt.status == "RESET"
        assert worker_of(pool) != victim


@pytest.mark.usefixtures("idle")
def test_a_worker_that_hangs_is_given_up(silent: socket.socket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "GRACE", 0.2)
    with Pool(CATALOGUE, 1) as pool:
        victim = worker_of(pool)
        os.kill(victim, signal.SIGSTOP)
        made = pool.submit(order(silent, seconds=0.3)).result(timeout=60).attempt
        assert made.outcome is Outcome.FAULT
        assert "did not come back within 0.5 s" in made.note
        assert worker_of(pool) != victim
    assert not alive(victim)


def test_a_worker_that_died_idle_costs_nothing() -> None:
    with Pool(CATALOGUE, 1) as pool:
        victim = worker_of(pool)
        os.kill(victim, signal.SIGKILL)
        wait_for("its end", lambda: not alive(victim), 5.0)
        assert pool.submit(refused()).result(timeout=60).attempt.status == "RESET"


def test_ctrl_c_on_the_terminal_ends_no_worker(silent: socket.socket) -> None:
    """The terminal sends SIGINT to all; the attempt in flight must not look like a crashed client."""
    with Pool(CATALOGUE, 1) as pool:
        worker = worker_of(pool)
        waiting = pool.submit(order(silent))
        connection, _ = silent.accept()
        os.kill(worker, signal.SIGINT)
        connection.close()
        assert waiting.result(timeout=60).attempt.outcome is Outcome.REFUSED
        assert worker_of(pool) == worker


@pytest.mark.usefixtures("idle")
def test_a_refusal_says_when_it_was_and_is_not_believed_yet(silent: socket.socket) -> None:
    before = time.monotonic()
    with Pool(CATALOGUE, 1) as pool:
        done = pool.submit(order(silent, seconds=0.3)).result(timeout=60)
    assert done.attempt.status == "TIMEOUT"
    assert done.healthy is None
    assert done.begun is not None
    assert before < done.begun < done.ended < time.monotonic()
    assert done.ended - done.begun >= done.attempt.ms / 1000
    asked = order(silent, seconds=0.3).target
    probed = with_health([done.attempt], asked)[0]
    assert not probed.healthy
    assert probed.health == "the control client got TIMEOUT at negotiate"


def test_nothing_is_left_running() -> None:
    with Pool(CATALOGUE, 2) as pool:
        # A queue: the worker that was asked last comes last.
        pids = {worker_of(pool), worker_of(pool)}
        assert len(pids) == 2
        assert all(map(alive, pids))
    assert not any(map(alive, pids))
