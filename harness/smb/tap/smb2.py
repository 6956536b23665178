"""SMB2 messages ([MS-SMB2] 2.2) as events. Reads only what an attempt's trace needs."""

from __future__ import annotations

import struct
from typing import Final

from harness.smb import status as nt_status
from harness.smb.tap import auth as tap_auth
from harness.smb.tap import fingerprint, kerberos
from harness.smb.tap.events import Command, Event, Request, Response, Unreadable

HEADER: Final = 64
_SIGNED: Final = 0x8
_FROM_SERVER: Final = 0x1
_COMMANDS: Final = {
    0: Command.NEGOTIATE,
    1: Command.SESSION_SETUP,
    2: Command.LOGOFF,
    3: Command.TREE_CONNECT,
    5: Command.CREATE,
    8: Command.READ,
    9: Command.WRITE,
    14: Command.LIST,
}
_IOCTL: Final = 11
_QUERY_INFO: Final = 16
_SECURITY: Final = 3  # SMB2_0_INFO_SECURITY
_SET_INFO: Final = 17
_FSCTL_PIPE_TRANSCEIVE: Final = 0x0011C017
_DELETE_ON_CLOSE: Final = 0x1000
_CAP_ENCRYPTION: Final = 0x40
_DISPOSITIONS: Final = {13, 64}  # FileDispositionInformation and …InformationEx, [MS-FSCC] 2.4
_RENAMES: Final = {10, 65}  # FileRenameInformation and …InformationEx
_CIPHERS: Final = {1: "AES-128-CCM", 2: "AES-128-GCM", 3: "AES-256-CCM", 4: "AES-256-GCM"}
_MAX_COMPOUND: Final = 256


def decode(frame: bytes, *, from_server: bool) -> list[Event]:
    """All messages of a (compounded) frame; a damaged one ends the chain with ``Unreadable``."""
    events: list[Event] = []
    at = 0
    for _ in range(_MAX_COMPOUND):
        if len(frame) - at < HEADER or frame[at : at + 4] != b"\xfeSMB":
            return [*events, Unreadable("damaged SMB2 header")]
        following = int.from_bytes(frame[at + 20 : at + 24], "little")
        message = frame[at : at + following] if following else frame[at:]
        events.append(_message(message, from_server=from_server))
        if not following:
            return events
        # An offset that does not pass the header would loop or overlap.
        if following < HEADER:
            return [*events, Unreadable("damaged compound chain")]
        at += following
    return [*events, Unreadable("compound chain too long")]


def _message(message: bytes, *, from_server: bool) -> Event:
    if len(message) < HEADER:
        return Unreadable("damaged SMB2 header")
    code, flags = struct.unpack_from("<H2xI", message, 12)
    if bool(flags & _FROM_SERVER) != from_server:
        return Unreadable("SMB2 message in the wrong direction")
    body = message[HEADER:]
    try:
        return _response(code, flags, message, body) if from_server else _request(code, flags, message, body)
    except (struct.error, UnicodeDecodeError, IndexError):
        return Unreadable("damaged SMB2 message")


def _request(code: int, flags: int, message: bytes, body: bytes) -> Request:
    command = _COMMANDS.get(code, Command.OTHER)
    mid, tree = _ids(message, flags)
    signed = bool(flags & _SIGNED)
    path = auth = ""
    dialects: tuple[int, ...] = ()
    payload = b""
    access = 0
    deletes = False
    hello = session = None
    if command is Command.NEGOTIATE:
        hello = fingerprint.smb2_negotiate(message)
        (count,) = struct.unpack_from("<H", body, 2)
        dialects = struct.unpack_from(f"<{count}H", body, 36)
    elif command is Command.SESSION_SETUP:
        blob = _at(message, *struct.unpack_from("<HH", body, 12))
        auth = tap_auth.of_blob(blob)
        session = fingerprint.SessionFingerprint(
            fingerprint.ntlm(blob), kerberos.spnego(blob), binding=bool(body[2] & 1)
        )
    elif command is Command.TREE_CONNECT:
        path = _at(message, *struct.unpack_from("<HH", body, 4)).decode("utf-16-le")
    elif command is Command.CREATE:
        (access,) = struct.unpack_from("<I", body, 24)
        (options,) = struct.unpack_from("<I", body, 40)
        path = _at(message, *struct.unpack_from("<HH", body, 44)).decode("utf-16-le")
        deletes = bool(options & _DELETE_ON_CLOSE)
    elif command is Command.WRITE:
        payload = _at(message, *struct.unpack_from("<HI", body, 2))
    elif code == _IOCTL:
        (control,) = struct.unpack_from("<I", body, 4)
        command = Command.PIPE if control == _FSCTL_PIPE_TRANSCEIVE else Command.OTHER
    elif code == _SET_INFO and body[2] == 1 and body[3] in _DISPOSITIONS:
        (where,) = struct.unpack_from("<H", body, 8)
        command = Command.DELETE if message[where] & 1 else Command.OTHER
    elif code == _SET_INFO and body[2] == 1 and body[3] in _RENAMES:
        command = Command.RENAME
    elif code == _QUERY_INFO and body[2] == _SECURITY:
        command = Command.QUERY_SECURITY
    return Request(
        command, 2, mid, tree, signed, (), dialects, path, auth,
        access=access, deletes=deletes, payload=payload, smb2=hello, session=session,
    )  # fmt: skip


def _response(code: int, flags: int, message: bytes, body: bytes) -> Response:
    command = _COMMANDS.get(code, Command.OTHER)
    mid, tree = _ids(message, flags)
    signed = bool(flags & _SIGNED)
    status = nt_status.name(int.from_bytes(message[8:12], "little"))
    error = tap_auth.krb_error(body) if command is Command.SESSION_SETUP else ""
    plain = Response(command, 2, mid, status, tree, signed, krb_error=error)
    # A body of structure size 9 in place of the command's own is the ERROR response (2.2.2).
    if plain.failed or status == "STATUS_PENDING":
        return plain
    if command is Command.NEGOTIATE:
        mode, dialect = struct.unpack_from("<HH", body, 2)
        return Response(
            command, 2, mid, status, tree, signed,
            dialect=dialect, signing_required=bool(mode & 2), cipher=_cipher(message, body, dialect),
        )  # fmt: skip
    if command is Command.SESSION_SETUP:
        (session,) = struct.unpack_from("<H", body, 2)
        return Response(
            command, 2, mid, status, tree, signed,
            guest=bool(session & 1), anonymous=bool(session & 2), encrypt=bool(session & 4),
            krb_error=error,
        )  # fmt: skip
    if command is Command.TREE_CONNECT:
        (share_flags,) = struct.unpack_from("<I", body, 4)
        return Response(command, 2, mid, status, tree, signed, encrypt=bool(share_flags & 0x8000))
    if command is Command.READ:
        offset, length = struct.unpack_from("<BxI", body, 2)
        return Response(command, 2, mid, status, tree, signed, payload=_at(message, offset, length))
    if code == _IOCTL:
        (control,) = struct.unpack_from("<I", body, 4)
        if control == _FSCTL_PIPE_TRANSCEIVE:
            answer = _at(message, *struct.unpack_from("<II", body, 32))
            return Response(Command.PIPE, 2, mid, status, tree, signed, payload=answer)
    return plain


def _ids(message: bytes, flags: int) -> tuple[int, int]:
    """MessageId, and TreeId where the header is not the asynchronous one (2.2.1.1)."""
    mid, tree = struct.unpack_from("<Q4xI", message, 24)
    return mid, 0 if flags & 0x2 else tree


def _at(message: bytes, offset: int, length: int) -> bytes:
    part = message[offset : offset + length]
    if len(part) != length:
        raise IndexError("field outside the message")
    return part


def _cipher(message: bytes, body: bytes, dialect: int) -> str:
    """The chosen cipher: AES-128-CCM where a server of 3.0 or 3.0.2 encrypts; 3.1.1 names it in a context."""
    if dialect in {0x0300, 0x0302}:
        (capabilities,) = struct.unpack_from("<I", body, 24)
        return "AES-128-CCM" if capabilities & _CAP_ENCRYPTION else ""
    if dialect != 0x0311:
        return ""
    (count,) = struct.unpack_from("<H", body, 6)
    (at,) = struct.unpack_from("<I", body, 60)
    for _ in range(min(count, 16)):
        kind, length = struct.unpack_from("<HH", message, at)
        if kind == 2 and length >= 4:
            _, cipher = struct.unpack_from("<HH", message, at + 8)
            return _CIPHERS.get(cipher, "")
        at += 8 + (length + 7) // 8 * 8
    return ""
