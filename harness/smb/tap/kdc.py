"""What a client asks a Kerberos KDC, and what that answers: RFC 4120 5.4 and 5.9, [MS-KILE].

Pure: bytes in, frozen facts out. Names of users, hosts and realms, tickets, keys, proofs and addresses are
not kept: what tells kinds of client apart is how they ask.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from harness.smb.kerberos.names import error_name
from harness.smb.tap import asn1, kerberos
from harness.smb.tap.kerberos import Principal

PORT: Final = 88
"""UDP and TCP: RFC 4120, 7.2.1."""
MAX_MESSAGE: Final = 128 * 1024
AS_REQ, AS_REP, TGS_REQ, TGS_REP, ERROR = 0x6A, 0x6B, 0x6C, 0x6D, 0x7E
"""Application tags: RFC 4120 5.10."""
_KINDS: Final = {
    AS_REQ: "AS-REQ",
    AS_REP: "AS-REP",
    TGS_REQ: "TGS-REQ",
    TGS_REP: "TGS-REP",
    ERROR: "KRB-ERROR",
}
_REQUESTS: Final = {AS_REQ, TGS_REQ}
_MOST: Final = 32
ETYPES: Final = {
    1: "des-cbc-crc",
    3: "des-cbc-md5",
    17: "aes128-cts-hmac-sha1-96",
    18: "aes256-cts-hmac-sha1-96",
    19: "aes128-cts-hmac-sha256-128",
    20: "aes256-cts-hmac-sha384-192",
    23: "rc4-hmac",
    24: "rc4-hmac-exp",
    -128: "rc4-md4",
    -133: "rc4-hmac-old",
    -135: "rc4-hmac-old-exp",
}
"""Encryption types by name: IANA's registry; the negative ones are Microsoft's ([MS-KILE] 3.1.5.2)."""


@dataclass(frozen=True, slots=True)
class KdcRequest:
    """An AS-REQ or TGS-REQ: RFC 4120, 5.4.1."""

    kind: str
    options: int
    """KDCOptions, the first flag as the highest of 32 bits."""
    etypes: tuple[int, ...]
    """In the client's order of preference."""
    padata: tuple[int, ...]
    """Types of the pre-authentication data: 2 is an encrypted time, and so a proof; 1 a TGS-REQ's own."""
    service: Principal
    user: Principal | None
    """Whom an AS-REQ is for; a TGS-REQ says it in its ticket."""
    till: str
    """How long the ticket may live, where it is a constant of the client; "" for a time of its own."""
    renew: bool
    """It asks until when the ticket may be renewed."""
    addresses: tuple[int, ...]
    """Types of the client's addresses that it lists: 2 IPv4, 20 NetBIOS, 24 IPv6."""
    extra: tuple[int, ...]
    """Further parts: 10 encrypted authorisation data, 11 a second ticket."""


@dataclass(frozen=True, slots=True)
class KdcAnswer:
    """A KRB-ERROR, AS-REP or TGS-REP."""

    kind: str
    error: str = ""
    """Name of a KRB-ERROR's code."""
    ticket_etype: int = 0
    etype: int = 0
    """Of the part that the client reads."""


KdcMessage = KdcRequest | KdcAnswer


def message(data: bytes) -> KdcMessage | None:
    """One message of or to a KDC; None for what is none, or is cut off."""
    outer = next(asn1.pieces(data), None)
    if outer is None or outer.tag not in _KINDS:
        return None
    kind, said = _KINDS[outer.tag], asn1.fields(outer.content)
    if not said:
        return None
    if outer.tag in _REQUESTS:
        return _request(kind, said)
    if outer.tag == ERROR:
        return KdcAnswer(kind, error_name(asn1.number(said.get(6), -1)))
    ticket = asn1.fields(asn1.first(said.get(5, b""), 0x61) or b"")
    return KdcAnswer(kind, "", kerberos.etype_of(ticket.get(3, b"")), kerberos.etype_of(said.get(6, b"")))


def begins(data: bytes) -> bool:
    """A piece of a TCP stream that may be the beginning of a message."""
    return len(data) > 4 and int.from_bytes(data[:4], "big") <= MAX_MESSAGE and data[4] in _KINDS


def _request(kind: str, said: dict[int, bytes]) -> KdcRequest | None:
    body = asn1.fields(said.get(4, b""))
    if not body:
        return None
    data = asn1.pieces(asn1.first(said.get(3, b""), asn1.SEQUENCE) or b"")
    padata = tuple(asn1.number(_numbered(one.content).get(1)) for one in data)
    listed = asn1.pieces(asn1.first(body.get(9, b""), asn1.SEQUENCE) or b"")
    till = (asn1.first(body.get(5, b""), 0x18) or b"").decode("ascii", "replace")
    return KdcRequest(
        kind,
        asn1.bits(body.get(0)),
        asn1.numbers(body.get(8))[:_MOST],
        padata[:_MOST],
        kerberos.principal(body.get(3, b"")),
        kerberos.principal(body[1]) if 1 in body else None,
        till if till in CONSTANT else "",
        6 in body,
        tuple(asn1.number(_numbered(one.content).get(0)) for one in listed)[:_MOST],
        tuple(number for number in (10, 11) if number in body),
    )


CONSTANT: Final = frozenset({"20370913024805Z", "19700101000000Z", "99990913024805Z"})
"""Ends of tickets that are no moments: Windows' (to 10, and later), and RFC 4120's for as long as may be."""


def _numbered(content: bytes) -> dict[int, bytes]:
    """The fields of a SEQUENCE whose frame is off already."""
    return {piece.tag & 0x1F: piece.content for piece in asn1.pieces(content)}


Read_co = TypeVar("Read_co", covariant=True)


class Framed(Generic[Read_co]):
    """One direction of a TCP connection with a KDC; its length is before each message: RFC 4120, 7.2.2."""

    def __init__(self, read: Callable[[bytes], Read_co | None]) -> None:
        self._read = read
        self._buffer = bytearray()
        self._lost = False

    @property
    def buffered(self) -> int:
        """Bytes kept until their message is complete."""
        return len(self._buffer)

    def feed(self, chunk: bytes) -> list[Read_co]:
        """The messages that are complete now. Never raises for what the bytes are."""
        found: list[Read_co] = []
        if self._lost:
            return found
        self._buffer += chunk
        while len(self._buffer) >= 4:
            size = int.from_bytes(self._buffer[:4], "big")
            if size > MAX_MESSAGE:
                # The highest bit is reserved, and no message is as long: this is something else.
                self._lost = True
                self._buffer.clear()
                break
            if len(self._buffer) < 4 + size:
                break
            told = self._read(bytes(self._buffer[4 : 4 + size]))
            found += [told] if told else []
            del self._buffer[: 4 + size]
        return found


class KdcReader(Framed[KdcMessage]):
    """The same, of which no name is kept."""

    def __init__(self) -> None:
        super().__init__(message)
