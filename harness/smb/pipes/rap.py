"""Lists of the time before RPC, over \\\\PIPE\\LANMAN: of shares, [MS-RAP] 2.5.7; of servers, 2.5.5.2.

They need no named pipe of a service, so a server that refuses those (``nt pipe support = no``) still
answers them, over SMB1 only.
"""

from __future__ import annotations

import struct

from harness.errors import Refused
from harness.smb.parsing import OEM, cut, expect, reading
from harness.system.charsets import decoded

PIPE = "\\PIPE\\LANMAN"
BUFFER = 65535
"""The most that an answer may take, in bytes."""

_NET_SHARE_ENUM = 0
_LEVEL = 1
_ENTRY = 20
_NET_SERVER_ENUM2 = 0x68
_SERVER = 26
_ALL_SERVERS = 0xFFFFFFFF
"""SV_TYPE_ALL."""
_WHAT = "a RAP answer"
# Win32 codes that the call returns: [MS-RAP] 2.5.5, as NTSTATUS names.
_WIN32 = {5: "STATUS_ACCESS_DENIED", 50: "STATUS_NOT_SUPPORTED", 124: "STATUS_INVALID_LEVEL"}
_MORE_DATA = 234


def request() -> bytes:
    """The parameters of NetShareEnum level 1 with the descriptors that [MS-RAP] 2.5.7.1 prescribes."""
    return struct.pack("<H", _NET_SHARE_ENUM) + b"WrLeh\0" + b"B13BWz\0" + struct.pack("<HH", _LEVEL, BUFFER)


def servers_request(workgroup: str, charset: str = OEM) -> bytes:
    """The parameters of NetServerEnum2 level 1, for every kind of server: [MS-RAP] 2.5.5.2."""
    name = workgroup.encode(charset, "replace") + b"\0"
    head = struct.pack("<H", _NET_SERVER_ENUM2) + b"WrLehDz\0B16BBDz\0"
    return head + struct.pack("<HHL", _LEVEL, BUFFER, _ALL_SERVERS) + name


def servers(parameters: bytes, data: bytes, charset: str = OEM) -> list[str]:
    """The servers' names in an answer. Raises as ``shares``."""
    return _names(parameters, data, _SERVER, 16, "servers", charset)


def shares(parameters: bytes, data: bytes, charset: str = OEM) -> list[str]:
    """The names in an answer. Raises Refused for an error code, LabFault for garbage.

    ``charset``: Python's codec of the server's ``dos charset``, in which RAP has all texts; what is none of
    it stands as ``\\xNN``.
    """
    return _names(parameters, data, _ENTRY, 13, "shares", charset)


def _names(parameters: bytes, data: bytes, size: int, name: int, what: str, charset: str) -> list[str]:
    """The names that entries of one size begin with."""
    with reading(_WHAT):
        code, _converter, count = struct.unpack_from("<HHH", parameters)
        if code not in (0, _MORE_DATA):
            raise Refused(_WIN32.get(code, "STATUS_UNSUCCESSFUL"), detail=f"RAP error {code}")
        expect(count * size <= len(data), _WHAT, f"{count} {what} in {len(data)} bytes")
        entries = [cut(data, at * size, name, _WHAT) for at in range(count)]
        return [decoded(entry.partition(b"\0")[0], charset) for entry in entries]
