"""How one attempt is recorded while it happens: its protocol steps, and what an exception comes to."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from harness.errors import ClientFailed, LabFault, OutOfTime, Refused, Unsupported
from harness.model import GAVE_UP, STATUS_OK, TIMEOUT, Attempt, Copied, Outcome, Side, Stayed, Step, StepName
from harness.system.mistakes import place


@dataclass(frozen=True, slots=True)
class Offer:
    """What a client puts on the wire first: the dialects of its SMB1-framed and of its SMB2 NEGOTIATE.

    An SMB1-framed NEGOTIATE is not SMB1 use: only "NT LM 0.12" and older strings are.
    """

    smb1_dialects: tuple[str, ...] = ()
    smb2_dialects: tuple[int, ...] = ()
    """Empty when the client waits for the answer to its SMB1-framed NEGOTIATE before it speaks SMB2."""

    @property
    def speaks_smb1(self) -> bool:
        """True when a dialect of SMB1 itself is offered, not only the way to SMB2."""
        return any(not name.startswith("SMB 2.") for name in self.smb1_dialects)


@dataclass(slots=True)
class Log:
    """Collects the steps and facts of one attempt while it happens."""

    steps: list[Step] = field(default_factory=list)
    dialect: str | None = None
    signed: bool | None = None
    encrypted: bool | None = None
    cipher: str | None = None
    auth: str | None = None
    server_signing: str | None = None
    agreed_cipher: str | None = None
    said: str = ""
    """What a real client told its user when it failed, in its own words."""
    wavers: bool = False
    """The client is known to do only sometimes what it just did (``Client.evidence`` says why): it is tried
    several times then, and every report says how often it came through."""
    at: StepName | None = None
    """The step that goes on, or that something else than a refusal ended."""
    waited_on: bool = False
    copied: Copied | None = None
    stayed: Stayed | None = None
    not_settled: str = ""
    inferred: str = ""
    """As in ``Attempt``."""

    @contextmanager
    def step(self, name: StepName) -> Iterator[list[str]]:
        """Time one protocol step; a Refused that leaves the block becomes the step's status.

        What is added to the list that it gives is the detail of a step that passes.
        """
        begun = time.perf_counter()
        self.at = name
        told: list[str] = []
        try:
            yield told
        except Refused as refusal:
            self.steps.append(Step(name, refusal.status, _ms_since(begun), refusal.detail))
            refusal.step = refusal.step or name
            raise
        self.steps.append(Step(name, STATUS_OK, _ms_since(begun), "; ".join(told)))
        self.at = None

    def attempt(self, outcome: Outcome, ms: float, note: str = "") -> Attempt:
        """The finished attempt with all that was collected."""
        return Attempt(
            outcome,
            steps=tuple(self.steps),
            ms=ms,
            dialect=self.dialect,
            signed=self.signed,
            encrypted=self.encrypted,
            cipher=self.cipher,
            auth=self.auth,
            server_signing=self.server_signing,
            agreed_cipher=self.agreed_cipher,
            note=note,
            said="" if outcome is Outcome.OK else self.said,
            works=(1, 1) if self.wavers and outcome is Outcome.OK else None,
            waited_on=self.waited_on,
            not_settled=self.not_settled,
            inferred=self.inferred,
            copied=self.copied if outcome is Outcome.OK else None,
            stayed=self.stayed,
        )


def record(name: str, action: Callable[[Log], None]) -> Attempt:
    """Run ``action`` for the client ``name`` and turn what it raises into an outcome.

    An exception that is none of ours is a fault: a client that crashes was not refused.
    """
    log = Log()
    begun = time.perf_counter()
    try:
        action(log)
    except Unsupported as reason:
        return log.attempt(Outcome.UNSUPPORTED, _ms_since(begun), str(reason))
    except Refused as refusal:
        done = log.attempt(Outcome.REFUSED, _ms_since(begun), refusal.detail)
        # The refusal knows its step: a client may go on after one that decides nothing, and others may follow
        # one that decided, each with the same status.
        failed = next((step.name for step in log.steps if not step.ok), None)
        return replace(done, step=refusal.step or failed, status=refusal.status, side=refusal.side)
    except ClientFailed as failure:
        done = log.attempt(Outcome.FAULT, _ms_since(begun), str(failure))
        last = log.steps[-1].name if log.steps else None
        works = (0, 1) if log.wavers else None
        return replace(done, step=failure.step or last, status=GAVE_UP, side=Side.CLIENT, works=works)
    except OutOfTime as late:
        return replace(log.attempt(Outcome.FAULT, _ms_since(begun), str(late)), step=log.at, status=TIMEOUT)
    except LabFault as fault:
        return log.attempt(Outcome.FAULT, _ms_since(begun), str(fault))
    except Exception as bug:
        # The client's library crashed; that says nothing about the server's policy.
        at = f" ({where})" if (where := place(bug)) else ""
        note = f"{name} crashed: {type(bug).__name__}: {bug}{at}"
        return log.attempt(Outcome.FAULT, _ms_since(begun), note)
    return log.attempt(Outcome.OK, _ms_since(begun))


def _ms_since(begun: float) -> float:
    return (time.perf_counter() - begun) * 1000
