"""What clients asked Kerberos KDCs in a capture, over UDP and TCP: each question with its answer."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final, Literal

from harness.learn.packets import Datagram
from harness.learn.streams import Connection, Heard, Key
from harness.smb.tap import kdc
from harness.smb.tap.kdc import KdcAnswer, KdcRequest

Transport = Literal["udp", "tcp"]
_MOST_WAITING: Final = 4096
"""Questions by UDP whose answers are waited for."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """One question to a KDC, and what it answered."""

    transport: Transport
    request: KdcRequest
    answer: KdcAnswer | None
    """None where it is not in the capture, or cannot be read."""


Asked = Callable[[str, float, Exchange], None]
"""Told the client's address, the time in seconds since 1970, and what it asked."""


class KdcListener:
    """Listens to one TCP connection with a KDC; a ``streams.Watcher``."""

    def __init__(self, key: Key, time: float, asked: Asked) -> None:
        (self._address, _), _ = key
        self._time = time
        self._asked = asked
        self._waits: KdcRequest | None = None

    def heard(self, event: Heard) -> None:
        """A message passed by; a connection has one question after the other."""
        if isinstance(event, KdcRequest):
            self._told(None)
            self._waits = event
        elif isinstance(event, KdcAnswer):
            self._told(event)

    def over(self, connection: Connection) -> None:  # noqa: ARG002 (as every watcher)
        """Nothing more comes."""
        self._told(None)

    def _told(self, answer: KdcAnswer | None) -> None:
        if self._waits is not None:
            self._asked(str(ip_address(self._address)), self._time, Exchange("tcp", self._waits, answer))
        self._waits = None


class Datagrams:
    """Pairs the questions and answers of UDP; a question that is sent again counts once."""

    def __init__(self, asked: Asked) -> None:
        self._asked = asked
        self._waits: OrderedDict[Key, tuple[KdcRequest, float]] = OrderedDict()

    def add(self, datagram: Datagram) -> None:
        """One more datagram of the capture."""
        told = kdc.message(datagram.data)
        if isinstance(told, KdcRequest) and not datagram.from_kdc:
            key = (datagram.source, datagram.target)
            if key in self._waits and self._waits[key][0] != told:
                self._tell(key, None)
            self._waits[key] = (told, datagram.time)
            if len(self._waits) > _MOST_WAITING:
                self._tell(next(iter(self._waits)), None)
        elif isinstance(told, KdcAnswer) and (key := (datagram.target, datagram.source)) in self._waits:
            self._tell(key, told)

    def end(self) -> None:
        """The capture has ended."""
        while self._waits:
            self._tell(next(iter(self._waits)), None)

    def _tell(self, key: Key, answer: KdcAnswer | None) -> None:
        request, time = self._waits.pop(key)
        self._asked(str(ip_address(key[0][0])), time, Exchange("udp", request, answer))
