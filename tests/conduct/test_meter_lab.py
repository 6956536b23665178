"""Where the time of a run goes, in the lab: a slow start shows as such; starts are beside attempts."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from conducting import Stage, Tripwire, carry_out, conduct
from known import CATALOGUE

from harness.conduct.meter import Meter
from harness.conduct.workers import Order, Pool
from harness.labs.local import LocalLab
from harness.model import Effect
from harness.planning import planner
from harness.record.costs import measured, work_of
from harness.result.spent import WORK, Kind
from harness.servers.base import Server
from harness.servers.live import LiveServer

pytestmark = pytest.mark.local_lab
SLOW = 1e4
"""Seconds that a server takes longer than it does, by the meter's clock: nobody waits for them."""


class Slow(Stage):
    """Its servers start slowly."""

    later: float = 0.0

    @contextmanager
    def serve(self, server: Server) -> Iterator[LiveServer]:
        self.later += SLOW
        with super().serve(server) as live:
            yield live


def test_a_slow_start_is_told_and_the_kinds_come_to_all(
    lab: LocalLab, pool: Pool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = Slow(lab)
    monkeypatch.setattr(pool, "meter", Meter(pool.size, lambda: time.monotonic() + stage.later))
    result = conduct(
        tmp_path, ["smb3-only:samba-4.22:windows-7,windows-10-22h2:open"], stage, pool, at_once=1
    )
    assert {cell.effect for cell in result.cells} == {Effect.LOST, Effect.KEPT}
    spent = pool.meter.spent()
    start = spent.kinds[Kind.START]
    assert start.workers >= SLOW * pool.size
    assert start.times == 1
    assert spent.share(Kind.START) > 0.9
    assert spent.of_workers == pytest.approx(spent.seconds * pool.size)
    # The baseline, with the change, after the rollback.
    assert spent.kinds[Kind.ATTEMPTS].times == 2 * 3
    told = {kind for kind, one in spent.kinds.items() if one.lasted}
    # It looked for no exposures; and who just waits does nothing that could last.
    assert told == set(Kind) - {Kind.PROBES, Kind.WAIT}
    assert 0 < spent.bound < spent.seconds - SLOW


def test_what_is_foreseen_of_a_plan_is_what_its_run_takes_of_the_workers(
    lab: LocalLab, pool: Pool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By what each client took in it: baselines that are shared count once, and so do rounds of probes."""
    monkeypatch.setattr(pool, "meter", Meter(pool.size))
    clients = "windows-7,windows-10-22h2,impacket"
    changes = "nt-pipe-support-off,smb3-only,smb1-client-off"
    made = planner.from_selectors(CATALOGUE, [f"{changes}:samba-4.22:{clients}:open,browse"], probes=True)
    carry_out(tmp_path, made, Stage(lab), pool)
    spent = pool.meter.spent()
    costs = measured(CATALOGUE, spent)
    assert {*costs.means} == {*clients.split(",")}
    took = sum(spent.kinds[kind].workers for kind in WORK)
    work = work_of(CATALOGUE, made)
    assert took / 1.5 < costs.busy(CATALOGUE, work) < took * 1.5
    assert work.rounds == spent.kinds[Kind.PROBES].times
    # Three a cell would be more.
    assert sum(work.attempts.values()) < made.attempts
    assert sum(work.attempts.values()) == pytest.approx(spent.kinds[Kind.ATTEMPTS].times, rel=0.3)


def test_a_server_starts_while_attempts_are_made_on_another(
    lab: LocalLab, pool: Pool, tmp_path: Path
) -> None:
    attempted = threading.Event()

    def note(_order: Order) -> None:
        attempted.set()

    class Second(Stage):
        """Its second server does not start before an attempt was made on the first."""

        begun = 0

        @contextmanager
        def serve(self, server: Server) -> Iterator[LiveServer]:
            self.begun += 1
            if self.begun == 2:
                assert attempted.wait(120), "nothing is attempted while a server starts"
            with super().serve(server) as live:
                yield live

    cells = "smb3-only:samba-4.17,samba-4.22:windows-7:open"
    result = conduct(tmp_path, [cells], Second(lab), Tripwire(pool, note), at_once=2)
    assert [cell.effect for cell in result.cells] == [Effect.LOST, Effect.LOST]
