"""What a client offers first, read from its bytes."""

from __future__ import annotations

import socket
import struct

import pytest

from harness.clients.base import Offer
from harness.errors import LabFault
from harness.smb.sink import observe


def sends(data: bytes) -> Offer:
    def start(address: str, port: int) -> None:
        with socket.create_connection((address, port), timeout=60) as sock:
            sock.sendall(data)
            sock.recv(1)
        raise RuntimeError("a client that nobody answered may fail as it likes")

    return observe(start, 5)


def test_smb1_strings() -> None:
    head = struct.pack("<4sBIBH20xB", b"\xffSMB", 0x72, 0, 0, 0xC001, 0)
    message = head + struct.pack("<H", 23) + b"\x02NT LM 0.12\0\x02SMB 2.???\0"
    offer = sends(len(message).to_bytes(4, "big") + message)
    assert offer == Offer(("NT LM 0.12", "SMB 2.???"))
    assert offer.speaks_smb1


def test_smb2_revisions() -> None:
    message = struct.pack("<4sH58x", b"\xfeSMB", 64) + struct.pack("<HH32x2H", 36, 2, 0x0210, 0x0311)
    offer = sends(len(message).to_bytes(4, "big") + message)
    assert offer == Offer((), (0x0210, 0x0311))
    assert not offer.speaks_smb1


def test_a_client_that_makes_no_connection_is_a_fault() -> None:
    with pytest.raises(LabFault, match="offered no SMB dialect"):
        observe(lambda *_: None, 5)


def test_a_client_that_speaks_something_else_is_a_fault() -> None:
    with pytest.raises(LabFault, match="offered no SMB dialect"):
        sends(b"GET / HTTP/1.0\r\n\r\n")
