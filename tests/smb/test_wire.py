"""What a server does to a connection instead of answering, on real sockets."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator

import pytest
from replay import Replay, recorded, replaying

from harness.errors import LabFault, Refused
from harness.model import Check
from harness.smb import health
from harness.smb.wire import Wire
from harness.system.deadline import Deadline

ANSWER = b"\xfeSMB"


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


@pytest.fixture
def replay() -> Iterator[Replay]:
    with replaying() as server:
        yield server


def connected(listener: socket.socket, seconds: float = 2.0) -> tuple[Wire, socket.socket]:
    wire = Wire.connect("127.0.0.1", listener.getsockname()[1], Deadline(seconds))
    return wire, listener.accept()[0]


def refused(wire: Wire) -> str:
    with pytest.raises(Refused) as caught:
        wire.receive()
    wire.close()
    return caught.value.status


def test_messages_whole_and_in_pieces(listener: socket.socket) -> None:
    wire, peer = connected(listener)
    with peer:
        wire.send(b"hello")
        assert peer.recv(100) == b"\0\0\0\5hello"
        peer.sendall(b"\x85\0\0\0" + b"\0\0\0\4" + ANSWER + b"\0\0\0\1")
        assert wire.receive() == ANSWER
        peer.sendall(b"x")
        assert wire.receive() == b"x"
    wire.close()


def test_closed(listener: socket.socket) -> None:
    wire, peer = connected(listener)
    peer.sendall(b"\0\0\0\x09half")
    peer.close()
    assert refused(wire) == "CLOSED"


def test_reset(listener: socket.socket) -> None:
    wire, peer = connected(listener)
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    peer.close()
    assert refused(wire) == "RESET"


def test_timeout(listener: socket.socket) -> None:
    wire, peer = connected(listener, seconds=0.05)
    with peer:
        assert refused(wire) == "TIMEOUT"
        assert refused(wire) == "TIMEOUT"


def test_nobody_listens(listener: socket.socket) -> None:
    port = listener.getsockname()[1]
    listener.close()
    with pytest.raises(Refused) as caught:
        Wire.connect("127.0.0.1", port, Deadline(2.0))
    assert caught.value.status == "RESET"


@pytest.mark.parametrize("raw", [b"HTTP/1.1 400", b"\0\xff\xff\xff"])
def test_what_is_no_framing_is_the_labs_fault(listener: socket.socket, raw: bytes) -> None:
    wire, peer = connected(listener)
    with peer:
        peer.sendall(raw)
        with pytest.raises(LabFault, match="garbage"):
            wire.receive()
    wire.close()


@pytest.mark.parametrize(
    ("client", "says"), [("windows-xp", "answered NT LM 0.12"), ("windows-10-1703", "answered 2.FF")]
)
def test_a_healthy_server(replay: Replay, client: str, says: str) -> None:
    first = bytearray(recorded(client, Check.OPEN)[0])
    if client == "windows-xp":
        # Windows XP offered six strings and got the last; the probe offers this dialect first.
        first[33:35] = b"\0\0"
    replay.messages = [bytes(first)]
    target = replay.target()
    assert health.probe(target.address, target.port) == says


@pytest.mark.parametrize("raw", [b"\xff", b"\0\0\0\4abcd", b"\0\0\0\0"])
def test_an_unhealthy_server(replay: Replay, raw: bytes) -> None:
    replay.raw = raw
    target = replay.target()
    with pytest.raises(LabFault):
        health.probe(target.address, target.port, seconds=1.0)


def test_a_server_that_chooses_nothing_is_not_healthy(replay: Replay) -> None:
    nothing = bytearray(recorded("windows-xp", Check.OPEN)[0])
    nothing[33:35] = b"\xff\xff"
    replay.messages = [bytes(nothing)]
    target = replay.target()
    with pytest.raises(LabFault, match="NO_DIALECT"):
        health.probe(target.address, target.port)
