"""What every client is, and how it does one check."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from enum import StrEnum
from typing import Final, Protocol

from harness.checks import seen_instead
from harness.clients import tries
from harness.errors import ClientFailed, Refused, RehearsalError, Unsupported
from harness.model import (
    BY_NAMES,
    EVERY_LAB,
    Attempt,
    Check,
    ClientPolicy,
    Evidence,
    Fidelity,
    Outcome,
    Side,
    Target,
    Tier,
)

# Beside Client what every client's module needs.
from harness.smb.attempting import Log as Log
from harness.smb.attempting import Offer as Offer
from harness.smb.attempting import record


class ClientSetting(StrEnum):
    """A setting that some clients have, by the name that Windows gives it."""

    REQUIRE_SIGNING = "RequireSecuritySignature"
    REFUSE_GUESTS = "AllowInsecureGuestAuth"
    BLOCK_NTLM = "BlockNTLM"
    EXCEPT_FROM_BLOCK = "BlockNTLMServerExceptionList"
    REQUIRE_ENCRYPTION = "RequireEncryption"
    BLOCK_NTLMV1_SSO = "BlockNtlmv1SSO"
    TCP_PORT = "TcpPort"
    """Of New-SmbMapping; others have it in the address, or as an option."""


class Held(Protocol):
    """A connection that stays open while the server is changed."""

    def browse(self, log: Log) -> None:
        """List the shares over the open connection. Raises as ``Client.perform``."""

    def close(self) -> None:
        """Drop the connection; never raises for what the server does."""


class AtWork(Protocol):
    """A connection to the share with one file open, which its user writes to. All raise as ``perform``."""

    def connect(self, log: Log) -> None:
        """Connect, log on and connect the share, each a step."""

    def reach_share(self, log: Log) -> None:
        """Connect the share once more over the session that there is."""

    def create(self, name: str) -> None:
        """Create the file and keep it open."""

    def open(self, name: str) -> None:
        """Open the file that is there and keep it open."""

    def write(self, data: bytes, offset: int) -> None:
        """Write into the open file; when it comes back the server has acknowledged all of it."""

    def read(self, length: int) -> bytes:
        """What the open file begins with."""

    def open_another(self) -> None:
        """Create another file, close it and delete it."""

    def list_shares(self, log: Log) -> None:
        """List the server's shares over the same session, through a pipe that is opened for it."""

    def drop(self, name: str = "") -> None:
        """Delete the file if it can be, where one is named, and disconnect; raises nothing for the server."""


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
    fetched: str = ""
    """A file of its image that npm(1) brings and that it needs: a machine without npm builds none."""
    tool: str = ""
    """The path in its image of a program that somebody may use by hand; "" for none."""
    guest: str = ""
    """The virtual machine whose own client it is; "" for one that runs here."""
    package: str = ""
    """What pip(1) calls the library that this client is; "" for a program, and for code of our own."""
    labs: frozenset[Tier] = EVERY_LAB
    """The labs that it can run in at all."""
    checks: frozenset[Check]
    """What it can do at all; other checks are answered ``unsupported``."""
    cannot: Mapping[Check, str] = {}
    """Why it can not do a check that its kind of software might be thought to do, for people."""
    policy: ClientPolicy = ClientPolicy()
    """Its policy as it came from its vendor; mitigations on the client start from here."""
    smb1_removable: str = ""
    """Why SMB1 cannot be removed from this client; empty when it can."""
    has: frozenset[ClientSetting] = frozenset()
    """The settings of a client that can be made on it at all."""
    sees: Mapping[str, str] = {}
    """What its user sees: ``step:STATUS``, ``*:STATUS`` or ``step:*`` -> the words on the screen.

    ``step:STATUS@client`` or ``@server`` where it matters whose policy said no.
    """
    one_at_a_time: bool = False
    """Its machine makes one attempt at a time; others wait, and their time limit does not begin meanwhile."""
    connects_again: bool = False
    """It connects again by itself when the server ended its connection; else its user starts it again."""
    in_domain_alone: bool = False
    """It logs on with a domain's tickets, and is no client of a server that is in no domain."""
    by_quic_alone: bool = False
    """It comes by SMB over QUIC, and is no client of a server that has none."""
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

    def work(self, target: Target, policy: ClientPolicy) -> AtWork:  # noqa: ARG002 (for overriding)
        """Somebody of this kind who will stay connected with a file open; nothing is sent yet.

        Raises Unsupported where this client cannot be held.
        """
        raise Unsupported(f"{self.name} cannot keep a file open across a change")

    def by_hand(
        self,
        check: Check,  # noqa: ARG002 (for overriding)
        target: Target,  # noqa: ARG002
        policy: ClientPolicy,  # noqa: ARG002
    ) -> tuple[str, ...]:
        """Lines of sh(1) by which somebody does the same with this very program; none where there is none.

        The program has its own name in them, and the password is in $PASSWD. Raises Unsupported where it
        cannot have the policy, LabFault where the lab has it not.
        """
        return ()

    def details(self) -> Mapping[str, str | list[str]]:
        """What else is known about it, for people: the name of a fact -> its text or lines."""
        return {}

    def words(self, step: str, status: str, side: Side | None, check: Check | None = None) -> str:
        """The words that this client's user reads for a refusal by a side; "" when not known."""
        if check and self.sees and (instead := seen_instead(check, step)):
            return instead
        return self.sees.get(f"{step}:{status}@{side}") or self.user_sees(step, status)

    def user_sees(self, step: str, status: str) -> str:
        """The words that this client's user reads for a refusal; "" when not known."""
        for key in (f"{step}:{status}", f"*:{status}", f"{step}:*"):
            if key in self.sees:
                return self.sees[key]
        return ""


def attempt(client: Client, check: Check, target: Target, policy: ClientPolicy) -> Attempt:
    """Do one check and tell how it ended. Never raises for what happens on the wire.

    It is done once, unless a real client's own software fails: see ``harness.clients.tries``.
    """
    if check not in client.checks:
        why = client.cannot.get(check, "")
        return Attempt(
            Outcome.UNSUPPORTED, note=f"{client.name} cannot {check}" + (f": {why}" if why else "")
        )

    does, called = check, target.as_told(policy)
    if target.domain:
        # The account is the domain's, and people call its servers by their names.
        called = replace(called, name=target.domain.name_for(check))
    if check in BY_NAMES:
        does = Check.OPEN
        if target.domain is None:
            return Attempt(Outcome.UNSUPPORTED, note="the server is in no domain, where it has such names")

    def once(seconds: float) -> Attempt:
        there = replace(called, seconds=seconds)
        return record(client.name, lambda log: _perform(client, does, there, policy, log))

    if client.fidelity.emulated:
        return once(target.seconds)
    made = tries.settled(once, target.seconds)
    return replace(made, said=_public(made.said, target))


def printer(target: Target) -> str:
    """The server's printer. Raises Unsupported where the lab gives it none."""
    if not target.printer:
        raise Unsupported("this lab gives the server no printer")
    return target.printer


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
