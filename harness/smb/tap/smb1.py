"""SMB1 messages ([MS-CIFS] 2.2, [MS-SMB] 2.2) as events. Reads only what an attempt's trace needs."""

from __future__ import annotations

import struct
from typing import Final

from harness.smb import status as nt_status
from harness.smb.parsing import OEM
from harness.smb.tap import auth as tap_auth
from harness.smb.tap import fingerprint
from harness.smb.tap.events import Command, Event, Request, Response, Unreadable
from harness.system.charsets import decoded

HEADER: Final = 32
_REPLY: Final = 0x80
_UNICODE: Final = 0x8000
_NT_STATUS: Final = 0x4000
_SIGNATURES: Final = 0x0004
_DELETE_ON_CLOSE: Final = 0x1000
_COMMANDS: Final = {
    0x06: Command.DELETE,
    0x07: Command.RENAME,
    0x0A: Command.READ,
    0x0B: Command.WRITE,
    0x2D: Command.CREATE,  # OPEN_ANDX
    0x2E: Command.READ,
    0x2F: Command.WRITE,
    0x70: Command.TREE_CONNECT,
    0x72: Command.NEGOTIATE,
    0x73: Command.SESSION_SETUP,
    0x74: Command.LOGOFF,
    0x75: Command.TREE_CONNECT,
    0x81: Command.LIST,  # SEARCH
    0xA2: Command.CREATE,
}
_TRANSACTION: Final = 0x25
_TRANSACTION2: Final = 0x32
_NT_TRANSACT: Final = 0xA0
_QUERY_SECURITY: Final = 6  # NT_TRANSACT_QUERY_SECURITY_DESC
_FIND: Final = {1, 2}
_SET_INFO: Final = {6, 8}  # TRANS2_SET_PATH_INFORMATION, TRANS2_SET_FILE_INFORMATION
_DISPOSITIONS: Final = {0x0102, 1013}
_UNSIGNED: Final = {bytes(8), b"BSRSPYL "}


def decode(frame: bytes, *, from_server: bool) -> Event:
    """The one message of a frame; of an AndX chain its first command."""
    if len(frame) < HEADER + 3:
        return Unreadable("damaged SMB1 header")
    flags, flags2 = struct.unpack_from("<BH", frame, 9)
    if bool(flags & _REPLY) != from_server:
        return Unreadable("SMB1 message in the wrong direction")
    try:
        return _response(frame, flags2) if from_server else _request(frame, flags2)
    except (struct.error, UnicodeDecodeError, IndexError):
        return Unreadable("damaged SMB1 message")


def _request(frame: bytes, flags2: int) -> Request:
    code = frame[4]
    words, data = _body(frame)
    tree, mid = struct.unpack_from("<H4xH", frame, 24)
    command = _COMMANDS.get(code, Command.OTHER)
    path = auth = ""
    dialects: tuple[str, ...] = ()
    payload = b""
    access = 0
    deletes = False
    hello = session = None
    if command is Command.NEGOTIATE:
        hello = fingerprint.smb1_negotiate(frame)
        (size,) = struct.unpack_from("<H", frame, data - 2)
        strings = frame[data : data + size].rstrip(b"\0")[1:].split(b"\0\x02")
        dialects = tuple(decoded(part, "ascii") for part in strings)
    elif command is Command.SESSION_SETUP:
        auth = _proof(frame, words, data)
        session = fingerprint.smb1_session(frame, words, data)
        path = _chained_tree(frame, words, flags2)
    elif code == 0x75:
        (password,) = struct.unpack_from("<H", words, 6)
        path = _text(frame, data + password, flags2)
    elif code == 0x2D:
        path = _text(frame, data, flags2)
    elif code == 0xA2:
        (access,) = struct.unpack_from("<I", words, 15)
        (options,) = struct.unpack_from("<I", words, 39)
        deletes = bool(options & _DELETE_ON_CLOSE)
        path = _text(frame, data, flags2)
    elif code == 0x2F:
        high, low, offset = struct.unpack_from("<3H", words, 18)
        payload = _at(frame, offset, high << 16 | low)
    elif code == _TRANSACTION:
        name = _text(frame, data, flags2).upper()
        if name.startswith("\\PIPE\\"):
            command = Command.RAP if name == "\\PIPE\\LANMAN" else Command.PIPE
    elif code == _TRANSACTION2:
        command = _transaction2(frame, words)
    elif code == _NT_TRANSACT and struct.unpack_from("<H", words, 36)[0] == _QUERY_SECURITY:
        command = Command.QUERY_SECURITY
    return Request(
        command,
        1,
        mid,
        tree,
        _signed(frame, flags2),
        dialects,
        (),
        path,
        auth,
        access=access,
        deletes=deletes,
        payload=payload,
        smb1=hello,
        session=session,
    )


def _response(frame: bytes, flags2: int) -> Response:
    code = frame[4]
    words, _ = _body(frame)
    tree, mid = struct.unpack_from("<H4xH", frame, 24)
    command = _COMMANDS.get(code, Command.OTHER)
    raw = int.from_bytes(frame[5:9], "little")
    if not flags2 & _NT_STATUS:
        raw = nt_status.from_dos(frame[5], int.from_bytes(frame[7:9], "little"))
    status = nt_status.name(raw)
    signed = _signed(frame, flags2)
    error = tap_auth.krb_error(frame[HEADER:]) if command is Command.SESSION_SETUP else ""
    plain = Response(command, 1, mid, status, tree, signed, krb_error=error)
    if plain.failed:
        return plain
    if command is Command.NEGOTIATE:
        (index,) = struct.unpack_from("<H", words)
        # SecurityMode, bit 1: passwords are encrypted, bits 2 and 3: signatures are enabled, and required
        # ([MS-CIFS] 2.2.4.52.2).
        mode = words[2] if len(words) == 34 else 0
        plain_text = len(words) >= 26 and not words[2] & 2
        return Response(
            command, 1, mid, status, tree, signed, plaintext=plain_text,
            dialect_index=index, signing_required=bool(mode & 8), signing_enabled=bool(mode & 0xC),
        )  # fmt: skip
    if command is Command.SESSION_SETUP and len(words) >= 6:
        (action,) = struct.unpack_from("<H", words, 4)
        return Response(command, 1, mid, status, tree, signed, guest=bool(action & 1), krb_error=error)
    if code == 0x2E and len(words) == 24:
        low, offset, high = struct.unpack_from("<3H", words, 10)
        return Response(command, 1, mid, status, tree, signed, payload=_at(frame, offset, high << 16 | low))
    if code == _TRANSACTION and len(words) >= 20:
        count, offset = struct.unpack_from("<HH", words, 12)
        return Response(command, 1, mid, status, tree, signed, payload=_at(frame, offset, count))
    return plain


def _body(frame: bytes) -> tuple[bytes, int]:
    """The parameter words, and where in the frame the data bytes begin."""
    size = 2 * frame[HEADER]
    end = HEADER + 1 + size
    return _at(frame, HEADER + 1, size), end + 2


def _proof(frame: bytes, words: bytes, data: int) -> str:
    """The kind of proof by the form of SESSION_SETUP_ANDX, told apart by its word count."""
    match len(words) // 2:
        case 12:  # extended security, [MS-SMB] 2.2.4.6.1
            (blob,) = struct.unpack_from("<H", words, 14)
            return tap_auth.of_blob(_at(frame, data, blob))
        case 13:  # [MS-CIFS] 2.2.4.53.1
            return tap_auth.of_lengths(*struct.unpack_from("<HH", words, 14))
        case _:  # before NT LM 0.12
            (lm,) = struct.unpack_from("<H", words, 14)
            return tap_auth.of_lengths(lm, 0)


def _chained_tree(frame: bytes, words: bytes, flags2: int) -> str:
    """The share of a TREE_CONNECT_ANDX that follows in the same message; "" when none does."""
    code, offset = struct.unpack_from("<BxH", words)
    if code != 0x75 or offset + 11 > len(frame):
        return ""
    (password,) = struct.unpack_from("<H", frame, offset + 7)
    return _text(frame, offset + 11 + password, flags2)


def _transaction2(frame: bytes, words: bytes) -> Command:
    (subcommand,) = struct.unpack_from("<H", words, 28)
    if subcommand in _FIND:
        return Command.LIST
    if subcommand in _SET_INFO:
        (parameters,) = struct.unpack_from("<H", words, 20)
        (data,) = struct.unpack_from("<H", words, 24)
        (level,) = struct.unpack_from("<H", frame, parameters + (2 if subcommand == 8 else 0))
        if level in _DISPOSITIONS and frame[data] & 1:
            return Command.DELETE
    return Command.OTHER


def _signed(frame: bytes, flags2: int) -> bool:
    """True for a real signature: Windows XP sets the flag on messages that carry none."""
    return bool(flags2 & _SIGNATURES) and frame[14:22] not in _UNSIGNED


def _text(frame: bytes, at: int, flags2: int) -> str:
    """A string up to its terminator; UTF-16 ones are aligned to the header ([MS-CIFS] 2.2.1.1.2)."""
    if flags2 & _UNICODE:
        at += at % 2
        raw = frame[at:]
        end = next((i for i in range(0, len(raw) - 1, 2) if raw[i : i + 2] == b"\0\0"), len(raw) // 2 * 2)
        return raw[:end].decode("utf-16-le", "replace")
    return decoded(frame[at:].split(b"\0")[0], OEM)


def _at(frame: bytes, offset: int, length: int) -> bytes:
    part = frame[offset : offset + length]
    if len(part) != length:
        raise IndexError("field outside the message")
    return part
