"""A listener for connections from outside the lab, relayed to a server inside, and learned from.

The listening socket is made outside the lab's namespace and inherited: it belongs to the network outside
for good, while the connections to the server are made inside. No route and no interface is added.
"""

from __future__ import annotations

import hashlib
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from harness.errors import LabFault
from harness.learn.hosts import Hosts
from harness.learn.observe import Finished, Listener
from harness.learn.streams import MAX_FRAME, WINDOW, Connection, Direction, End
from harness.smb.tap.frames import Reader
from harness.system.deadline import Deadline

MAX_AT_ONCE: Final = 32
MAX_CONNECTIONS: Final = 1000
_CHUNK: Final = 64 * 1024
_SLICE: Final = 0.25
"""Seconds after which a wait looks whether time is up."""


def serve(
    listener: socket.socket, inside: tuple[str, int], seconds: float, came: Callable[[str], None]
) -> tuple[Hosts, str]:
    """Relay for ``seconds``, at most ``MAX_CONNECTIONS`` connections; what was learned.

    And the SHA-256 of all that clients sent, in the order in which it came. ``came`` hears the address of
    each connection. Every connection is closed when time is up. Raises LabFault when the server is gone.
    """
    deadline = Deadline(seconds)
    book = _Book()
    relays: list[_Relay] = []
    listener.settimeout(_SLICE)
    total = 0
    while not deadline.expired and total < MAX_CONNECTIONS:
        try:
            outer, peer = listener.accept()
        except TimeoutError:
            continue
        relays = [relay for relay in relays if relay.alive]
        if len(relays) >= MAX_AT_ONCE:
            outer.close()
            continue
        total += 1
        came(str(peer[0]))
        relay = _Relay(outer, inside, (peer[0], peer[1]), book, deadline)
        relays.append(relay)
        relay.start()
    for relay in relays:
        relay.join()
    return book.hosts, book.heard.hexdigest()


class _Book:
    """What all relays write down together."""

    def __init__(self) -> None:
        self.hosts = Hosts()
        self.heard = hashlib.sha256()
        self._lock = threading.Lock()

    def said(self, chunk: bytes) -> None:
        """Bytes of a client."""
        with self._lock:
            self.heard.update(chunk)

    def hand_in(self, finished: Finished) -> None:
        """A connection is over."""
        with self._lock:
            self.hosts.hand_in(finished)


class _Relay:
    """One connection: two threads that copy, each reading along."""

    def __init__(
        self,
        outer: socket.socket,
        inside: tuple[str, int],
        peer: tuple[str, int],
        book: _Book,
        deadline: Deadline,
    ) -> None:
        try:
            self._inner = socket.create_connection(inside, deadline.remaining or 0.001)
        except OSError as error:
            outer.close()
            raise LabFault(f"the lab's server does not answer: {error}") from error
        self._outer = outer
        self._deadline = deadline
        self._book = book
        family = socket.AF_INET6 if ":" in peer[0] else socket.AF_INET
        client: End = (socket.inet_pton(family, peer[0].partition("%")[0]), peer[1])
        server: End = (bytes(4), 445)
        self._listener = Listener((client, server), time.time(), book.hand_in)
        self._connection = Connection((client, server), self._listener, time.time())
        self._lock = threading.Lock()
        ways = ((outer, self._inner, self._connection.client), (self._inner, outer, self._connection.server))
        self._threads = [threading.Thread(target=self._copy, args=way, daemon=True) for way in ways]
        self._watch = threading.Thread(target=self._finish, daemon=True)

    @property
    def alive(self) -> bool:
        return self._watch.is_alive()

    def start(self) -> None:
        for thread in (*self._threads, self._watch):
            thread.start()

    def join(self) -> None:
        self._watch.join()

    def _copy(self, source: socket.socket, target: socket.socket, direction: Direction) -> None:
        reader = Reader(from_server=direction.from_server, max_frame=MAX_FRAME)
        seen = 0
        source.settimeout(_SLICE)
        with suppress(OSError):
            while not self._deadline.expired:
                try:
                    chunk = source.recv(_CHUNK)
                except TimeoutError:
                    continue
                if not chunk:
                    break
                if not direction.from_server:
                    self._book.said(chunk)
                if seen < WINDOW:
                    seen += len(chunk)
                    with self._lock:
                        for event in reader.feed(chunk):
                            self._listener.heard(event)
                target.sendall(chunk)
        # The other thread reads from what is shut here, and so ends as well.
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _finish(self) -> None:
        for thread in self._threads:
            thread.join()
        self._outer.close()
        self._inner.close()
        self._listener.over(self._connection)
