"""What a client puts on the wire first, observed on its bytes; no server is asked."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Callable

from harness.errors import LabFault
from harness.smb.attempting import Offer
from harness.system.deadline import Deadline, pace


def observe(
    start: Callable[[str, int], object], seconds: float = 5.0, address: str = "127.0.0.1", port: int = 0
) -> Offer:
    """Let a client connect to nobody and read its first NEGOTIATE.

    ``start(address, port)`` makes the client try; what it raises is ignored, for nobody answers it.
    The connection is closed after the first NEGOTIATE, so ``start`` must come back when its peer is
    gone. ``address`` is one of ours that the client reaches; ``port`` is 0 where any will do.
    Raises LabFault when no NEGOTIATE came within ``seconds``, more on a slow machine.
    """
    seconds *= pace()
    deadline = Deadline(seconds)
    with socket.create_server((address, port)) as listener:
        place = (start, address, listener.getsockname()[1])
        caller = threading.Thread(target=_start, args=place, name="smb-sink-client", daemon=True)
        caller.start()
        offer = _first_offer(listener, deadline, caller)
    # With the listener closed every further try of the client is refused at once.
    caller.join(deadline.remaining)
    if offer is None:
        raise LabFault(f"the client offered no SMB dialect within {seconds:.3g} s")
    return offer


def _start(start: Callable[[str, int], object], address: str, port: int) -> None:
    with contextlib.suppress(Exception):
        start(address, port)


def _first_offer(listener: socket.socket, deadline: Deadline, caller: threading.Thread) -> Offer | None:
    while not deadline.expired:
        # A client that ended without a connection will make none any more.
        listener.settimeout(min(0.1, deadline.remaining) or 0.001)
        alive = caller.is_alive()
        try:
            peer, _ = listener.accept()
        except TimeoutError:
            if not alive:
                return None
            continue
        with peer:
            offer = _read(peer, deadline)
            # With a RST: curl 7.88 keeps waiting when its peer hangs up politely (measured).
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        if offer is not None:
            return offer
    return None


def _read(peer: socket.socket, deadline: Deadline) -> Offer | None:
    from harness.smb.tap.events import Command, Request, Unreadable
    from harness.smb.tap.frames import Reader

    reader = Reader(from_server=False, max_frame=65536)
    while not deadline.expired:
        peer.settimeout(deadline.remaining or 0.001)
        try:
            chunk = peer.recv(65536)
        except OSError:
            return None
        if not chunk:
            return None
        for event in reader.feed(chunk):
            if isinstance(event, Request) and event.command is Command.NEGOTIATE:
                return Offer(event.smb1_dialects, event.smb2_dialects)
            if isinstance(event, Unreadable):
                return None
    return None
