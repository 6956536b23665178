"""smbclient by SMB over QUIC: the program of Samba 4.25 itself, told to use that transport.

It never does by itself: smb.conf(5), ``client smb transports``, is ``tcp, nbt`` by default. Measured with
4.25: it checks the certificate after the handshake, says in words what it holds against it, and opens no QUIC
connection for an IP address (``NT_STATUS_PORT_NOT_SET``). With a list of authorities alone its default, ``tls
verify peer = as_strict_as_possible``, fails with every certificate, for it wants a list of revoked ones, too
(``tls crlfile``); so it is told ``ca_and_name``.
"""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from harness.clients import _process as process
from harness.clients._ran import Ran
from harness.clients.base import Client, Log, Offer
from harness.clients.smbclient import Call, Smbclient
from harness.errors import Refused, Unsupported
from harness.model import (
    BY_NAMES,
    RESET,
    STATUS_OK,
    Check,
    ClientPolicy,
    Evidence,
    QuicWay,
    Side,
    Step,
    StepName,
    Target,
    Tier,
)
from harness.smb import footprint
from harness.smb.quic import ending
from harness.system.process import run

if TYPE_CHECKING:
    from harness.smb.tap.trace import Conversation

_NO_NAME: Final = "STATUS_PORT_NOT_SET"
"""What it ends with, by itself, where it is given an address."""
_HELD: Final = re.compile(r"TLS .*check failed for verify_peer.*")


class SmbclientQuic(Smbclient):
    """``client smb transports = quic``, and no other."""

    by_quic_alone = True
    labs = frozenset({Tier.LOCAL})
    evidence = (
        *Smbclient.evidence,
        Evidence(
            "it uses QUIC only where it is told to", "smb.conf(5), client smb transports: default tcp, nbt"
        ),
        Evidence(
            "for an IP address it opens no QUIC connection", "measured with 4.25: NT_STATUS_PORT_NOT_SET"
        ),
    )
    checks = frozenset({Check.BROWSE, Check.OPEN, Check.WRITE, Check.RENAME}) | BY_NAMES
    cannot = {  # noqa: RUF012 (read only)
        **Smbclient.cannot,
        Check.LARGE: "the speed of the lab's relay is nobody's",
        Check.PERMISSIONS: "the owner's name is for rpcclient to ask, which was not measured over QUIC",
        Check.PRINT: "printing was not measured over QUIC",
    }
    sees = {  # noqa: RUF012 (read only)
        **Smbclient.sees,
        "quic-connect:RESET": "do_connect: Connection to … failed (Error NT_STATUS_CONNECTION_REFUSED)",
        f"quic-connect:{_NO_NAME}": f"do_connect: Connection to … failed (Error NT_{_NO_NAME})",
        "tls:*": "TLS … check failed for verify_peer[ca_and_name] …; "
        "do_connect: Connection to … failed (Error NT_STATUS_INVALID_PARAMETER)",
    }

    def __init__(self, name: str, image: str, release: str) -> None:
        super().__init__(name, image, release)
        self.title = f"smbclient of Samba {release} by SMB over QUIC (client smb transports = quic)"

    def perform(self, check: Check, target: Target, policy: ClientPolicy, log: Log) -> None:
        _way(target)
        try:
            super().perform(check, replace(target, name=target.called_by_quic), policy, log)
        except Refused as refusal:
            if refusal.status in (*ending.OF_CERTIFICATES, _NO_NAME):
                refusal.side = Side.CLIENT
            raise

    def _run(self, call: Call, target: Target, words: Sequence[str], stdin: str = "") -> Ran:
        way = _way(target)
        if not way.offered:
            return self._nobody(call, target, words, stdin)
        from harness.smb.tap.quic import QuicTap

        trust = [f"tls cafile={way.authority_inside}", "tls verify peer=ca_and_name"]
        with QuicTap(target, target.seconds + process.grace()) as tap:
            made = _by_quic(call, trust, tap.port).to(target, 0, words, stdin)
            result = run(made.argv, timeout=target.seconds, stdin=made.stdin, env=made.env)
            ended_at = time.monotonic()
        footprint.said(self.name, result)
        ran = Ran(self.name, result, tuple(map(_by_way_of_quic, tap.tap.traces())), ended_at)
        held = _HELD.search(ran.words)
        if held and tap.seen.shaken and (status := ending.of_words(held[0])):
            return _stopped(ran, StepName.TLS, status, held[0])
        return _connected(ran)

    def _nobody(self, call: Call, target: Target, words: Sequence[str], stdin: str) -> Ran:
        """Where the server has no QUIC: straight to its address, where nothing listens on UDP port 443."""
        made = _by_quic(call, ["tls verify peer=no_check"], _way(target).port).to(target, 0, words, stdin)
        argv = [target.address if word == "127.0.0.1" else word for word in made.argv]
        result = run(argv, timeout=target.seconds, stdin=made.stdin, env=made.env)
        footprint.said(self.name, result)
        ran = Ran(self.name, result, (), time.monotonic())
        if "NT_STATUS_CONNECTION_REFUSED" in ran.words:
            return _stopped(ran, StepName.QUIC_CONNECT, RESET, "nothing listens on UDP port 443")
        return _connected(ran)

    def by_hand(self, check: Check, target: Target, policy: ClientPolicy) -> tuple[str, ...]:  # noqa: ARG002
        # Its name leads to an address only where a relay of ours waits.
        return ()

    def offer(self, policy: ClientPolicy, target: Target) -> Offer:
        """As by TCP: SMB is the same in it."""
        return Smbclient(self.name, self.image).offer(policy, target)


def _connected(ran: Ran) -> Ran:
    """The same, if it made a connection, or says that it makes none for an address. Raises LabFault."""
    if not ran.traces and _NO_NAME.removeprefix("STATUS") in ran.words:
        return _stopped(ran, StepName.QUIC_CONNECT, _NO_NAME, "it opens no QUIC connection for an address")
    process.connected(ran)
    return ran


def _way(target: Target) -> QuicWay:
    if target.quic is None:
        raise Unsupported("only the local lab has the relay that speaks QUIC for a server")
    return target.quic


def _by_quic(call: Call, trust: Sequence[str], port: int) -> Call:
    options = [f"client smb transports=quic:{port}", *trust]
    return replace(call, options=(*call.options, *(f"--option={one}" for one in options)))


def _by_way_of_quic(seen: Conversation) -> Conversation:
    """The tap saw a TCP connection made; the program made one of QUIC, and passed the certificate."""
    first, *rest = seen.steps
    steps = (replace(first, name=StepName.QUIC_CONNECT), *rest)
    if first.ok:
        steps = (steps[0], Step(StepName.TLS, STATUS_OK, 0.0), *rest)
    return replace(seen, steps=steps)


def _stopped(ran: Ran, at: StepName, status: str, why: str) -> Ran:
    """It went no further, and said why itself."""
    from harness.smb.tap.trace import Conversation

    ms = ran.result.seconds * 1000
    before = (Step(StepName.QUIC_CONNECT, STATUS_OK, 0.0),) if at is StepName.TLS else ()
    steps = (*before, Step(at, status, ms, why))
    return replace(ran, traces=(Conversation(steps, ended_by="client"),))


CLIENTS: tuple[Client, ...] = (SmbclientQuic("smbclient-4.25-quic", "forky", "4.25"),)
