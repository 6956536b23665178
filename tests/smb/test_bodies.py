"""The bodies are those of [MS-SMB2], by the word of another implementation."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from impacket import smb3structs

from harness.smb import bodies

U8 = st.integers(0, 0xFF)
U32 = st.integers(0, 0xFFFFFFFF)
HANDLE = st.binary(min_size=16, max_size=16)
DATA = st.binary(min_size=1, max_size=60)
Fields = dict[str, int | bytes]
NAME = st.text(st.characters(codec="utf-16-le"), max_size=20)


def packed(body: smb3structs.Structure, **fields: int | bytes) -> bytes:
    for name, value in fields.items():
        body[name] = value
    return bytes(body.getData())


@given(U8, DATA)
def test_session_setup(mode: int, token: bytes) -> None:
    fields: Fields = {"SecurityMode": mode, "Capabilities": 1, "SecurityBufferLength": len(token)}
    assert bodies.session_setup(mode, token) == packed(smb3structs.SMB2SessionSetup(), **fields, Buffer=token)


@given(NAME)
def test_tree_connect(path: str) -> None:
    name = path.encode("utf-16le")
    theirs = packed(smb3structs.SMB2TreeConnect(), Buffer=name, PathLength=len(name))
    assert bodies.tree_connect(path) == theirs


@given(NAME, U32, U32, U32)
def test_create(name: str, access: int, disposition: int, options: int) -> None:
    path = name.encode("utf-16le")
    fields: Fields = {
        "ImpersonationLevel": 2,
        "DesiredAccess": access,
        "ShareAccess": 7,
        "CreateDisposition": disposition,
        "CreateOptions": options,
        "NameLength": len(path),
        "Buffer": path or b"\0",
    }
    assert bodies.create(name, access, disposition, options) == packed(smb3structs.SMB2Create(), **fields)


@given(HANDLE, U32)
def test_close_read_and_log_off(handle: bytes, length: int) -> None:
    assert bodies.close(handle) == packed(smb3structs.SMB2Close(), FileID=handle)
    theirs = packed(smb3structs.SMB2Read(), Padding=0x50, FileID=handle, Length=length)
    assert bodies.read(handle, length) == theirs
    assert packed(smb3structs.SMB2Logoff()) == bodies.LOG_OFF


@given(HANDLE, U8, DATA)
def test_write_and_set_info(handle: bytes, information: int, data: bytes) -> None:
    theirs = packed(smb3structs.SMB2Write(), FileID=handle, Length=len(data), Buffer=data)
    assert bodies.write(handle, data) == theirs
    fields: Fields = {"InfoType": 1, "FileInfoClass": information, "BufferLength": len(data)}
    theirs = packed(smb3structs.SMB2SetInfo(), **fields, FileID=handle, Buffer=data)
    assert bodies.set_file_info(handle, information, data) == theirs


@given(HANDLE, U32, DATA, U32)
def test_ioctl(handle: bytes, code: int, data: bytes, most: int) -> None:
    fields: Fields = {"CtlCode": code, "FileID": handle, "InputCount": len(data), "MaxOutputResponse": most}
    theirs = packed(smb3structs.SMB2Ioctl(), **fields, Flags=1, Buffer=data)
    assert bodies.ioctl(handle, code, data, most) == theirs


@given(HANDLE, U8, U32)
def test_query_directory(handle: bytes, information: int, most: int) -> None:
    fields: Fields = {"FileInformationClass": information, "FileID": handle, "OutputBufferLength": most}
    theirs = packed(smb3structs.SMB2QueryDirectory(), **fields, FileNameLength=2, Buffer=b"*\0")
    assert bodies.query_directory(handle, information, most) == theirs
