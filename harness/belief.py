"""When a refusal is believed: its server was shown healthy right after it.

A refusal that the server did not even answer (closed, reset, silence) is followed by a probe of its own, in
the worker that met it. One that the server answered shares a probe with its neighbours: one probe that
begins after all of them ended says the same of each, and costs the server one connection, not dozens.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from harness.clients import clients
from harness.deadline import Deadline
from harness.errors import LabFault
from harness.labs.base import LiveServer
from harness.model import Attempt, CellId, Outcome
from harness.smb.status import TROUBLE
from harness.workers import UNANSWERED, Done, with_health

ALIKE = "a connection that is refused, reset or closed looks the same"
"""Measured: labs.vagrant.relay."""
SOON = 1.0
"""Seconds that an answered refusal waits for its probe at the most: "right after"."""


class Belief:
    """Passes on what the attempts of one phase on one server came to, believed or turned into faults."""

    def __init__(self, live: LiveServer, keep: Callable[[CellId, Attempt], None]) -> None:
        self._live = live
        self._keep = keep
        self._doubted: list[tuple[CellId, Done]] = []
        self._due = Deadline(SOON)

    @property
    def patience(self) -> float | None:
        """Seconds until ``settle`` is due; None while nothing waits for it."""
        return self._due.remaining if self._doubted else None

    def hear(self, cell: CellId, done: Done) -> None:
        """Pass an attempt on at once, unless it is a refusal that nobody has vouched for yet."""
        if done.healthy is not None:
            self._pass(cell, done)
            return
        if not self._doubted:
            self._due = Deadline(SOON)
        self._doubted.append((cell, done))

    def settle(self) -> None:
        """Probe the server once for all refusals that wait, and pass them on."""
        doubted, self._doubted = self._doubted, []
        if not doubted:
            return
        vouched = with_health(doubted[0][1].attempt, self._live.target)
        for cell, done in doubted:
            self._pass(cell, replace(vouched, attempt=done.attempt))

    def _pass(self, cell: CellId, done: Done) -> None:
        through = "" if clients()[cell.client].guest else self._live.target.tunnel
        self._keep(cell, doubted(believed(done, self._live), through))


def believed(done: Done, live: LiveServer) -> Attempt:
    """The attempt, unless it was refused by a server that was not healthy or in trouble: that is a fault.

    A fault names the end of the server's software, where that is why.
    """
    made = done.attempt
    if made.outcome is Outcome.FAULT:
        why = gone(live)
        return replace(made, note=f"{made.note}; {why}") if why else made
    if made.outcome is not Outcome.REFUSED:
        return made
    if made.status in TROUBLE:
        note = f"{made.status} at {made.step}: the server was in trouble itself, which is no refusal"
        return replace(made, outcome=Outcome.FAULT, side=None, note=note)
    if done.healthy:
        return made
    why = gone(live) or done.health
    note = f"{made.status} at {made.step}, but the server was not healthy right after: {why}"
    return replace(made, outcome=Outcome.FAULT, side=None, note=note)


def doubted(made: Attempt, tunnel: str) -> Attempt:
    """The attempt, with why step and status are not sure where a tunnel leaves that open."""
    if not tunnel or made.outcome is not Outcome.REFUSED or made.status not in UNANSWERED:
        return made
    return replace(made, unsure=f"through an SSH tunnel to {tunnel} {ALIKE}")


def gone(live: LiveServer) -> str:
    """How the server's software ended; "" when it runs or is meant to be down."""
    if not live.state.running:
        return ""
    try:
        live.software()
    except LabFault as fault:
        return str(fault)
    return ""
