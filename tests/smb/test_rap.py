"""RAP's share list: the request as [MS-RAP] has it, and answers of every kind."""

from __future__ import annotations

import struct
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import LabFault, Refused
from harness.smb import rap


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
