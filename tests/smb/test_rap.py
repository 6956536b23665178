"""RAP's share list: the request as [MS-RAP] has it, and answers of every kind."""

from __future__ import annotations

import struct
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import LabFault, Refused
from harness.smb import listing
from harness.smb.discovery import nbns
from harness.smb.pipes import rap


def entry(name: bytes) -> bytes:
    """[MS-RAP] 2.5.14: a name in 13 bytes, a pad, the type, where the remark is."""
    return name.ljust(13, b"\0") + b"\0" + struct.pack("<HL", 0, 0)


def test_the_request() -> None:
    assert rap.request() == b"\0\0WrLeh\0B13BWz\0\1\0\xff\xff"


@pytest.mark.parametrize("code", [0, 234])
def test_names(code: int) -> None:
    answer = entry(b"share") + entry(b"IPC$") + entry(b"TWELVE-BYTES") + b"a remark\0"
    assert rap.shares(struct.pack("<HHHH", code, 0, 3, 3), answer) == ["share", "IPC$", "TWELVE-BYTES"]


@pytest.mark.parametrize(
    ("code", "status"),
    [(5, "STATUS_ACCESS_DENIED"), (50, "STATUS_NOT_SUPPORTED"), (2, "STATUS_UNSUCCESSFUL")],
)
def test_a_refusal(code: int, status: str) -> None:
    with pytest.raises(Refused) as caught:
        rap.shares(struct.pack("<HHHH", code, 0, 0, 0), b"")
    assert caught.value.status == status


def test_more_shares_than_bytes() -> None:
    with pytest.raises(LabFault, match="4 shares"):
        rap.shares(struct.pack("<HHHH", 0, 0, 4, 4), entry(b"share"))


@given(parameters=st.binary(max_size=12), data=st.binary(max_size=80))
def test_garbage_is_said_to_be_garbage(parameters: bytes, data: bytes) -> None:
    with suppress(Refused, LabFault):
        assert all(isinstance(name, str) for name in rap.shares(parameters, data))


@pytest.mark.parametrize(
    ("charset", "raw", "name"),
    [
        ("cp850", b"B\x81ro", "Büro"),
        ("cp932", "経理".encode("cp932"), "経理"),
        # What is no character stands as its bytes, as everywhere.
        ("cp932", b"A\x81", "A\\x81"),
    ],
)
def test_names_are_in_the_servers_dos_charset(charset: str, raw: bytes, name: str) -> None:
    """Of shares, and of servers; a name that was read is asked for in the same bytes."""
    head = struct.pack("<HHHH", 0, 0, 1, 1)
    assert rap.shares(head, entry(raw), charset) == [name]
    assert rap.servers(head, raw.ljust(16, b"\0") + bytes(10), charset) == [name]
    if "\\" not in name:
        assert rap.servers_request(name, charset).endswith(raw + b"\0")
        group = nbns.Name(name, nbns.MASTER_BROWSER, charset)
        answer = nbns.found(nbns.response(7, group, "198.18.0.1"), charset)
        assert answer is not None
        assert nbns.same(answer.name, group)


def test_the_charset_that_nobody_said_is_that_of_smb_conf() -> None:
    assert rap.shares(struct.pack("<HHHH", 0, 0, 1, 1), entry(b"B\x81ro")) == ["Büro"]


def test_a_listing_in_bytes_that_are_no_character_is_shown() -> None:
    """Both in a machine's own character set, and in half a pair of UTF-16."""
    for raw, charset, name in ((b"A\x81", "cp932", "A\\x81"), (b"\x00\xd8", "utf-16le", "\\x00\\xd8")):
        found = struct.pack("<L56xL", 0, len(raw)).ljust(94, b"\0") + raw
        assert listing.names(found, listing.BOTH_DIRECTORY, charset=charset) == [name]
