"""A talk with a Kerberos KDC over TCP or UDP: RFC 4120 7.2."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

from harness.errors import LabFault
from harness.smb import footprint
from harness.smb.tap import asn1
from harness.smb.tap.kdc import MAX_MESSAGE, PORT
from harness.system.deadline import Deadline

_TOO_BIG = 52
"""KRB_ERR_RESPONSE_TOO_BIG: the client comes again over TCP."""
_DATAGRAM = 65535
_RESEND = 1.0
"""Seconds after which a question over UDP is sent again, for nobody says that it was lost."""


@dataclass(frozen=True, slots=True)
class Kdc:
    """Where the KDC is, and how it is asked."""

    address: str
    transport: Literal["udp", "tcp"]
    deadline: Deadline
    port: int = PORT

    def ask(self, message: bytes) -> bytes:
        """The answer to one question. Raises LabFault where the KDC gives none: it is the lab's."""
        with self._talking():
            if self.transport == "udp":
                answer = self._by_udp(message)
                if not _is_too_big(answer):
                    return answer
            return self._by_tcp(message)

    def _by_tcp(self, message: bytes) -> bytes:
        with socket.create_connection((self.address, self.port), timeout=self._seconds()) as talk:
            footprint.asked_kdc(talk)
            talk.sendall(len(message).to_bytes(4, "big") + message)
            size = int.from_bytes(self._exactly(talk, 4), "big")
            if size > MAX_MESSAGE:
                raise LabFault(f"the domain's KDC sent garbage: a message of {size} bytes")
            return self._exactly(talk, size)

    def _exactly(self, talk: socket.socket, count: int) -> bytes:
        taken = b""
        while len(taken) < count:
            talk.settimeout(self._seconds())
            more = talk.recv(count - len(taken))
            if not more:
                raise LabFault("the domain's KDC closed the connection without an answer")
            taken += more
        return taken

    def _by_udp(self, message: bytes) -> bytes:
        family = socket.AF_INET6 if ":" in self.address else socket.AF_INET
        with socket.socket(family, socket.SOCK_DGRAM) as talk:
            talk.connect((self.address, self.port))
            footprint.asked_kdc(talk)
            while True:
                talk.settimeout(min(_RESEND, self._seconds()))
                talk.send(message)
                try:
                    return talk.recv(_DATAGRAM)
                except TimeoutError:
                    self._seconds()

    def _seconds(self) -> float:
        if self.deadline.expired:
            raise TimeoutError
        return self.deadline.remaining

    @contextmanager
    def _talking(self) -> Iterator[None]:
        try:
            yield
        except TimeoutError as reason:
            raise LabFault(f"the domain's KDC did not answer within {self.deadline.seconds:g} s") from reason
        except OSError as reason:
            raise LabFault(f"the domain's KDC does not answer: {reason.strerror or reason}") from reason


def _is_too_big(answer: bytes) -> bool:
    said = asn1.fields(asn1.first(answer, 0x7E) or b"")
    return asn1.number(said.get(6)) == _TOO_BIG
