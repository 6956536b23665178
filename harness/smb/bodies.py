"""The bodies of the SMB2 requests that every attempt sends: [MS-SMB2] 2.2.5 to 2.2.39.

By struct, for the same reason as ``headers``. A test holds each against another implementation's.
"""

from __future__ import annotations

import struct

# Structure sizes count one byte of the variable part where there is one: [MS-SMB2] 2.2.
_SESSION_SETUP = struct.Struct("<HBBLLHHQ")
_TREE_CONNECT = struct.Struct("<HHHH")
_CREATE = struct.Struct("<HBBLQQLLLLLHHLL")
_CLOSE = struct.Struct("<HHL16s")
_READ = struct.Struct("<HBBLQ16sLLLHH")
_WRITE = struct.Struct("<HHLQ16sLLHHL")
_IOCTL = struct.Struct("<HHL16sLLLLLLLL")
_QUERY_DIRECTORY = struct.Struct("<HBBL16sHHL")
_QUERY_INFO = struct.Struct("<HBBLHHLLL16s")
_SET_INFO = struct.Struct("<HBBLHHL16s")
_HEADER = 64
_ANSWER_AT = 0x50
"""Where a READ answer should put its data, so that they are aligned: what Windows asks for."""
_IMPERSONATION = 2
_SHARE_ALL = 7
_IS_FSCTL = 1
_CAP_DFS = 1

LOG_OFF = struct.pack("<HH", 4, 0)
"""[MS-SMB2] 2.2.7."""


def session_setup(security_mode: int, token: bytes) -> bytes:
    """[MS-SMB2] 2.2.5."""
    at = _HEADER + _SESSION_SETUP.size
    return _SESSION_SETUP.pack(25, 0, security_mode, _CAP_DFS, 0, at, len(token), 0) + token


def tree_connect(path: str) -> bytes:
    """[MS-SMB2] 2.2.9."""
    name = path.encode("utf-16le")
    return _TREE_CONNECT.pack(9, 0, _HEADER + _TREE_CONNECT.size, len(name)) + name


def create(
    name: str, access: int, disposition: int, options: int, oplock: int = 0, context: bytes = b""
) -> bytes:
    """[MS-SMB2] 2.2.13; others may read, write and delete the file meanwhile."""
    path = name.encode("utf-16le")
    at = _HEADER + _CREATE.size
    # The variable part is never empty, even for the root directory; contexts begin at a multiple of eight.
    text = (path or b"\0") + (b"\0" * (-(at + len(path)) % 8) if context else b"")
    where = at + len(text) if context else 0
    fixed = _CREATE.pack(
        *(57, 0, oplock, _IMPERSONATION, 0, 0, access, 0, _SHARE_ALL, disposition, options, at, len(path)),
        *(where, len(context)),
    )
    return fixed + text + context


def lease(key: bytes, state: int, revision: int) -> bytes:
    """The create context that asks for a lease: [MS-SMB2] 2.2.13.2.8, and from 3.0 on 2.2.13.2.10."""
    data = key + struct.pack("<LLQ", state, 0, 0)
    if revision >= 0x0300:
        data += bytes(16) + struct.pack("<HH", 0, 0)
    return struct.pack("<LHHHHL4s4x", 0, 16, 4, 0, 24, len(data), b"RqLs") + data


def lock(handle: bytes, length: int, flags: int) -> bytes:
    """[MS-SMB2] 2.2.26 with one range, from the beginning of the file."""
    return struct.pack("<HHL16sQQLL", 48, 1, 0, handle, 0, length, flags, 0)


def close(handle: bytes) -> bytes:
    """[MS-SMB2] 2.2.15."""
    return _CLOSE.pack(24, 0, 0, handle)


def read(handle: bytes, length: int, offset: int = 0) -> bytes:
    """[MS-SMB2] 2.2.19."""
    # One byte of the variable part must be there; Windows sends the digit.
    return _READ.pack(49, _ANSWER_AT, 0, length, offset, handle, 0, 0, 0, 0, 0) + b"0"


def write(handle: bytes, data: bytes, offset: int = 0) -> bytes:
    """[MS-SMB2] 2.2.21."""
    return _WRITE.pack(49, _HEADER + _WRITE.size, len(data), offset, handle, 0, 0, 0, 0, 0) + data


def ioctl(handle: bytes, code: int, data: bytes, most: int) -> bytes:
    """[MS-SMB2] 2.2.31, an FSCTL; ``most`` bytes of answer are taken."""
    at = _HEADER + _IOCTL.size
    return _IOCTL.pack(57, 0, code, handle, at, len(data), 0, at + len(data), 0, most, _IS_FSCTL, 0) + data


def query_directory(handle: bytes, information: int, most: int) -> bytes:
    """[MS-SMB2] 2.2.33, for everything in it; ``most`` bytes of answer are taken."""
    pattern = "*".encode("utf-16le")
    at = _HEADER + _QUERY_DIRECTORY.size
    return _QUERY_DIRECTORY.pack(33, information, 0, 0, handle, at, len(pattern), most) + pattern


def query_security(handle: bytes, what: int, most: int) -> bytes:
    """[MS-SMB2] 2.2.37, SMB2_0_INFO_SECURITY; ``what`` as in [MS-DTYP] 2.4.7, ``most`` bytes are taken."""
    return _QUERY_INFO.pack(41, 3, 0, most, 0, 0, 0, what, 0, handle)


def set_file_info(handle: bytes, information: int, data: bytes) -> bytes:
    """[MS-SMB2] 2.2.39, SMB2_0_INFO_FILE."""
    at = _HEADER + _SET_INFO.size
    return _SET_INFO.pack(33, 1, information, len(data), at, 0, 0, handle) + data
