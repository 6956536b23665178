"""One TCP connection that carries SMB messages in the framing of [MS-SMB2] 2.1 (direct TCP, port 445)."""

from __future__ import annotations

import select
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from harness.errors import LabFault, Refused, Torn
from harness.model import CLOSED, RESET, TIMEOUT
from harness.smb import footprint
from harness.system.deadline import Deadline

_SESSION_MESSAGE = 0x00
_KEEP_ALIVE = 0x85
# The harness never asks for more than 1 MiB at once: a longer message is not an answer to anything we sent.
_LONGEST = (1 << 20) + (1 << 12)


class Wire:
    """A connected socket that sends and receives whole SMB messages until its deadline.

    All waits share one deadline. Everything that the server does to the connection instead of
    answering is Refused: CLOSED, RESET or TIMEOUT. What is not SMB framing at all is LabFault.
    """

    def __init__(self, connected: socket.socket, deadline: Deadline) -> None:
        self.deadline = deadline
        self._socket = connected
        self._received = bytearray()

    @classmethod
    def connect(cls, address: str, port: int, deadline: Deadline) -> Wire:
        """Connect. Raises Refused when nobody listens or answers, LabFault when there is no way there."""
        with _peer():
            connected = socket.create_connection((address, port), timeout=_seconds(deadline))
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        footprint.connected(connected)
        return cls(connected, deadline)

    def send(self, message: bytes) -> None:
        """Send one SMB message (without its framing). Raises Refused."""
        with _peer():
            self._socket.settimeout(_seconds(self.deadline))
            self._socket.sendall(len(message).to_bytes(4, "big") + message)

    def receive(self) -> bytes:
        """The next SMB message. Raises Refused, or LabFault for what is no framing of SMB."""
        while True:
            head = self._exactly(4)
            length = int.from_bytes(head[1:], "big")
            if head[0] == _KEEP_ALIVE and length == 0:
                continue
            if head[0] != _SESSION_MESSAGE or length > _LONGEST:
                raise LabFault(f"the server sent garbage: a frame that begins {head.hex()}")
            return self._exactly(length, begun=True)

    def close(self) -> None:
        """Close the connection; never raises."""
        with suppress(OSError):
            self._socket.close()

    def _exactly(self, count: int, *, begun: bool = False) -> bytes:
        """``begun``: a part of the message was taken before."""
        while len(self._received) < count:
            try:
                with _peer():
                    self._socket.settimeout(_seconds(self.deadline))
                    more = self._socket.recv(65536)
                if not more:
                    raise Refused(CLOSED, detail="the server closed the connection")
            except Refused as end:
                if end.status == TIMEOUT or not (begun or self._received):
                    raise
                raise Torn(end.status, detail="the connection ended in the middle of a message") from end
            self._received += more
        taken = bytes(self._received[:count])
        del self._received[:count]
        return taken


def first_heard(*wires: Wire) -> Wire:
    """The first of them that something has come on, or that ended. Raises Refused when its time is over."""
    for wire in wires:
        if wire._received:
            return wire
    limit = min((wire.deadline for wire in wires), key=lambda deadline: deadline.remaining)
    with _peer():
        ready, _, _ = select.select([wire._socket for wire in wires], [], [], _seconds(limit))
    if not ready:
        raise Refused(TIMEOUT, detail=f"no answer within {limit.seconds:g} s")
    return next(wire for wire in wires if wire._socket in ready)


def _seconds(deadline: Deadline) -> float:
    # settimeout(0) would mean "do not block", which is not what an expired deadline means.
    if deadline.expired:
        raise Refused(TIMEOUT, detail=f"no answer within {deadline.seconds:g} s")
    return deadline.remaining


@contextmanager
def _peer() -> Iterator[None]:
    """What the other side does to a connection, as a refusal; anything else is the lab's."""
    try:
        yield
    except (ConnectionRefusedError, ConnectionResetError) as reason:
        # A refused connect is a RST on the wire too.
        raise Refused(RESET, detail=reason.strerror or "") from reason
    except BrokenPipeError as reason:
        raise Refused(CLOSED, detail="the server closed the connection") from reason
    except TimeoutError as reason:
        raise Refused(TIMEOUT, detail="the server did not answer in time") from reason
    except OSError as reason:
        raise LabFault(f"no connection: {reason}") from reason
