"""The first security token of a client that lists several mechanisms, as bytes: [MS-SPNG] 2.2.1, RFC 4178.

And the AP-REQ that comes with it in its frame (RFC 4121 4.1, RFC 4120 5.5.1). Kinds of client differ in what
they list and, rarely, in how they write lengths; the library's SPNEGO knows one way.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from harness.smb.tap.kerberos import KRB5, MECHANISMS, SPNEGO
from harness.system.later import Later

core: Any = Later("asn1crypto.core")

_NUMBERS = {name: number for number, name in MECHANISMS.items()}
_TOKEN_AP_REQ = b"\x01\x00"


def init(mechanisms: Sequence[str], token: bytes, *, wide: bool = False) -> bytes:
    """NegTokenInit with a token for the first mechanism; ``wide``: every length takes three bytes."""
    listed = b"".join(_oid(_NUMBERS.get(name, name), wide=wide) for name in mechanisms)
    fields = _tlv(0xA0, _tlv(0x30, listed, wide), wide)
    if token:
        fields += _tlv(0xA2, _tlv(0x04, token, wide), wide)
    inner = _tlv(0xA0, _tlv(0x30, fields, wide), wide)
    return _tlv(0x60, _oid(SPNEGO, wide=wide) + inner, wide)


def framed(message: bytes) -> bytes:
    """A Kerberos AP-REQ as a GSS token; its mechanism is KRB5 whatever the list begins with."""
    return _tlv(0x60, _oid(_NUMBERS[KRB5]) + _TOKEN_AP_REQ + message)


def ap_req(options: int, ticket: bytes, etype: int, authenticator: bytes) -> bytes:
    """An AP-REQ of a ticket as the KDC gave it, and the authenticator encrypted with its session key."""
    encrypted = _tlv(0xA0, _number(etype)) + _tlv(0xA2, _tlv(0x04, authenticator))
    fields = [
        _number(5),
        _number(14),
        _tlv(0x03, b"\0" + options.to_bytes(4, "big")),
        ticket,
        _tlv(0x30, encrypted),
    ]
    content = b"".join(_tlv(0xA0 + at, field) for at, field in enumerate(fields))
    return _tlv(0x6E, _tlv(0x30, content))


def _oid(dotted: str, *, wide: bool = False) -> bytes:
    content = bytes(core.ObjectIdentifier(dotted).contents)
    return _tlv(0x06, content, wide)


def _number(value: int) -> bytes:
    return bytes(core.Integer(value).dump())


def _tlv(tag: int, content: bytes, wide: bool = False) -> bytes:
    """One piece; lengths as short as they can be unless ``wide`` (X.690 10.1)."""
    size = len(content)
    if wide:
        return bytes([tag, 0x82]) + size.to_bytes(2, "big") + content
    if size < 0x80:
        return bytes([tag, size]) + content
    octets = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(octets)]) + octets + content
