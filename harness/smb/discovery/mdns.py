"""Multicast DNS and DNS-based service discovery, as far as a browser of file servers needs it. No I/O here.

RFC 6762 (mDNS), RFC 6763 (DNS-SD), RFC 1035 (the messages). A question from a port other than 5353 is a
one-shot query (RFC 6762, 5.1), which is answered to that port alone (6.7).
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

GROUP: Final = "224.0.0.251"
PORT: Final = 5353
HOPS: Final = 255
"""The time to live of what is sent: RFC 6762, 11."""
SMB: Final = ("_smb", "_tcp", "local")
"""Under this name file servers are found: RFC 6763, 4, and smb's entry at IANA."""

Name = tuple[str, ...]
"""A domain name: its labels, without the root's."""

_HEAD: Final = struct.Struct(">HHHHHH")
_QUESTION: Final = struct.Struct(">HH")
_RECORD: Final = struct.Struct(">HHLH")
_SRV: Final = struct.Struct(">HHH")
_IN: Final = 1
_CLASS: Final = 0x7FFF
"""Without the bit that asks for a unicast answer, or tells to flush a cache: RFC 6762, 5.4 and 10.2."""
_RESPONSE: Final = 0x8000
_AUTHORITATIVE: Final = 0x8400
_POINTER: Final = 0xC0
_LONGEST: Final = 255
"""Octets of a name (RFC 1035, 2.3.4); a message with pointers in a circle has none that ends before."""
_SECONDS: Final = 10
"""How long an answer to a one-shot query may be kept, at the most: RFC 6762, 6.7."""


class Kind(IntEnum):
    """What a record says."""

    A = 1
    """A host's address."""
    PTR = 12
    """A service of that type."""
    SRV = 33
    """On which host and port a service is."""


@dataclass(frozen=True, slots=True)
class Question:
    """Something that is asked for."""

    name: Name
    kind: Kind


@dataclass(frozen=True, slots=True)
class Record:
    """One record of an answer."""

    name: Name
    kind: Kind
    to: Name = ()
    """PTR: the service; SRV: the host."""
    port: int = 0
    """SRV."""
    address: str = ""
    """A."""


def query(number: int, questions: Iterable[Question]) -> bytes:
    """A query; ``number`` comes back in the answer (RFC 6762, 6.7)."""
    asked = [_packed(one.name) + _QUESTION.pack(one.kind, _IN) for one in questions]
    return _HEAD.pack(number, 0, len(asked), 0, 0, 0) + b"".join(asked)


def asked(data: bytes) -> tuple[int, tuple[Question, ...]] | None:
    """The number and the questions of a query; None for anything else."""
    try:
        number, flags, questions, *_ = _HEAD.unpack_from(data)
        if flags & _RESPONSE:
            return None
        return number, _questions(data, questions)[0]
    except (struct.error, ValueError):
        return None


def response(number: int, service: Name, instance: str) -> bytes:
    """An answer that there is one service of that type."""
    to = _packed((instance, *service))
    record = _packed(service) + _RECORD.pack(Kind.PTR, _IN, _SECONDS, len(to)) + to
    return _HEAD.pack(number, _AUTHORITATIVE, 0, 1, 0, 0) + record


def answered(data: bytes) -> tuple[int, tuple[Record, ...]] | None:
    """The number and the records of an answer; None for anything else: everybody may send to this port."""
    try:
        number, flags, questions, *counts = _HEAD.unpack_from(data)
        if not flags & _RESPONSE:
            return None
        _, at = _questions(data, questions)
        records: list[Record] = []
        for _ in range(sum(counts)):
            name, at = _name(data, at)
            kind, rdclass, _seconds, length = _RECORD.unpack_from(data, at)
            at += _RECORD.size
            if at + length > len(data):
                return None
            if rdclass & _CLASS == _IN and kind in Kind.__members__.values():
                records.append(_record(data, at, length, name, Kind(kind)))
            at += length
    except (struct.error, ValueError):
        return None
    return number, tuple(records)


def pointed(records: Sequence[Record], service: Name) -> list[Name]:
    """The services of a type that an answer names."""
    return [one.to for one in records if one.kind is Kind.PTR and same(one.name, service)]


def same(one: Name, other: Name) -> bool:
    """They are one name: the case of ASCII letters does not count (RFC 6762, 16)."""
    return [_folded(label) for label in one] == [_folded(label) for label in other]


def _folded(label: str) -> bytes:
    return label.encode("utf-8", "surrogateescape").lower()


def _packed(name: Name) -> bytes:
    labels = [label.encode("utf-8", "surrogateescape")[:63] for label in name]
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def _questions(data: bytes, count: int) -> tuple[tuple[Question, ...], int]:
    """The questions that can be asked for here, and where they end. Raises ValueError, struct.error."""
    found: list[Question] = []
    at = _HEAD.size
    for _ in range(count):
        name, at = _name(data, at)
        kind, _class = _QUESTION.unpack_from(data, at)
        at += _QUESTION.size
        if kind in Kind.__members__.values():
            found.append(Question(name, Kind(kind)))
    return tuple(found), at


def _record(data: bytes, at: int, length: int, name: Name, kind: Kind) -> Record:
    if kind is Kind.A:
        if length != 4:
            raise ValueError("an address has four octets")
        return Record(name, kind, address=socket.inet_ntoa(data[at : at + 4]))
    if kind is Kind.PTR:
        return Record(name, kind, _name(data, at)[0])
    _, _, port = _SRV.unpack_from(data, at)
    return Record(name, kind, _name(data, at + _SRV.size)[0], port)


def _name(data: bytes, at: int) -> tuple[Name, int]:
    """The name at that place, and where what follows it begins. Raises ValueError for what is none."""
    labels: list[str] = []
    after, size = 0, 0
    while True:
        if at >= len(data) or size > _LONGEST:
            raise ValueError("a name that does not end")
        length = data[at]
        if length >= _POINTER:
            if at + 1 >= len(data):
                raise ValueError("half a pointer")
            after = after or at + 2
            at = (length & ~_POINTER) << 8 | data[at + 1]
            # It counts, so that a circle of pointers alone ends too.
            size += 1
            continue
        if length > 63:
            raise ValueError("a label of an unknown kind")
        if not length:
            return tuple(labels), after or at + 1
        label = data[at + 1 : at + 1 + length]
        if len(label) != length:
            raise ValueError("half a label")
        labels.append(label.decode("utf-8", "surrogateescape"))
        at, size = at + 1 + length, size + 1 + length
