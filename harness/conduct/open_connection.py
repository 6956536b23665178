"""A client that stays connected while the server is changed under it."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from types import TracebackType
from typing import Protocol

from harness.clients.base import Client, Held
from harness.conduct.workers import Done, with_health
from harness.errors import Refused
from harness.model import CLOSED, RESET, Attempt, ClientPolicy, Outcome, Target
from harness.servers.live import LiveServer, target_of_clients
from harness.smb.attempting import Log, record
from harness.smb.footprint import Footprint, noting
from harness.smb.out_of_time import once_more, unless_busy
from harness.system.deadline import pace


class Kept(Protocol):
    """What a client has open through the phases of a cell."""

    def attempt(self, policy: ClientPolicy, *, expect_down: bool) -> Done:
        """One attempt over it. A refusal counts as it is where the server is meant to be down."""


class OpenConnection:
    """One client's open connection through the phases of a cell; use as a context manager."""

    def __init__(self, client: Client, live: LiveServer) -> None:
        self._client = client
        self._live = live
        self._held: Held | None = None
        self._ends: tuple[tuple[str, int], ...] = ()
        """Ours of the connection that is open, as evidence names it."""
        self._left: Footprint | None = None

    def __enter__(self) -> OpenConnection:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._drop()

    def attempt(self, policy: ClientPolicy, *, expect_down: bool) -> Done:
        """List the shares over the connection that is open; connects when there is none.

        A connection that a restart ended is opened anew, as every client does behind its user's back.
        """
        old = self._held is not None
        made = self._listed(policy, pace())
        # Another try would have to be on another connection, which says nothing of the one that was open.
        made = unless_busy(made) if old else once_more(made, lambda times: self._listed(policy, times))
        refused = made.outcome is Outcome.REFUSED and not expect_down
        done = with_health([made], self._live.target)[0] if refused else Done(made)
        return replace(done, left=self._left)

    def _listed(self, policy: ClientPolicy, times: float) -> Attempt:
        """One try, with so many times its usual time where it connects."""
        # A change may have moved what clients come to.
        target = target_of_clients(self._live).as_told(policy)
        there = replace(target, seconds=target.seconds * times)
        with noting() as notes:
            made = record(self._client.name, lambda log: self._browse(there, policy, log))
        left = notes.footprint()
        self._ends = left.connections or self._ends
        self._left = replace(left, connections=self._ends)
        if made.timed_out:
            # An answer may still come on it, and would be taken for that to the next request.
            self._drop()
        return made

    def _browse(self, target: Target, policy: ClientPolicy, log: Log) -> None:
        if self._held is not None:
            try:
                self._held.browse(log)
            except Refused as refusal:
                if refusal.status not in (CLOSED, RESET):
                    raise
                log.steps.clear()
                self._drop()
            else:
                return
        self._held = self._client.hold(target, policy, log)
        self._held.browse(log)

    def _drop(self) -> None:
        if self._held is not None:
            with suppress(Refused, OSError):
                self._held.close()
            self._held = None
