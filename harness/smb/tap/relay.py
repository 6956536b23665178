"""A relay between a client program and a server that passes bytes unchanged and reads along.

Exit codes and output of client programs lie; what the server answered does not.
"""

from __future__ import annotations

import selectors
import socket
import struct
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Generic, Protocol, Self, TypeVar

from harness.errors import LabFault
from harness.model import RESET, TIMEOUT
from harness.smb import footprint
from harness.smb.tap.frames import Reader
from harness.smb.tap.kdc import Framed
from harness.smb.tap.kdc_trace import KdcTalk, KdcTracer, read
from harness.smb.tap.trace import Conversation, Tracer

_CHUNK = 256 * 1024
_BACKLOG = 1024 * 1024
"""Bytes that may wait for a slow side before we stop reading from the other one."""
_MAX_CONNECTIONS = 64
_LAST_WORDS = 1.0
"""Seconds that bytes of a program which has ended get to arrive."""
_SLICE = 0.5
"""Seconds of one wait; the relay wakes by itself for everything it waits for."""


Trace = TypeVar("Trace")
_Trace_co = TypeVar("_Trace_co", covariant=True)


class _Reader(Protocol):
    """One direction of a connection: bytes to events. Never raises for what the bytes are."""

    def feed(self, chunk: bytes) -> Iterable[Any]: ...


class _Tracer(Protocol[_Trace_co]):
    """Listens to one connection, and tells what it was."""

    def connected(self, seconds: float, status: str = ...) -> None: ...

    def heard(self, event: Any, now: float) -> None: ...

    def ended(self, by: str, now: float, *, reset: bool = ...) -> None: ...

    def trace(self) -> _Trace_co: ...


@dataclass(slots=True, eq=False)
class _End:
    """One end of a relayed connection."""

    sock: socket.socket
    reader: _Reader
    who: str
    out: bytearray = field(default_factory=bytearray)
    """Bytes still to be sent to this end."""
    finished: bool = False
    """This end sends no more."""
    shut: bool = False
    """We told this end that no more comes."""


@dataclass(slots=True, eq=False)
class _Pair:
    client: _End
    server: _End
    tracer: _Tracer[object]
    begun: float
    connected: bool = False
    told: bool = False
    """The tracer knows whether it was."""

    def other(self, end: _End) -> _End:
        return self.server if end is self.client else self.client


class Relay(ABC, Generic[Trace]):
    """``with Tap(address, 445, seconds) as tap:`` relays ``127.0.0.1:tap.port`` to ``address:445``.

    After ``seconds`` it hangs up on everybody, so that nothing waits longer; leaving the block closes every
    socket and ends the thread.
    Raises LabFault when no local port can be had.
    """

    def __init__(
        self, address: str, port: int, seconds: float, at: tuple[str, int] = ("127.0.0.1", 0)
    ) -> None:
        """``at``: where it takes connections; 0 is any port."""
        self._upstream = (address, port)
        self._at = at
        self._seconds = seconds
        self._tracers: list[_Tracer[Trace]] = []
        self._pairs: list[_Pair] = []
        self._stop = threading.Event()
        # Of whoever made it: its thread has a context of its own.
        self._notes = footprint.current()
        self.port = 0

    def __enter__(self) -> Self:
        try:
            self._listener = socket.create_server(self._at, backlog=16)
            self._wake, self._woken = socket.socketpair()
        except OSError as error:
            raise LabFault(f"no relay for a client program: {error}") from error
        self._listener.setblocking(False)
        self.port = self._listener.getsockname()[1]
        self._end_at = time.monotonic() + self._seconds
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._selector.register(self._woken, selectors.EVENT_READ)
        self._thread = threading.Thread(target=self._relay, name="smb-tap", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end_at = min(self._end_at, time.monotonic() + _LAST_WORDS)
        self._stop.set()
        self._wake.send(b".")
        self._thread.join(_LAST_WORDS + 2 * _SLICE)
        for pair in list(self._pairs):
            self._drop(pair)
        self._selector.close()
        for sock in (self._listener, self._wake, self._woken):
            sock.close()

    @abstractmethod
    def _listen(self) -> tuple[_Reader, _Reader, _Tracer[Trace]]:
        """Who reads what the client and what the server of one connection say, and who listens to both."""

    def _note(self, server: socket.socket) -> None:
        """Note our end of a connection: they are its part of an attempt's evidence."""
        footprint.connected(server, self._notes)

    def traces(self) -> tuple[Trace, ...]:
        """What happened on each connection, in the order in which they were made. Call it after the block."""
        return tuple(tracer.trace() for tracer in self._tracers)

    def _relay(self) -> None:
        while time.monotonic() < self._end_at:
            stopping = self._stop.is_set() and not self._draining()
            ready = self._selector.select(0 if stopping else _SLICE)
            if stopping and not ready:
                return
            for key, mask in ready:
                if key.fileobj is self._listener:
                    self._accept()
                elif key.fileobj is self._woken:
                    self._selector.unregister(self._woken)
                else:
                    pair, end = key.data
                    if pair in self._pairs:
                        self._serve(pair, end, mask)
        self._give_up()

    def _give_up(self) -> None:
        """Time is over: a client in our own process may wait for ever, and comes back when we hang up."""
        self._selector.unregister(self._listener)
        self._listener.close()
        for pair in list(self._pairs):
            pair.tracer.ended("", time.monotonic())
            self._drop(pair)

    def _draining(self) -> bool:
        """True while bytes of a client that has gone are still on their way: they belong to its trace."""
        return any(pair.server.out or not pair.client.finished for pair in self._pairs)

    def _accept(self) -> None:
        try:
            client, _ = self._listener.accept()
        except OSError:
            return
        if len(self._tracers) >= _MAX_CONNECTIONS:
            _abort(client)
            return
        client.setblocking(False)
        _no_delay(client)
        server = self._towards_server()
        if server is None:
            _abort(client)
            return
        asks, answers, tracer = self._listen()
        pair = _Pair(_End(client, asks, "client"), _End(server, answers, "server"), tracer, time.monotonic())
        self._tracers.append(tracer)
        self._pairs.append(pair)
        self._selector.register(server, selectors.EVENT_WRITE, (pair, pair.server))

    def _towards_server(self) -> socket.socket | None:
        """A connection to the server that may be on its way, and does not block; None where there is none."""
        server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        server.setblocking(False)
        _no_delay(server)
        server.connect_ex(self._upstream)
        self._note(server)
        return server

    def _serve(self, pair: _Pair, end: _End, mask: int) -> None:
        now = time.monotonic()
        if not pair.connected:
            refused = end.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if refused:
                pair.told = True
                pair.tracer.connected(now - pair.begun, RESET)
                pair.tracer.ended("server", now, reset=True)
                self._drop(pair)
                return
            pair.tracer.connected(now - pair.begun)
            pair.connected = pair.told = True
        if mask & selectors.EVENT_READ:
            self._receive(pair, end, now)
        if pair in self._pairs:
            self._flush(pair)
        if pair in self._pairs:
            self._watch(pair)

    def _receive(self, pair: _Pair, end: _End, now: float) -> None:
        try:
            chunk = end.sock.recv(_CHUNK)
        except BlockingIOError:
            return
        except OSError:
            pair.tracer.ended(end.who, now, reset=True)
            self._drop(pair)
            return
        if not chunk:
            end.finished = True
            pair.tracer.ended(end.who, now)
            return
        for event in end.reader.feed(chunk):
            pair.tracer.heard(event, now)
        pair.other(end).out += chunk

    def _flush(self, pair: _Pair) -> None:
        for end in (pair.client, pair.server):
            try:
                if end.out:
                    del end.out[: end.sock.send(end.out)]
                if pair.other(end).finished and not end.out and not end.shut:
                    end.sock.shutdown(socket.SHUT_WR)
                    end.shut = True
            except BlockingIOError:
                continue
            except OSError:
                pair.tracer.ended(end.who, time.monotonic(), reset=True)
                self._drop(pair)
                return
        # A server that hung up has said all; a client that hung up reads no more.
        if (pair.server.finished and not pair.client.out) or (pair.client.finished and not pair.server.out):
            self._drop(pair, graceful=True)

    def _watch(self, pair: _Pair) -> None:
        """Wait for what can happen next on either end; an end with a full backlog before it rests."""
        for end in (pair.client, pair.server):
            wanted = selectors.EVENT_WRITE if end.out else 0
            if not end.finished and len(pair.other(end).out) < _BACKLOG:
                wanted |= selectors.EVENT_READ
            known = self._selector.get_map().get(end.sock)
            if known and not wanted:
                self._selector.unregister(end.sock)
            elif known and known.events != wanted:
                self._selector.modify(end.sock, wanted, (pair, end))
            elif not known and wanted:
                self._selector.register(end.sock, wanted, (pair, end))

    def _drop(self, pair: _Pair, *, graceful: bool = False) -> None:
        self._pairs.remove(pair)
        if not pair.told:
            pair.tracer.connected(time.monotonic() - pair.begun, TIMEOUT)
        for end in (pair.client, pair.server):
            if end.sock in self._selector.get_map():
                self._selector.unregister(end.sock)
            if graceful:
                end.sock.close()
            else:
                _abort(end.sock)


class Tap(Relay[Conversation]):
    """A relay of SMB."""

    def _listen(self) -> tuple[_Reader, _Reader, _Tracer[Conversation]]:
        return Reader(from_server=False), Reader(from_server=True), Tracer()


class KdcTap(Relay[KdcTalk]):
    """A relay of what a client asks a Kerberos KDC, by TCP alone."""

    def _note(self, server: socket.socket) -> None:
        footprint.asked_kdc(server, self._notes)

    def _listen(self) -> tuple[_Reader, _Reader, _Tracer[KdcTalk]]:
        return Framed(read), Framed(read), KdcTracer()


def _no_delay(sock: socket.socket) -> None:
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _abort(sock: socket.socket) -> None:
    """Close with a RST, as the other side did."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()
