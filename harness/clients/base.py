"""What every client is, and how one attempt is recorded."""

from __future__ import annotations

import re
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from typing import Final, Protocol

from harness.clients import _tries
from harness.errors import ClientFailed, LabFault, OutOfTime, Refused, RehearsalError, Unsupported
from harness.mistakes import place
from harness.model import (
    EVERY_LAB,
    GAVE_UP,
    STATUS_OK,
    TIMEOUT,
    Attempt,
    Check,
    ClientPolicy,
    Evidence,
    Fidelity,
    Outcome,
    Side,
    Step,
    StepName,
    Target,
    Tier,
)


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
    not_settled: str = ""
    inferred: str = ""
    """As in ``Attempt``."""

    @contextmanager
    def step(self, name: StepName) -> Iterator[None]:
        """Time one protocol step; a Refused that leaves the block becomes the step's status."""
        begun = time.perf_counter()
        self.at = name
        try:
            yield
        except Refused as refusal:
            self.steps.append(Step(name, refusal.status, _ms_since(begun), refusal.detail))
            refusal.step = refusal.step or name
            raise
        self.steps.append(Step(name, STATUS_OK, _ms_since(begun)))
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
        )


class Held(Protocol):
    """A connection that stays open while the server is changed."""

    def browse(self, log: Log) -> None:
        """List the shares over the open connection. Raises as ``Client.perform``."""

    def close(self) -> None:
        """Drop the connection; never raises for what the server does."""


class Client(ABC):
    """A kind of client that people have.

    Instances are immutable descriptions: they live in worker processes and hold no connection.
    """

    name: str
    title: str
    """One line for a person: what this is and how it is made here."""
    fidelity: Fidelity
    evidence: tuple[Evidence, ...] = ()
    image: str = ""
    """The image that its program comes from; "" for a client that runs in our own process."""
    guest: str = ""
    """The virtual machine whose own client it is; "" for one that runs here."""
    package: str = ""
    """What pip(1) calls the library that this client is; "" for a program, and for code of our own."""
    labs: frozenset[Tier] = EVERY_LAB
    """The labs that it can run in at all."""
    checks: frozenset[Check]
    """What it can do at all; other checks are answered ``unsupported``."""
    policy: ClientPolicy = ClientPolicy()
    """Its policy as it came from its vendor; mitigations on the client start from here."""
    smb1_removable: str = ""
    """Why SMB1 cannot be removed from this client; empty when it can."""
    sees: Mapping[str, str] = {}
    """What its user sees: ``step:STATUS``, ``*:STATUS`` or ``step:*`` -> the words on the screen.

    ``step:STATUS@client`` or ``@server`` where it matters whose policy said no.
    """
    one_at_a_time: bool = False
    """Its machine makes one attempt at a time; others wait, and their time limit does not begin meanwhile."""
    counterpart: str = ""
    """The real client of the same kind, whose results an emulated one must agree with; "" for none."""

    @abstractmethod
    def software(self, target: Target | None = None) -> str:
        """The program or library that speaks on the wire, with its version ("" when it cannot be told)."""

    @abstractmethod
    def perform(self, check: Check, target: Target, policy: ClientPolicy, log: Log) -> None:
        """Do the check once, noting each step in ``log``.

        Makes at most the connections that the real client would make.
        Raises Refused at the first step that somebody's policy stops, Unsupported when this client
        cannot do the check, LabFault when the lab is at fault.
        """

    @abstractmethod
    def offer(self, policy: ClientPolicy, target: Target) -> Offer:
        """What this client offers first under a policy, observed on its bytes, not read from its settings.

        ``target`` says where its tools are; nothing is sent to the target's address.
        """

    def machine(
        self,
        policy: ClientPolicy,  # noqa: ARG002 (for overriding)
        target: Target,  # noqa: ARG002
    ) -> AbstractContextManager[Mapping[str, str]]:
        """Its own machine with that policy, for this caller alone until the context ends.

        Entered before attempts are made or the offer is looked at: it may take a reboot. What is given is
        what the machine is set to then, by name, to be compared later; nothing for a client without one,
        whose policy goes with each attempt. Raises Unsupported where the machine cannot have the policy,
        LabFault where it does not get it.
        """
        return nullcontext({})

    def hold(self, target: Target, policy: ClientPolicy, log: Log) -> Held:  # noqa: ARG002 (for overriding)
        """Log on and stay connected, so that a change can be made under an open connection.

        Raises Unsupported where this client cannot be held, else as ``perform``.
        """
        raise Unsupported(f"{self.name} cannot keep a connection open across a change")

    def details(self) -> Mapping[str, str | list[str]]:
        """What else is known about it, for people: the name of a fact -> its text or lines."""
        return {}

    def words(self, step: str, status: str, side: Side | None) -> str:
        """The words that this client's user reads for a refusal by a side; "" when not known."""
        return self.sees.get(f"{step}:{status}@{side}") or self.user_sees(step, status)

    def user_sees(self, step: str, status: str) -> str:
        """The words that this client's user reads for a refusal; "" when not known."""
        for key in (f"{step}:{status}", f"*:{status}", f"{step}:*"):
            if key in self.sees:
                return self.sees[key]
        return ""


def attempt(client: Client, check: Check, target: Target, policy: ClientPolicy) -> Attempt:
    """Do one check and tell how it ended. Never raises for what happens on the wire.

    It is done once, unless a real client's own software fails: see ``harness.clients._tries``.
    """
    if check not in client.checks:
        return Attempt(Outcome.UNSUPPORTED, note=f"{client.name} cannot {check}")

    def once(seconds: float) -> Attempt:
        there = replace(target, seconds=seconds)
        return record(client.name, lambda log: _perform(client, check, there, policy, log))

    if client.fidelity.emulated:
        return once(target.seconds)
    made = _tries.settled(once, target.seconds)
    return replace(made, said=_public(made.said, target))


_OUR_FILES: Final = re.compile(r"\brehearsal-[0-9a-f]{12}\b")


def _public(said: str, target: Target) -> str:
    """What a client said, without what is of this lab and of this attempt alone: address and file name."""
    return _OUR_FILES.sub("FILE", said.replace(target.address, "SERVER"))


def _perform(client: Client, check: Check, target: Target, policy: ClientPolicy, log: Log) -> None:
    """As ``Client.perform``; what a real client's library raises for itself is its own failure."""
    try:
        client.perform(check, target, policy, log)
    except (RehearsalError, Refused, Unsupported):
        raise
    except Exception as bug:
        if client.fidelity.emulated:
            raise
        log.said = f"{type(bug).__name__}: {bug}"
        raise ClientFailed(f"{client.name} crashed: {log.said}", log.at) from bug


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
        return replace(done, step=failure.step or last, status=GAVE_UP, side=Side.CLIENT)
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
