"""A client's end of SMB over QUIC: a connected socket that carries SMB's bytes, as one of TCP would.

aioquic lives on a thread of its own behind it, as long as the connection; closing the socket ends both.
"""

from __future__ import annotations

import asyncio
import errno
import queue
import socket
import ssl
import threading
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.connection import QuicConnection
from aioquic.quic.events import ProtocolNegotiated, QuicEvent

from harness.errors import Refused
from harness.model import CLOSED, RESET, TIMEOUT, Side, StepName
from harness.smb.quic import ALPN, ending
from harness.smb.quic.channel import Channel
from harness.system.deadline import Deadline

UNLOOKED: Final = ""
"""As ``authority``: whatever the server shows is taken."""


@dataclass(frozen=True, slots=True)
class Dialled:
    """What came about."""

    stream: socket.socket
    end: tuple[str, int]
    """Our address and UDP port."""
    certificate: str
    """Whose certificate it was, and who signed it."""
    answered_ms: float
    """Until the server had taken our offer."""
    shaken_ms: float
    """And from there until the handshake was complete."""


@dataclass(frozen=True, slots=True)
class _No:
    step: StepName
    status: str
    side: Side
    detail: str


_SLACK: Final = 1.0
"""Seconds that the thread gets to say that the time is over."""
_TRIES: Final = 64
"""For a port that is free by UDP and by TCP: the kernel gives another one each time."""


def dial(address: str, port: int, name: str, authority: str, deadline: Deadline) -> Dialled:
    """Connect to a server, which must show a certificate for ``name`` that ``authority`` signed.

    ``name``: what the client calls the server, a DNS name or an address; ``authority``: a file in PEM of
    those whom the client trusts. Raises Refused: at ``quic-connect`` where nothing answers, at ``tls`` where
    the handshake fails, with a status of ``harness.smb.quic.ending``.
    """
    ours, theirs = socket.socketpair()
    told: queue.SimpleQueue[Dialled | _No | BaseException] = queue.SimpleQueue()
    talk = _Talk(address, port, name, authority, max(0.01, deadline.remaining), ours, theirs, told)
    threading.Thread(target=talk.run, name="smb-quic", daemon=True).start()
    try:
        said = told.get(timeout=talk.seconds + _SLACK)
    except queue.Empty:
        said = _No(StepName.QUIC_CONNECT, TIMEOUT, Side.SERVER, f"no answer within {talk.seconds:g} s")
    if isinstance(said, Dialled):
        return said
    ours.close()
    if isinstance(said, _No):
        raise Refused(said.status, said.side, said.detail, said.step)
    raise said


@dataclass(frozen=True, slots=True)
class _Talk:
    address: str
    port: int
    name: str
    authority: str
    seconds: float
    ours: socket.socket
    theirs: socket.socket
    told: queue.SimpleQueue[Dialled | _No | BaseException]

    def run(self) -> None:
        try:
            asyncio.run(self._run())
        except Exception as bug:
            self.told.put(bug)
        finally:
            self.theirs.close()

    async def _run(self) -> None:
        configuration = QuicConfiguration(is_client=True, alpn_protocols=[ALPN], server_name=self.name)
        if self.authority == UNLOOKED:
            configuration.verify_mode = ssl.CERT_NONE
        else:
            configuration.load_verify_locations(cafile=self.authority)
        wire, held = _own_port(self.address, self.port)
        end = wire.getsockname()[:2]
        loop = asyncio.get_running_loop()
        transport, caller = await loop.create_datagram_endpoint(
            lambda: _Dialling(QuicConnection(configuration=configuration)), sock=wire
        )
        try:
            begun = loop.time()
            caller.connect((self.address, self.port))
            said = await caller.outcome(self.seconds)
            if said is not None:
                self.told.put(said)
                return
            first, over = caller.answered or begun, loop.time()
            reader, writer = await asyncio.open_connection(sock=self.theirs)
            caller.tie(reader, writer)
            times = (1000 * (first - begun), 1000 * (over - first))
            self.told.put(Dialled(self.ours, (end[0], end[1]), caller.certificate(), *times))
            await caller.untied()
        finally:
            transport.close()
            held.close()


def _own_port(address: str, port: int) -> tuple[socket.socket, socket.socket]:
    """A UDP socket that is connected to there, and a TCP socket that holds the same port of ours.

    The relay comes to its server from our port (``front.to``), by which packets and log are told to be ours:
    by TCP it must be nobody else's, nor have been for a minute (TIME_WAIT), of which many are in a long run.
    Raises OSError.
    """
    for _ in range(_TRIES):
        wire = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        held = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            # Connected, so that the kernel tells where nobody listens (ICMP port unreachable).
            wire.connect((address, port))
            held.bind(wire.getsockname()[:2])
            # Only now: with it a port would be had that is not free.
            held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        except OSError as error:
            wire.close()
            held.close()
            if error.errno != errno.EADDRINUSE:
                raise
        else:
            return wire, held
    raise OSError(errno.EADDRINUSE, f"no port is free by both UDP and TCP, {_TRIES} times")


class _Dialling(Channel):
    """The client's connection while it comes about."""

    def __init__(self, quic: QuicConnection) -> None:
        super().__init__(quic)
        self.answered: float | None = None
        """When the server had taken our offer, by the loop's clock: what is no QUIC is no answer."""
        self._unreachable: asyncio.Future[OSError] = asyncio.get_running_loop().create_future()

    def quic_event_received(self, event: QuicEvent) -> None:
        """See ``QuicConnectionProtocol``."""
        if isinstance(event, ProtocolNegotiated):
            self.answered = self._loop.time()
        super().quic_event_received(event)

    def error_received(self, exc: Exception) -> None:
        """See ``asyncio.DatagramProtocol``: ICMP, as the kernel tells it."""
        if isinstance(exc, OSError) and not self._unreachable.done():
            self._unreachable.set_result(exc)
        # The other side is gone, without a word.
        self.lost()

    async def outcome(self, seconds: float) -> _No | None:
        """None once the handshake is complete; else what there was instead."""
        shaken = asyncio.ensure_future(self.wait_connected())
        either: tuple[asyncio.Future[Any], ...] = (shaken, self._unreachable)
        await asyncio.wait(either, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        if self._unreachable.done() and not self.shaken:
            shaken.cancel()
            detail = f"nothing listens on UDP port: {self._unreachable.result().strerror}"
            return _No(StepName.QUIC_CONNECT, RESET, Side.SERVER, detail)
        if not shaken.done():
            shaken.cancel()
            step = StepName.TLS if self.answered else StepName.QUIC_CONNECT
            return _No(step, TIMEOUT, Side.SERVER, f"no answer within {seconds:g} s")
        with suppress(ConnectionError):
            shaken.result()
            return None
        return self._failed()

    def certificate(self) -> str:
        """Of the server: its names, and who signed it."""
        shown = self._quic.tls._peer_certificate
        if shown is None:
            return ""
        return f"certificate of {shown.subject.rfc4514_string()}, signed by {shown.issuer.rfc4514_string()}"

    def _failed(self) -> _No:
        why = self.ended
        if why is None:
            return _No(StepName.TLS, CLOSED, Side.SERVER, "the connection ended")
        status = ending.of_alert(why.error_code, why.reason_phrase)
        if status is None:
            return _No(StepName.QUIC_CONNECT, CLOSED, Side.SERVER, why.reason_phrase)
        side = Side.CLIENT if status in ending.OF_CERTIFICATES else Side.SERVER
        return _No(StepName.TLS, status, side, why.reason_phrase)
