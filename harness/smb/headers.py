"""The fixed headers of SMB1 and SMB2 messages: packed and read for every message, so by struct alone.

Measured: impacket's structures cost 0.5 ms each here, a third of a whole attempt. The bodies that every
attempt sends are by struct too (``bodies``); those of SMB1 and of NTLM are impacket's.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum

SMB1_MAGIC = b"\xffSMB"
SMB2_MAGIC = b"\xfeSMB"
SMB1_NEGOTIATE = 0x72
"""SMB_COM_NEGOTIATE: [MS-CIFS] 2.2.2.1."""
IS_ANSWER = 0x1
"""SMB2_FLAGS_SERVER_TO_REDIR: [MS-SMB2] 2.2.1.2."""
_CREDITS = 31
# Path names are canonical and their case does not matter: [MS-CIFS] 2.2.3.1.
_PLAIN_PATHS = 0x18


class Command(IntEnum):
    """The commands that the harness sends: [MS-SMB2] 2.2.1.2."""

    NEGOTIATE = 0
    SESSION_SETUP = 1
    LOGOFF = 2
    TREE_CONNECT = 3
    CREATE = 5
    CLOSE = 6
    READ = 8
    WRITE = 9
    LOCK = 10
    IOCTL = 11
    QUERY_DIRECTORY = 14
    QUERY_INFO = 16
    SET_INFO = 17
    OPLOCK_BREAK = 18


# [MS-SMB2] 2.2.1.2: magic, size, credit charge, status, command, credits, flags, next, message, process,
# tree, session, signature.
_SMB2 = struct.Struct("<4sHHLHHLLQLLQ16s")
# [MS-CIFS] 2.2.3.1: magic, command, status, flags, flags2, process high, signature, reserved, tree, process,
# user, message; then the number of words.
_SMB1 = struct.Struct("<4sBLBHH8sHHHHHB")


@dataclass(frozen=True, slots=True)
class Smb2Header:
    """What an answer's header says, as far as a client needs it."""

    status: int
    command: int
    flags: int
    message_id: int
    credits: int
    """That the server grants: [MS-SMB2] 2.2.1.2."""


def smb2_request(
    command: int,
    charge: int,
    number: int,
    process: int,
    tree: int,
    session: int,
    wanted: int = _CREDITS,
    flags: int = 0,
) -> bytes:
    """The header of an SMB2 request, without a signature; ``wanted``: credits that it asks for."""
    return _SMB2.pack(
        *(SMB2_MAGIC, _SMB2.size, charge, 0, command, wanted, flags, 0),
        *(number, process, tree, session, bytes(16)),
    )


def smb2_answer(message: bytes) -> Smb2Header:
    """The header of an SMB2 answer. Raises struct.error when the message is shorter."""
    _, _, _, status, command, granted, flags, _, number, *_ = _SMB2.unpack_from(message)
    return Smb2Header(status, command, flags, number, granted)


@dataclass(frozen=True, slots=True)
class Smb1Header:
    """What an answer's header says, as far as a client needs it."""

    command: int
    status: int
    flags: int
    flags2: int
    message_id: int
    words: bytes
    data: bytes


def smb1_request(
    command: int,
    flags2: int,
    tree: int,
    process: int,
    user: int,
    number: int,
    words: bytes,
    data: bytes,
    flags: int = _PLAIN_PATHS,
) -> bytes:
    """A whole SMB1 request, without a signature. ``words`` has an even length, as all parameters have."""
    head = _SMB1.pack(
        SMB1_MAGIC,
        command,
        0,
        flags,
        flags2,
        process >> 16,
        bytes(8),
        0,
        tree,
        process & 0xFFFF,
        user,
        number,
        len(words) // 2,
    )
    return head + words + struct.pack("<H", len(data)) + data


def smb1_answer(message: bytes) -> Smb1Header:
    """The header, words and data of an SMB1 answer. Raises struct.error when the message is shorter."""
    _, command, status, flags, flags2, _, _, _, _, _, _, number, count = _SMB1.unpack_from(message)
    at = _SMB1.size + 2 * count
    (length,) = struct.unpack_from("<H", message, at)
    words, data = message[_SMB1.size : at], message[at + 2 : at + 2 + length]
    if len(data) != length:
        raise struct.error(f"{len(data)} bytes of data where {length} are announced")
    return Smb1Header(command, status, flags, flags2, number, words, data)
