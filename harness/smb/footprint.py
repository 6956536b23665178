"""What attempts leave behind for the evidence of their cells, noted where it happens.

Whoever makes an attempt says ``with noting() as notes``; what connects and what runs a client's software
notes it there. Nothing is noted where nobody asked.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Final

from harness.system.process import Result, redact

MOST: Final = 256 * 1024
"""Characters of one stream of a client's output; smbclient at its most talkative prints 100,000."""


@dataclass(frozen=True, slots=True)
class Output:
    """What a client's own software said: a program its words, a library what it raised."""

    program: str
    status: int | None
    """Its exit status, negative for a signal; None where its time was over."""
    stdout: str
    stderr: str


@dataclass(frozen=True, slots=True)
class Footprint:
    """What an attempt left behind."""

    began: float
    """Seconds since 1970, as ``ended``."""
    ended: float
    connections: tuple[tuple[str, int], ...]
    """The client's end of each connection to the server: address and port, in their order."""
    output: tuple[Output, ...] = ()
    kdc: tuple[tuple[str, int], ...] = ()
    """The client's end of each talk with the domain's KDC, by TCP or UDP."""


@dataclass(slots=True)
class Notes:
    """Collects while an attempt is made."""

    began: float = field(default_factory=time.time)
    connections: list[tuple[str, int]] = field(default_factory=list)
    output: list[Output] = field(default_factory=list)
    kdc: list[tuple[str, int]] = field(default_factory=list)

    def footprint(self) -> Footprint:
        """What was noted until now."""
        return Footprint(
            self.began, time.time(), tuple(self.connections), tuple(self.output), tuple(self.kdc)
        )


_notes: ContextVar[Notes | None] = ContextVar("notes", default=None)


@contextmanager
def noting() -> Iterator[Notes]:
    """Note what this thread does until the context ends."""
    made = Notes()
    token = _notes.set(made)
    try:
        yield made
    finally:
        _notes.reset(token)


def current() -> Notes | None:
    """Where this thread notes; None where nobody asked."""
    return _notes.get()


def connected(sock: socket.socket, notes: Notes | None = None) -> None:
    """Note our end of a connection to a server, which may be on its way; in ``notes`` or this thread's."""
    notes = notes or current()
    if notes is not None:
        _end(sock, notes.connections)


def asked_kdc(sock: socket.socket, notes: Notes | None = None) -> None:
    """The same of a talk with a KDC."""
    notes = notes or current()
    if notes is not None:
        _end(sock, notes.kdc)


def _end(sock: socket.socket, ends: list[tuple[str, int]]) -> None:
    # One that was refused at once has no end any more.
    with suppress(OSError):
        address, port = sock.getsockname()[:2]
        ends.append((address, port))


def came_from(address: str, ports: Iterable[int]) -> None:
    """Note the client's ends of connections that another machine made, and told of."""
    notes = current()
    if notes is not None:
        notes.connections.extend((address, port) for port in ports)


def said(program: str, result: Result) -> None:
    """Note what a client's software said, without the secrets of the lab."""
    notes = current()
    if notes is not None:
        streams = (redact(stream[: MOST + 1]) for stream in (result.stdout, result.stderr))
        notes.output.append(Output(program, result.status, *streams))
