"""The verification of refusals: one is believed when its server was shown healthy right after it.

An attempt that begins after the refusal ended, on a connection of its own, and comes through shows that. For
a refusal without a proper answer it must have come through the very step: a server that answers a NEGOTIATE
may hang at every session setup. Where nobody does in time, a probe is made that goes as far (``smb.served``).
Refusals share it: one probe that begins after all of them ended says the same of each, and costs the server
a connection or two, not dozens.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from harness.clients.base import Client
from harness.conduct.workers import Done, with_health
from harness.errors import LabFault
from harness.model import Attempt, CellId, Outcome
from harness.servers.live import HasDomain, HasFront, LiveServer, MayBeCutOff, TellsOfLack
from harness.smb.kerberos.names import SKEW
from harness.smb.served import UNANSWERED, came_through, silent
from harness.smb.status import NO_LOGON_SERVERS, TROUBLE

ALIKE = "a connection that is refused, reset or closed looks the same"
"""Measured: labs.vagrant.relay."""
SOON = 1.0
"""Seconds that an answered refusal waits to be verified at the most: "right after"."""
AT_ONCE = 0.1
"""The same for one that the server did not answer: nothing says that it was alive even then."""


@dataclass(frozen=True, slots=True)
class _Unverified:
    """A refusal that nothing has verified yet, and when that must be, by ``time.monotonic``."""

    cell: CellId
    done: Done
    due: float


class Verification:
    """Passes on what the attempts of one phase on one server came to, believed or turned into faults."""

    def __init__(
        self,
        clients: Mapping[str, Client],
        live: LiveServer,
        keep: Callable[[CellId, Attempt], None],
        *,
        shut: bool = False,
    ) -> None:
        """``clients``: those whose attempts are heard; ``shut``: nothing is passed on until ``open``."""
        self._clients = clients
        self._live = live
        self._keep = keep
        self._waiting: list[_Unverified] = []
        self._through: list[Done] = []
        self._passed: list[tuple[CellId, Attempt]] | None = [] if shut else None

    @property
    def due_in(self) -> float | None:
        """Seconds until ``settle`` is due; None while nothing waits for it."""
        if not self._waiting:
            return None
        return max(0.0, min(one.due for one in self._waiting) - time.monotonic())

    def hear(self, cell: CellId, done: Done) -> None:
        """Pass an attempt on at once, unless it is a refusal that nothing has verified yet."""
        if done.healthy is None:
            if not any(_shows_healthy(one, done) for one in self._through):
                wait = AT_ONCE if silent(done.attempt) else SOON
                self._waiting.append(_Unverified(cell, done, min(done.ended, time.monotonic()) + wait))
                return
            done = replace(done, healthy=True)
        self._pass(cell, done)
        # A guest's kernel may go on with a connection that is open.
        if (
            done.attempt.outcome is Outcome.OK
            and done.begun is not None
            and not self._clients[cell.client].guest
        ):
            self._verify_by(done)

    def settle(self) -> None:
        """Probe the server once for all refusals that wait, and pass them on."""
        unverified, self._waiting = self._waiting, []
        if not unverified:
            return
        seen_healthy = with_health([one.done.attempt for one in unverified], self._live.target)
        for one, seen in zip(unverified, seen_healthy, strict=True):
            self._pass(one.cell, seen)

    def open(self) -> None:
        """Pass on what was kept back, and from now on everything at once."""
        passed, self._passed = self._passed or [], None
        for cell, made in passed:
            self._keep(cell, made)

    def _verify_by(self, through: Done) -> None:
        """This attempt came through: believe what ended before it began, as far as it came."""
        self._through.append(through)
        unverified, self._waiting = self._waiting, []
        for one in unverified:
            if _shows_healthy(through, one.done):
                self._pass(one.cell, replace(one.done, healthy=True))
            else:
                self._waiting.append(one)

    def _pass(self, cell: CellId, done: Done) -> None:
        through = "" if self._clients[cell.client].guest else self._live.target.tunnel
        made = unsure(believed(done, self._live), through)
        if self._passed is None:
            self._keep(cell, made)
        else:
            self._passed.append((cell, made))


def _shows_healthy(through: Done, refused: Done) -> bool:
    """Who came through shows that the server was healthy right after a refusal, at the step of it."""
    made = refused.attempt
    step = made.step if silent(made) else None
    return (
        through.begun is not None and refused.ended <= through.begun and came_through(through.attempt, step)
    )


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
    cut_off = made.status == NO_LOGON_SERVERS and isinstance(live, MayBeCutOff) and bool(live.cut_off())
    if made.status in TROUBLE and not cut_off:
        note = f"{made.status} at {made.step}: the server was in trouble itself, which is no refusal"
        return replace(made, outcome=Outcome.FAULT, side=None, note=note)
    if made.status == SKEW:
        note = f"{made.status} at {made.step}: the clocks of the lab differ by more than Kerberos allows"
        return replace(made, outcome=Outcome.FAULT, side=None, note=f"{note}, which no change made")
    why = lacks(live) or _domain_lacks(live, answers=cut_off or silent(made)) or _front_lacks(made, live)
    # Nobody who comes with NTLM gets through then: that the domain controller serves is what can be shown.
    if (done.healthy or cut_off) and not why:
        return made
    why = why or gone(live) or done.health
    note = f"{made.status} at {made.step}, but the server was not healthy right after: {why}"
    return replace(made, outcome=Outcome.FAULT, side=None, note=note)


def lacks(live: LiveServer) -> str:
    """What the machine had too little of for the server, where it can tell that; "" else.

    Somebody may have come through all the same, and shows nothing of who did not.
    """
    return live.lacked() if isinstance(live, TellsOfLack) and live.state.running else ""


def _domain_lacks(live: LiveServer, *, answers: bool) -> str:
    """What the server's domain controller lacks, where it has one that is meant to run; "" else.

    That it runs is asked of every refusal; that it ``answers``, where a client got no answer.
    """
    if not isinstance(live, HasDomain) or not live.state.running:
        return ""
    try:
        live.prove_domain(answers=answers)
    except LabFault as fault:
        return str(fault)
    return ""


def _front_lacks(made: Attempt, live: LiveServer) -> str:
    """What is wrong with the relay in front of the server, where it has one; "" else."""
    if not isinstance(live, HasFront) or not live.state.running:
        return ""
    try:
        if silent(made):
            live.front.prove()
        else:
            live.front.alive()
    except LabFault as fault:
        return str(fault)
    return ""


def unsure(made: Attempt, tunnel: str) -> Attempt:
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
