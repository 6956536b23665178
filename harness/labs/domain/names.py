"""Asking a domain's DNS for the address of a name (RFC 1035), and nobody else's."""

from __future__ import annotations

import secrets
import socket
import struct
from typing import Final

_A: Final = 1
_INTERNET: Final = 1
_RECURSION_DESIRED: Final = 0x0100
_HEADER: Final = struct.Struct(">6H")
_RECORD: Final = struct.Struct(">3HIH")
"""Its name as a pointer to that of the question, type, class, seconds to live, length of what follows."""
_RCODE: Final = 0xF
_NO_SUCH_NAME: Final = 3


def address_of(server: str, name: str, seconds: float) -> str:
    """The address that the DNS at ``server`` tells of a name; "" where it knows no such name.

    Raises OSError where it does not answer, or not to that.
    """
    number = secrets.randbelow(2**16)
    labels = b"".join(bytes([len(part)]) + part.encode("ascii") for part in name.split("."))
    question = labels + b"\0" + struct.pack(">2H", _A, _INTERNET)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.settimeout(seconds)
        asking.connect((server, 53))
        asking.send(_HEADER.pack(number, _RECURSION_DESIRED, 1, 0, 0, 0) + question)
        answer = asking.recv(512)
    at = _HEADER.size + len(question)
    try:
        same, flags, _, answers, _, _ = _HEADER.unpack_from(answer)
        if (
            same != number
            or answer[_HEADER.size : at] != question
            or flags & _RCODE not in (0, _NO_SUCH_NAME)
        ):
            raise OSError(f"the DNS at {server} did not say where {name} is")
        if not answers:
            return ""
        _, kind, _, _, length = _RECORD.unpack_from(answer, at)
    except struct.error as error:
        raise OSError(f"the DNS at {server} answered something else than DNS") from error
    found = answer[at + _RECORD.size :][:length]
    return socket.inet_ntoa(found) if (kind, len(found)) == (_A, 4) else ""
