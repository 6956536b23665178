"""The share list: srvsvc NetrShareEnum level 1 over any named pipe. [MS-SRVS] 3.1.4.8.

By struct, since every browse does it: impacket's RPC took 3 ms of processor here, more than the rest of the
attempt (measured). The PDUs are those of [C706] 12.6.4, the call's data those of [C706] 14.3 (NDR 2.0).
"""

from __future__ import annotations

import struct
import uuid
from collections.abc import Callable
from dataclasses import dataclass

from harness.errors import Refused
from harness.smb.parsing import cut, expect, garbage, reading
from harness.smb.pipes.rpc import PipeTransport, error_name

PIPE = "srvsvc"
_INTERFACE = uuid.UUID("4b324fc8-1670-01d3-1278-5a47bf6ee188").bytes_le + struct.pack("<HH", 3, 0)
"""[MS-SRVS] 2.1."""
_NDR = uuid.UUID("8a885d04-1ceb-11c9-9fe8-08002b104860").bytes_le + struct.pack("<HH", 2, 0)
_NETR_SHARE_ENUM = 15
_REQUEST, _RESPONSE, _FAULT, _BIND, _BIND_ACK, _BIND_NAK = 0, 2, 3, 11, 12, 13
_FIRST_AND_LAST = 0x3
_LAST = 0x2
_LITTLE_ENDIAN = 0x10
_FRAGMENT = 4280
_NO_LIMIT = 0xFFFFFFFF
_POINTER = 0x20000
"""Any number but zero says that something is pointed to: [C706] 14.3.10."""
# Version, minor, type, flags, data representation, length of the fragment, of the credentials, call.
_HEADER = struct.Struct("<BBBBLHHL")
_ENTRY = struct.Struct("<LLL")
_WHAT = "an RPC answer"


@dataclass(frozen=True, slots=True)
class Share:
    """One entry of the share list."""

    name: str
    disk: bool
    """A share of files: no printer, no pipes, no device ([MS-SRVS] 2.2.2.4)."""


def list_shares(transceive: Callable[[bytes], bytes], read: Callable[[], bytes], server: str) -> list[str]:
    """Bind to srvsvc and list the shares of ``server`` (a name or address).

    ``transceive`` writes one message to the open pipe and reads one; ``read`` reads what is left.
    Raises Refused when the server refuses the call, LabFault when it answers garbage.
    """
    return [share.name for share in shares(transceive, read, server)]


def shares(transceive: Callable[[bytes], bytes], read: Callable[[], bytes], server: str) -> list[Share]:
    """As ``list_shares``, with the kind of each share."""
    transport = PipeTransport(transceive, read)
    with reading(_WHAT):
        transport.send(bind())
        kind, _, body = _fragment(transport)
        _check_bound(kind, body)
        transport.send(request(server))
        return parse(_answer(transport))


def bind() -> bytes:
    """The PDU that asks for srvsvc: one context, one transfer syntax."""
    body = struct.pack("<HHLBxxxHBx", _FRAGMENT, _FRAGMENT, 0, 1, 0, 1) + _INTERFACE + _NDR
    return _pdu(_BIND, body)


def request(server: str) -> bytes:
    """The PDU of NetrShareEnum, level 1, everything at once: [MS-SRVS] 3.1.4.8."""
    name = f"\\\\{server}\0".encode("utf-16le")
    length = len(name) // 2
    stub = struct.pack("<LLLL", _POINTER, length, 0, length) + name + bytes(-len(name) % 4)
    stub += struct.pack("<LLLLL", 1, 1, _POINTER, 0, 0)
    stub += struct.pack("<LLL", _NO_LIMIT, _POINTER, 0)
    return _pdu(_REQUEST, struct.pack("<LHH", len(stub), 0, _NETR_SHARE_ENUM) + stub)


def parse(stub: bytes) -> list[Share]:
    """The shares in the data of an answer. Raises Refused for an error code, LabFault for garbage."""
    expect(len(stub) >= 4, _WHAT, f"{len(stub)} bytes")
    (code,) = struct.unpack_from("<L", stub, len(stub) - 4)
    if code:
        raise _refused(code)
    level, switch, container = struct.unpack_from("<LLL", stub)
    expect((level, switch) == (1, 1), _WHAT, f"level {level}, {switch}")
    if not container:
        return []
    count, array = struct.unpack_from("<LL", stub, 12)
    if not array:
        return []
    (room,) = struct.unpack_from("<L", stub, 20)
    at = 24 + count * _ENTRY.size
    expect(count == room and at <= len(stub), _WHAT, f"{count} shares, room for {room}")
    found = []
    for index in range(count):
        named, kind, remarked = _ENTRY.unpack_from(stub, 24 + index * _ENTRY.size)
        name, at = _string(stub, at) if named else ("", at)
        _, at = _string(stub, at) if remarked else ("", at)
        # The upper bits say that it is special or temporary.
        found.append(Share(name, kind & 0x0FFFFFFF == 0))
    return found


def _refused(code: int) -> Refused:
    """What the server says no with: a Win32 code, or the status of an RPC fault."""
    return Refused(error_name(code), detail=f"srvsvc answered {code:#x}")


def _string(stub: bytes, at: int) -> tuple[str, int]:
    """A conformant and varying string of [C706] 14.3.4.2, and where the next thing is."""
    _, offset, length = struct.unpack_from("<LLL", stub, at)
    expect(offset == 0, _WHAT, f"a string that begins at {offset}")
    raw = cut(stub, at + 12, 2 * length, _WHAT)
    return raw.decode("utf-16le").rstrip("\0"), at + 12 + len(raw) + -len(raw) % 4


def _pdu(kind: int, body: bytes) -> bytes:
    return _HEADER.pack(5, 0, kind, _FIRST_AND_LAST, _LITTLE_ENDIAN, _HEADER.size + len(body), 0, 1) + body


def _fragment(transport: PipeTransport) -> tuple[int, int, bytes]:
    """Type, flags and body of the next PDU."""
    version, _, kind, flags, representation, size, credentials, _ = _HEADER.unpack(
        transport.recv(count=_HEADER.size)
    )
    expect(version == 5 and representation & 0xFF == _LITTLE_ENDIAN, _WHAT, f"version {version}")
    expect(size > _HEADER.size and not credentials, _WHAT, f"a PDU of {size} bytes")
    return kind, flags, transport.recv(count=size - _HEADER.size)


def _check_bound(kind: int, body: bytes) -> None:
    if kind == _FAULT:
        raise _refused(struct.unpack_from("<L", body, 8)[0])
    if kind == _BIND_NAK:
        raise garbage(_WHAT, f"srvsvc was rejected, reason {struct.unpack_from('<H', body)[0]}")
    expect(kind == _BIND_ACK, _WHAT, f"PDU {kind}")
    (length,) = struct.unpack_from("<H", body, 8)
    # The address that an endpoint mapper would want, padded.
    at = 10 + length
    count, result, reason = struct.unpack_from("<BxxxHH", body, at + -(at) % 4)
    expect(count == 1 and result == 0, _WHAT, f"srvsvc was rejected: {result}, reason {reason}")


def _answer(transport: PipeTransport) -> bytes:
    """The data of a response, of all its fragments."""
    stub = b""
    while True:
        kind, flags, body = _fragment(transport)
        if kind == _FAULT:
            raise _refused(struct.unpack_from("<L", body, 8)[0])
        expect(kind == _RESPONSE and len(body) > 8, _WHAT, f"PDU {kind} of {len(body)} bytes")
        stub += body[8:]
        if flags & _LAST:
            return stub
