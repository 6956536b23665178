"""Where secrets stand in a stream of SMB messages: what proves who a user is, or could be tried offline.

Pure: one direction of a connection in, spans out. Messages are found by their signatures, wherever a stream
is cut or lacks something: it is better to blank what only looks like a secret than to keep one.

* NTLMSSP AUTHENTICATE_MESSAGE ([MS-NLMP] 2.2.1.3): both responses, the session key, the MIC; in SPNEGO, raw
  and in RPC alike. The mechListMIC of SPNEGO (RFC 4178) where it is NTLM's.
* SMB1 SESSION_SETUP_ANDX ([MS-CIFS] 2.2.4.53, with 13 words and LANMAN's with 10): both passwords or
  responses. TREE_CONNECT_ANDX and TREE_CONNECT: the password of a share.
* Kerberos (RFC 4120): the encrypted parts of AP-REQ, AP-REP and of every ticket; and every EncryptedData, as
  in what is said to a KDC and by it: the time by which a client proves itself (PA-ENC-TIMESTAMP), the
  encrypted parts of AS-REP and TGS-REP, what FAST wraps.

Challenges, names and lengths stay: they are what a reader needs to see.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

Span = tuple[int, int]
"""Where something begins and ends (behind its last byte)."""

_AUTHENTICATE: Final = re.compile(rb"NTLMSSP\x00\x03\x00\x00\x00")
_LIST_MIC: Final = re.compile(rb"\xa3\x12\x04\x10\x01\x00\x00\x00", re.DOTALL)
_LENGTH: Final = rb"(?:[\x00-\x7f]|\x81.|\x82..|\x83...|\x84....)"
_KERBEROS: Final = re.compile(
    rb"(?:\x6e%(n)b\x30%(n)b\xa0\x03\x02\x01\x05\xa1\x03\x02\x01\x0e"
    rb"|\x6f%(n)b\x30%(n)b\xa0\x03\x02\x01\x05\xa1\x03\x02\x01\x0f"
    rb"|\x61%(n)b\x30%(n)b\xa0\x03\x02\x01\x05)" % {b"n": _LENGTH},
    re.DOTALL,
)
"""AP-REQ, AP-REP, Ticket: their tags, and the numbers that they begin with."""
_INTEGER: Final = rb"(?:\x03\x02\x01.|\x04\x02\x02..|\x05\x02\x03...|\x06\x02\x04....|\x07\x02\x05.....)"
_ENCRYPTED: Final = re.compile(
    rb"\xa0%(i)b(?:\xa1%(i)b)?\xa2%(n)b(?=\x04)" % {b"n": _LENGTH, b"i": _INTEGER}, re.DOTALL
)
"""The head of an EncryptedData (RFC 4120 5.2.9): encryption type and number of the key, up to the cipher."""
_SMB1: Final = re.compile(rb"\xffSMB[\x70\x73\x74\x75]")
_TREE, _SETUP, _TREE_ANDX, _NO_MORE = 0x70, 0x73, 0x75, 0xFF
_MOST_CHAINED: Final = 4
_DEEPEST: Final = 16


def blank(stream: bytearray) -> list[Span]:
    """Zero every secret of a stream; where they were. Lengths stay as they are."""
    found = [(begin, min(end, len(stream))) for begin, end in spans(bytes(stream)) if begin < len(stream)]
    for begin, end in found:
        stream[begin:end] = bytes(end - begin)
    return found


def spans(stream: bytes) -> Iterator[Span]:
    """Where the secrets of a stream are; what is cut off may end behind its end."""
    for found in _AUTHENTICATE.finditer(stream):
        yield from _authenticate(stream, found.start())
    for found in _LIST_MIC.finditer(stream):
        yield found.end(), found.end() + 12
    for found in _KERBEROS.finditer(stream):
        yield from _octets(stream, found.start())
    for found in _ENCRYPTED.finditer(stream):
        yield from _octets(stream, found.end())
    for found in _SMB1.finditer(stream):
        yield from _smb1(stream, found.start())


def _authenticate(stream: bytes, start: int) -> Iterator[Span]:
    """The fields of [MS-NLMP] 2.2.1.3: each a length, a maximum and an offset in the message."""
    fields = [_field(stream, start + at) for at in (12, 20, 28, 36, 44)]
    first = min((offset for length, offset in fields if length), default=64)
    if first >= 60:
        # The oldest messages end before this field.
        fields.append(_field(stream, start + 52))
        length, offset = fields[-1]
        first = min(first, offset) if length else first
    for length, offset in (*fields[:2], *fields[5:]):
        yield start + offset, start + offset + length
    if first > 72:
        yield start + 72, start + min(first, 88)


def _field(stream: bytes, at: int) -> tuple[int, int]:
    return _u16(stream, at), int.from_bytes(stream[at + 4 : at + 8], "little")


def _smb1(stream: bytes, start: int) -> Iterator[Span]:
    # A server's answer has no password; the flag is that of [MS-CIFS] 2.2.3.1.
    if len(stream) < start + 33 or stream[start + 9] & 0x80:
        return
    command, at = stream[start + 4], start + 32
    for _ in range(_MOST_CHAINED):
        if at >= len(stream):
            return
        count, words = stream[at], at + 1
        data = words + 2 * count + 2
        if command == _TREE:
            # Three strings of the type 4: the second one is the password.
            path = stream.find(b"\x00", data) + 1
            end = stream.find(b"\x00", path + 1)
            if path and stream[path : path + 1] == b"\x04":
                yield path + 1, end if end > 0 else len(stream)
            return
        if command == _SETUP and count == 13:
            yield data, data + _u16(stream, words + 14) + _u16(stream, words + 16)
        elif command == _SETUP and count == 10:
            yield data, data + _u16(stream, words + 14)
        elif command == _TREE_ANDX and count >= 4:
            yield data, data + _u16(stream, words + 6)
        command, offset = stream[words] if words < len(stream) else _NO_MORE, _u16(stream, words + 2)
        if command == _NO_MORE or start + offset <= at:
            return
        at = start + offset


def _octets(stream: bytes, at: int, deep: int = 0) -> Iterator[Span]:
    """The contents of all OCTET STRINGs in a value of DER (X.690); of what makes no sense, everything."""
    tag, begin, end = _value(stream, at)
    if tag == 0x04 or deep > _DEEPEST:
        yield begin, end
    elif tag & 0x20:
        while begin < min(end, len(stream)):
            _, _, behind = _value(stream, begin)
            if behind > end:
                yield begin, end
                return
            yield from _octets(stream, begin, deep + 1)
            begin = behind


def _value(stream: bytes, at: int) -> tuple[int, int, int]:
    """The tag of a value, where its content begins, and where it ends."""
    tag = stream[at]
    size = stream[at + 1] if at + 1 < len(stream) else 0
    begin = at + 2
    if size & 0x80:
        begin += size & 0x7F
        size = int.from_bytes(stream[at + 2 : begin], "big")
    return tag, begin, begin + size


def _u16(stream: bytes, at: int) -> int:
    return int.from_bytes(stream[at : at + 2], "little")
