"""Somebody who stays connected, with a file open that he writes to, while the server is changed under him.

In each phase he writes on into the file, opens another one and lists the shares. Where the server ended his
connection he connects again; where it closed the share alone he connects that. Each time all that the server
had acknowledged of the file is read back and compared.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import takewhile
from types import TracebackType
from typing import Final

from harness.clients.base import AtWork, Client
from harness.conduct.workers import Done, with_health
from harness.errors import Refused
from harness.model import (
    CLOSED,
    DATA_LOST,
    RESET,
    TIMEOUT,
    Check,
    ClientPolicy,
    Dialect,
    Fate,
    Outcome,
    Side,
    Stayed,
    StepName,
)
from harness.servers.live import LiveServer, target_of_clients
from harness.smb import trial
from harness.smb.attempting import Log, record
from harness.smb.footprint import noting
from harness.system.deadline import pace

CLIENT: Final = "CLIENT"
"""As ``Stayed.ended`` has it: the client's own setting was changed, and its connection ended with that."""
_OVER: Final = (CLOSED, RESET, "STATUS_USER_SESSION_DELETED", "STATUS_NETWORK_SESSION_EXPIRED")
"""How a client learns that its session is gone: [MS-SMB2] 3.3.5.2.9."""
_SHARE_OVER: Final = ("STATUS_NETWORK_NAME_DELETED", "STATUS_SMB_BAD_TID", "STATUS_FILE_CLOSED")
"""How it learns that the share is, or its file: [MS-SMB2] 3.3.5.2.10 and 3.3.5.2.11; [MS-CIFS] 2.2.2.4."""
_NO_FILE: Final = ("STATUS_OBJECT_NAME_NOT_FOUND", "STATUS_NO_SUCH_FILE")
_FACTS: Final = ("dialect", "signed", "encrypted", "cipher", "auth", "server_signing", "agreed_cipher")


class OpenFile:
    """One client with one file through the phases of a cell; use as a context manager."""

    def __init__(self, client: Client, live: LiveServer) -> None:
        self._client = client
        self._live = live
        self._policy = client.policy
        self._at: AtWork | None = None
        self._ended = ""
        """What ended the last connection, where there is none now."""
        self._facts: dict[str, str | bool | None] = {}
        """Of the connection that is open: the fields of an attempt that say what was negotiated."""
        self._name = trial.new_name()
        self._written = b""
        """All that the server has acknowledged."""
        self._ends: tuple[tuple[str, int], ...] = ()
        """Ours of the connection that is open, as evidence names it."""

    def __enter__(self) -> OpenFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._at is not None:
            self._at.drop(self._name)

    def attempt(self, policy: ClientPolicy, *, expect_down: bool) -> Done:
        """Go on with the file on the server as it is now; the first time the file is created.

        A refusal is verified here unless ``expect_down``: the server is meant to be down.
        """
        with noting() as notes:
            made = record(self._client.name, lambda log: self._go_on(policy, log))
        if made.timed_out and self._at is not None:
            # An answer may still come on it, and would be taken for that to the next request.
            self._leave(self._at, TIMEOUT)
        left = notes.footprint()
        self._ends = left.connections or self._ends
        refused = made.outcome is Outcome.REFUSED and not expect_down
        done = with_health([made], self._live.target)[0] if refused else Done(made)
        return replace(done, left=replace(left, connections=self._ends))

    def _go_on(self, policy: ClientPolicy, log: Log) -> None:
        at = self._at
        if at is None or not self._written:
            # Nothing of him is there yet, or any more: he begins with a file of its own.
            self._name = trial.new_name()
            if at is not None:
                at.drop()
            at = self._arrive(policy, log)
            with log.step(StepName.CREATE):
                at.create(self._name)
            self._ended = ""
            self._write(at, log)
        elif ended := self._write_on(at, policy, log):
            at = self._come_back(at, policy, ended, log)
        with log.step(StepName.CREATE):
            at.open_another()
        pipe = self._shares_refused(at, log)
        if log.stayed is not None:
            goes_on = log.stayed.session and _session(log, pipe)
            log.stayed = replace(log.stayed, pipe=pipe, session=goes_on)

    def _shares_refused(self, at: AtWork, log: Log) -> str:
        """What listing the shares is refused with; "" where it is not, or this client never lists them.

        It decides about the list alone, which other checks are for: the file goes on.
        """
        if Check.BROWSE not in self._client.checks:
            return ""
        try:
            at.list_shares(log)
        except Refused as refusal:
            if not refusal.status.startswith("STATUS_") or refusal.side is Side.CLIENT:
                raise
            return refusal.status
        return ""

    def _arrive(self, policy: ClientPolicy, log: Log) -> AtWork:
        """Connect, and connect the share."""
        self._policy = policy
        at = self._at = self._new(policy)
        # Until the file is open, there is nothing to go on with.
        self._ended = self._ended or CLOSED
        at.connect(log)
        self._facts = {name: getattr(log, name) for name in _FACTS}
        return at

    def _new(self, policy: ClientPolicy) -> AtWork:
        target = target_of_clients(self._live).as_told(policy)
        return self._client.work(replace(target, seconds=target.seconds * pace()), policy)

    def _leave(self, at: AtWork, ended: str) -> None:
        at.drop()
        self._ended = ended

    def _write_on(self, at: AtWork, policy: ClientPolicy, log: Log) -> str:
        """Write on over the connection that was open before; how that ended, "" where it did not."""
        if self._ended:
            return self._ended
        if policy != self._policy:
            return CLIENT
        for name, value in self._facts.items():
            setattr(log, name, value)
        log.stayed = Stayed(
            Fate.CARRIED_ON,
            self._client.connects_again,
            acknowledged=len(self._written),
            session=_session(log),
            anew=self._anew(policy),
        )
        try:
            self._write(at, log)
        except Refused as refusal:
            if refusal.status not in (*_OVER, *_SHARE_OVER):
                raise
            return refusal.status
        self._compare(at, log)
        return ""

    def _come_back(self, at: AtWork, policy: ClientPolicy, ended: str, log: Log) -> AtWork:
        """Connect again, or the share alone where only that was closed, and go on with the file."""
        if ended in _SHARE_OVER and log.stayed is not None:
            log.stayed = replace(log.stayed, fate=Fate.SHARE_CLOSED, ended=ended)
            at.reach_share(log)
        else:
            self._leave(at, ended)
            again = self._client.connects_again
            log.stayed = Stayed(Fate.SHUT_OUT, again, ended, len(self._written))
            at = self._arrive(policy, log)
        try:
            with log.step(StepName.CREATE):
                at.open(self._name)
        except Refused as refusal:
            if refusal.status not in _NO_FILE:
                raise
            with log.step(StepName.READ):
                raise self._lost(0, log) from refusal
        if log.stayed is not None and log.stayed.fate is Fate.SHUT_OUT:
            log.stayed = replace(log.stayed, fate=Fate.RECONNECTED)
        self._ended = ""
        self._compare(at, log)
        # What is written now is read back in the next phase.
        self._write(at, log)
        return at

    def _write(self, at: AtWork, log: Log) -> None:
        with log.step(StepName.WRITE):
            at.write(trial.CONTENT, len(self._written))
        self._written += trial.CONTENT

    def _compare(self, at: AtWork, log: Log) -> None:
        """Raises Refused with DATA_LOST where the file has not all that was acknowledged."""
        with log.step(StepName.READ):
            found = at.read(len(self._written))
            pairs = zip(found, self._written, strict=False)
            same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
            if same != len(self._written):
                raise self._lost(same, log)
        if log.stayed is not None:
            log.stayed = replace(log.stayed, acknowledged=same, kept=same)

    def _lost(self, kept: int, log: Log) -> Refused:
        all_of_it = len(self._written)
        if log.stayed is not None:
            log.stayed = replace(log.stayed, acknowledged=all_of_it, kept=kept)
        # He begins anew with another file.
        self._written = b""
        why = f"of {all_of_it} bytes that were acknowledged, {kept} are in the file"
        return Refused(DATA_LOST, detail=why)

    def _anew(self, policy: ClientPolicy) -> str:
        """What a new connection of this client gets at this moment, beside the one that is open."""
        other = self._new(policy)
        told = list[str]()

        def come(log: Log) -> None:
            other.connect(log)
            with log.step(StepName.CREATE):
                other.open_another()
            told.append(_session(log, self._shares_refused(other, log)))

        made = record(self._client.name, come)
        other.drop()
        refused = f"{made.status} at {made.step}" if made.outcome is Outcome.REFUSED else ""
        return "".join(told) or refused


def _session(seen: Log, pipe: str = "") -> str:
    """What was negotiated, in words: "SMB 3.1.1, encrypted"; ``pipe``: what opening one was refused with."""
    dialect = Dialect(seen.dialect).in_words if seen.dialect else ""
    protection = "encrypted" if seen.encrypted else "signed" if seen.signed else "not signed"
    more = [f"as {seen.auth}"] if seen.auth in _NOBODY else []
    return ", ".join([dialect, protection, *more, *([f"pipes refused ({pipe})"] if pipe else [])])


_NOBODY: Final = ("guest", "anonymous")
