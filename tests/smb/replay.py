"""A server that answers every connection with messages made beforehand, on a real socket."""

from __future__ import annotations

import json
import queue
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from harness.clients import persona
from harness.clients.base import Client
from harness.model import Check, Target

RECORDED: dict[str, list[str]] = json.loads((Path(__file__).parent / "replies.json").read_text("utf-8"))
"""What Samba 4.13 (windows-xp) and 4.22 (windows-10-1703) answered a guest: ``client:check`` -> messages."""


def recorded(client: str, check: Check) -> list[bytes]:
    """The recorded answers to one attempt."""
    return [bytes.fromhex(message) for message in RECORDED[f"{client}:{check}"]]


def persona_called(name: str) -> Client:
    """One of the emulated clients."""
    return next(client for client in persona.CLIENTS if client.name == name)


class Replay:
    """The next connection gets ``messages``, each framed, and then an end."""

    def __init__(self, listener: socket.socket) -> None:
        self.messages: Sequence[bytes] = ()
        self.raw = b""
        """Sent instead of messages, as it is."""
        self.heard: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        """All that the client of each connection sent, put here when it hung up."""
        self._listener = listener

    def target(self, seconds: float = 2.0) -> Target:
        """Where to go."""
        return Target("127.0.0.1", "share", "stranger", "", self._listener.getsockname()[1], seconds)

    def serve(self) -> None:
        """Answer until the listener is closed."""
        with suppress(OSError):
            while True:
                peer, _ = self._listener.accept()
                heard = bytearray()
                with peer, suppress(OSError):
                    framed = b"".join(len(one).to_bytes(4, "big") + one for one in self.messages)
                    peer.sendall(self.raw or framed)
                    peer.shutdown(socket.SHUT_WR)
                    while chunk := peer.recv(65536):
                        heard += chunk
                self.heard.put(bytes(heard))


@contextmanager
def replaying() -> Iterator[Replay]:
    """A running replay server; set what it answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        replay = Replay(listener)
        thread = threading.Thread(target=replay.serve)
        thread.start()
        try:
            yield replay
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()
