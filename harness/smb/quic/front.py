"""A relay that speaks QUIC to clients and TCP to an SMB server: for a server that has no QUIC of its own.

It ends QUIC and TLS with a certificate and passes the bytes of SMB on unchanged. To the server it comes from
the client's own address and port, so that packets and log of the server tell who it was.
"""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from aioquic.asyncio.server import QuicServer
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.connection import QuicConnection
from aioquic.quic.events import ConnectionTerminated, HandshakeCompleted, QuicEvent

from harness.errors import LabFault
from harness.smb.quic import ALPN
from harness.smb.quic.channel import Channel

_CONNECT_SECONDS: Final = 5.0
Upstream = Callable[[tuple[str, int]], socket.socket]
"""Connects to the server for a client at that address and port; blocks. Raises OSError."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What a server shows to clients: files in PEM."""

    certificate: Path
    key: Path


def to(address: str, port: int) -> Upstream:
    """To the SMB server there, by TCP."""

    def connect(client: tuple[str, int]) -> socket.socket:
        try:
            return _from(client, (address, port))
        except OSError as error:
            # Its port may be in use for TCP by somebody else.
            if error.errno not in (errno.EADDRINUSE, errno.EADDRNOTAVAIL):
                raise
            return _from(("", 0), (address, port))

    return connect


def _from(end: tuple[str, int], there: tuple[str, int]) -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        # A client of ours holds its port for us until then (``dialing``).
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(end)
        made.settimeout(_CONNECT_SECONDS)
        made.connect(there)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except OSError:
        made.close()
        raise
    return made


@dataclass(slots=True)
class Seen:
    """What came so far."""

    begun: int = 0
    """So many connections."""
    shaken: int = 0
    """Of so many the handshake was complete on this side, which a client may end all the same."""


class _Caller(Channel):
    """A client's connection."""

    def __init__(self, quic: QuicConnection, upstream: Upstream, seen: Seen, open_: set[_Caller]) -> None:
        super().__init__(quic)
        self._upstream = upstream
        self._came_from: tuple[str, int] | None = None
        self._serving: asyncio.Task[None] | None = None
        self._seen = seen
        self._open = open_
        seen.begun += 1
        open_.add(self)

    def quic_event_received(self, event: QuicEvent) -> None:
        """See ``QuicConnectionProtocol``."""
        super().quic_event_received(event)
        if isinstance(event, HandshakeCompleted):
            self._seen.shaken += 1
        elif isinstance(event, ConnectionTerminated) and self._serving is None:
            self._open.discard(self)

    def datagram_received(self, data: bytes | str, addr: Any) -> None:
        """See ``QuicConnectionProtocol``."""
        self._came_from = self._came_from or (addr[0], addr[1])
        super().datagram_received(data, addr)

    def spoke(self) -> None:
        """The server is asked for once the client says something."""
        if self._serving is None and self._came_from is not None:
            self._serving = asyncio.ensure_future(self._serve(self._came_from))

    async def _serve(self, client: tuple[str, int]) -> None:
        try:
            connected = await asyncio.to_thread(self._upstream, client)
            reader, writer = await asyncio.open_connection(sock=connected)
        except OSError as error:
            self.close(reason_phrase=f"the SMB server cannot be reached: {error.strerror or error}")
            return
        self.tie(reader, writer)
        await self.untied()
        self._open.discard(self)

    async def leave(self) -> None:
        """End it, with what is tied to it."""
        self.close()
        if self._serving is not None:
            self._serving.cancel()
            with suppress(asyncio.CancelledError):
                await self._serving


@asynccontextmanager
async def serving(
    address: str, port: int, shown: Shown, upstream: Upstream
) -> AsyncIterator[tuple[int, Seen]]:
    """Serve at that address until the block is left; gives the port, and what it sees, which goes on.

    ``port`` 0 is any. Raises LabFault where the certificate cannot be used or the port be had.
    """
    configuration = QuicConfiguration(is_client=False, alpn_protocols=[ALPN])
    try:
        configuration.load_cert_chain(str(shown.certificate), str(shown.key))
    except (OSError, ValueError, TypeError, IndexError) as error:
        said = getattr(error, "strerror", None) or error
        raise LabFault(f"no SMB over QUIC with the certificate {shown.certificate}: {said}") from error
    seen, open_ = Seen(), set[_Caller]()
    try:
        transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: QuicServer(
                configuration=configuration,
                create_protocol=lambda quic, **_: _Caller(quic, upstream, seen, open_),
            ),
            local_addr=(address, port),
            family=socket.AF_INET,
        )
    except OSError as error:
        raise LabFault(f"no SMB over QUIC at {address} UDP port {port}: {error.strerror or error}") from error
    try:
        yield transport.get_extra_info("sockname")[1], seen
    finally:
        await asyncio.gather(*(one.leave() for one in open_), return_exceptions=True)
        transport.close()
