"""The share list of the time before RPC: RAP's NetShareEnum over \\\\PIPE\\\\LANMAN. [MS-RAP] 2.5.7.

It needs no named pipe of a service, so a server that refuses those (``nt pipe support = no``) still
answers it, over SMB1 only.
"""

from __future__ import annotations

import struct

from harness.errors import Refused
from harness.smb.parsing import cut, expect, reading

PIPE = "\\PIPE\\LANMAN"
BUFFER = 65535
"""The most that an answer may take, in bytes."""

_NET_SHARE_ENUM = 0
_LEVEL = 1
_ENTRY = 20
_WHAT = "a RAP answer"
# Win32 codes that the call returns: [MS-RAP] 2.5.5, as NTSTATUS names.
_WIN32 = {5: "STATUS_ACCESS_DENIED", 50: "STATUS_NOT_SUPPORTED", 124: "STATUS_INVALID_LEVEL"}
_MORE_DATA = 234


def request() -> bytes:
    """The parameters of NetShareEnum level 1 with the descriptors that [MS-RAP] 2.5.7.1 prescribes."""
    return struct.pack("<H", _NET_SHARE_ENUM) + b"WrLeh\0" + b"B13BWz\0" + struct.pack("<HH", _LEVEL, BUFFER)


def shares(parameters: bytes, data: bytes) -> list[str]:
    """The names in an answer. Raises Refused for an error code, LabFault for garbage."""
    with reading(_WHAT):
        code, _converter, count = struct.unpack_from("<HHH", parameters)
        if code not in (0, _MORE_DATA):
            raise Refused(_WIN32.get(code, "STATUS_UNSUCCESSFUL"), detail=f"RAP error {code}")
        expect(count * _ENTRY <= len(data), _WHAT, f"{count} shares in {len(data)} bytes")
        entries = [cut(data, at * _ENTRY, 13, _WHAT) for at in range(count)]
        return [entry.partition(b"\0")[0].decode("ascii", "replace") for entry in entries]
