"""Every reader of server bytes on its own: random bytes give Refused or LabFault, never anything else."""

from __future__ import annotations

import socket
from collections.abc import Callable
from contextlib import suppress

import pytest
from effort import effort
from hypothesis import given
from hypothesis import strategies as st
from replay import recorded

from harness.errors import LabFault, Refused
from harness.model import Check, Dialect
from harness.smb import listing, status
from harness.smb.negotiation import Smb1Chosen, answered, older_dialect, read_contexts, read_smb1, read_smb2
from harness.smb.ntlm import Account, Logon, NtlmManner
from harness.smb.offer import Smb1Hello, Smb2Hello
from harness.smb.pipes import rap, samr, srvsvc
from harness.smb.session import Manner
from harness.smb.smb1 import Smb1
from harness.smb.wire import Wire
from harness.system.deadline import Deadline

STRINGS = Smb1Hello(("NT LM 0.12", "SMB 2.002", "SMB 2.???"))
HELLO = Smb2Hello(tuple(dialect for dialect in Dialect if dialect is not Dialect.NT1), capabilities=0x40)


def logon(blob: bytes) -> object:
    return Logon(NtlmManner(), Account("rehearse", "secret")).second(blob)


def smb1_peek(raw: bytes) -> None:
    """PeekNamedPipe of a server that answers these bytes and hangs up."""
    ours, theirs = socket.socketpair()
    with theirs:
        theirs.sendall(len(raw).to_bytes(4, "big") + raw)
        theirs.shutdown(socket.SHUT_WR)
        wire = Wire(ours, Deadline(1.0))
        try:
            Smb1(wire, Smb1Chosen(STRINGS, 3, 0, 0, 0, b""), Manner()).peek_no_pipe(1)
        finally:
            wire.close()


READERS: dict[str, Callable[[bytes], object]] = {
    "read_smb1": lambda raw: read_smb1(raw, STRINGS),
    "read_smb2": lambda raw: read_smb2(raw, HELLO, b"", 1),
    "answered": lambda raw: answered(raw, STRINGS),
    "contexts": lambda raw: read_contexts(raw, 0, 50),
    "listing": lambda raw: listing.names(raw, listing.ID_BOTH_DIRECTORY),
    "logon": logon,
    "older_dialect": lambda raw: older_dialect(raw, STRINGS),
    "users": lambda raw: samr.list_users(lambda _: raw, lambda: b""),
    "rap": lambda raw: rap.shares(raw[:6], raw[6:]),
    "peek": lambda raw: smb1_peek(raw),
    "shares": lambda raw: srvsvc.list_shares(lambda _: raw, lambda: b"", "server"),
}


@pytest.mark.parametrize("reader", READERS)
@given(
    prefix=st.sampled_from([b"", b"\xffSMB\x72", b"\xfeSMB\x40\0", b"\xa1", b"\5\0\2\3"]),
    raw=st.binary(max_size=400),
)
def test_random_bytes(reader: str, prefix: bytes, raw: bytes) -> None:
    with effort(1.0), suppress(Refused, LabFault):
        READERS[reader](prefix + raw)


def test_the_recorded_answers_are_read() -> None:
    first, second = recorded("windows-10-1703", Check.OPEN)[:2]
    assert answered(first, STRINGS) == "2.FF"
    chosen = read_smb2(second, HELLO, b"", 2)
    assert (chosen.dialect, chosen.cipher and chosen.cipher.title) == (Dialect.SMB3_11, "AES-128-GCM")


@pytest.mark.parametrize("count", [None, 3])
def test_a_listing_that_points_outside_is_garbage(count: int | None) -> None:
    entry = (4096).to_bytes(4, "little") + bytes(100)
    with pytest.raises(LabFault, match="garbage"):
        listing.names(entry, listing.ID_BOTH_DIRECTORY, count)


@pytest.mark.parametrize(
    ("code", "name"),
    [
        (0, "STATUS_SUCCESS"),
        (0xC0000022, "STATUS_ACCESS_DENIED"),
        (0xC00000BB, "STATUS_NOT_SUPPORTED"),
        (0xC000006D, "STATUS_LOGON_FAILURE"),
        (0xC0000418, "STATUS_NTLM_BLOCKED"),
        (0xC05D0002, "STATUS_SMB_GUEST_LOGON_BLOCKED"),
        (0xC0FFEE00, "0xC0FFEE00"),
    ],
)
def test_status_names(code: int, name: str) -> None:
    assert status.name(code) == name


@pytest.mark.parametrize(
    ("error_class", "code", "name"),
    [
        (0, 0, "STATUS_SUCCESS"),
        (1, 5, "STATUS_ACCESS_DENIED"),
        (2, 2, "STATUS_LOGON_FAILURE"),
        (3, 99, "STATUS_UNSUCCESSFUL"),
    ],
)
def test_dos_errors(error_class: int, code: int, name: str) -> None:
    assert status.name(status.from_dos(error_class, code)) == name
