"""A run in which one client's first try gets no answer: the change is not blamed, and the report tells it."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import pytest
from bad_servers import bad_server, connected, pass_on
from conducting import Stage, Tripwire, conduct
from rich.console import Console

from harness.conduct.workers import Order, Pool
from harness.labs.base import Lab
from harness.labs.local import LocalLab
from harness.labs.samba import SambaServer
from harness.model import Effect, Phase, Target
from harness.report.cell import show_cell
from harness.servers.base import Server
from harness.servers.live import LiveServer

pytestmark = pytest.mark.local_lab

LATE = "windows-7"
# A reload: a relay takes connections while the server behind it starts again.
CELLS = f"nt-pipe-support-off-reload:samba-4.13:{LATE},windows-10-1703:open"


@dataclass
class Mute:
    """Relays to a real server, but for the next connection after ``once``: that one gets no answer."""

    waits: bool = False
    muted: set[socket.socket] = field(default_factory=set)

    @contextmanager
    def before(self, real: Target) -> Iterator[Target]:
        with connected(real) as behind:

            def answer(peer: socket.socket, number: int, message: bytes) -> bool:
                if number == 0 and self.waits:
                    self.waits = False
                    self.muted.add(peer)
                return peer in self.muted or pass_on(message, behind(peer), peer)

            with bad_server(answer, seconds=1.0) as target:
                yield Target(target.address, real.share, real.user, real.password, target.port, seconds=1.0)


@dataclass
class Behind:
    """A lab whose servers are reached through a relay."""

    lab: LocalLab
    relay: Callable[[Target], object]

    @property
    def name(self) -> str:
        return self.lab.name

    @contextmanager
    def serve(self, server: Server) -> Iterator[LiveServer]:
        with self.lab.serve(server) as live, self.relay(live.target) as target:  # type: ignore[attr-defined]
            assert isinstance(live, SambaServer)
            own, live.target = live.target, target
            try:
                yield live
            finally:
                live.target = own


@pytest.mark.parametrize("phase", [Phase.BASELINE, Phase.ROLLED_BACK])
def test_one_time_out_of_a_client_is_neither_gained_nor_not_restored(
    lab: LocalLab, pool: Pool, tmp_path: Path, phase: Phase
) -> None:
    mute = Mute()
    times = {Phase.BASELINE: 1, Phase.ROLLED_BACK: 3}[phase]
    ordered: list[Order] = []

    def before(order: Order) -> None:
        # The other client goes first, alone, and shows that the server is healthy.
        if order.client == LATE:
            ordered.append(order)
            mute.waits = len(ordered) == times

    stage = Stage(cast(Lab, Behind(lab, mute.before)))
    result = conduct(tmp_path / "run", [CELLS], stage, Tripwire(pool, before), at_once=1)
    found = next(cell for cell in result.cells if cell.cell.client == LATE)
    assert mute.muted, [(p, m.outcome, m.status, m.note, m.tried_again) for p, m in found.phases.items()]
    assert (found.effect, found.restored, found.expected) == (Effect.KEPT, True, True), [
        (p, m.outcome, m.status, m.note, m.tried_again) for p, m in found.phases.items()
    ]
    told = found.phases[phase].tried_again
    assert "the first try ran out of time at negotiate" in told
    assert [bool(made.tried_again) for made in found.phases.values()].count(True) == 1
    console = Console(record=True, width=200, file=None)
    show_cell(result, found.cell, console)
    assert told in " ".join(console.export_text().split())
