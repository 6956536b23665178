"""The tap on real sockets: bytes pass unchanged, and the trace names the step that failed."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from harness.model import CLOSED, NO_DIALECT, RESET, STATUS_OK, TIMEOUT, StepName
from harness.smb.status import UNSIGNED
from harness.smb.tap.relay import Tap
from harness.smb.tap.trace import Conversation


def smb2(code: int, body: bytes, *, mid: int, server: bool = False, status: int = 0, tree: int = 0) -> bytes:
    head = struct.pack(
        "<4sHHIHHIIQIIQ16s", b"\xfeSMB", 64, 0, status, code, 0, server, 0, mid, 0, tree, 9, b""
    )
    return (64 + len(body)).to_bytes(4, "big") + head + body


def path(text: str, before: int, at: int, order: str = "<HH") -> bytes:
    raw = text.encode("utf-16-le")
    body = bytearray(before) + raw
    struct.pack_into(order, body, at, 64 + before, len(raw))
    return bytes(body)


HELLO = smb2(0, struct.pack("<HHHH28x2H", 36, 2, 1, 0, 0x0202, 0x0210), mid=0)
HELLO_OK = smb2(0, struct.pack("<HHH58x", 65, 1, 0x0210), mid=0, server=True)
# The negotiate contexts begin at NegotiateContextOffset, 0 here: none is read.
HELLO_311 = smb2(0, struct.pack("<HHH58x", 65, 1, 0x0311), mid=0, server=True)
LOGON = smb2(1, struct.pack("<HBBIIHHQ", 25, 0, 1, 0, 0, 88, 52, 0) + b"NTLMSSP\0" + struct.pack(
    "<IHHIHHI", 3, 24, 24, 0, 300, 300, 0) + bytes(24), mid=1)  # fmt: skip
LOGON_OK = smb2(1, struct.pack("<HHHH", 9, 0, 72, 0), mid=1, server=True)
LOGON_GUEST = smb2(1, struct.pack("<HHHH", 9, 1, 72, 0), mid=1, server=True)
IPC = smb2(3, path("\\\\s\\IPC$", 8, 4), mid=2)
IPC_OK = smb2(3, struct.pack("<HBBIII", 16, 2, 0, 0, 0, 0), mid=2, server=True, tree=5)
IPC_DENIED = smb2(3, bytes(9), mid=2, server=True, status=0xC0000022)
SIGNED = 0x08
"""SMB2_FLAGS_SIGNED, in the first byte of the flags: [MS-SMB2] 2.2.1.2."""
PIPE = smb2(5, path("srvsvc", 56, 44), mid=3, tree=5)
PIPE_DENIED = smb2(5, bytes(9), mid=3, server=True, status=0xC0000022, tree=5)

Server = Callable[[socket.socket], None]


@contextmanager
def serving(behave: Server) -> Iterator[int]:
    """A server on 127.0.0.1 that takes one connection."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(5)

        def once() -> None:
            peer, _ = listener.accept()
            with peer:
                peer.settimeout(5)
                behave(peer)

        thread = threading.Thread(target=once)
        thread.start()
        yield listener.getsockname()[1]
        thread.join(60)
        assert not thread.is_alive()


def answers(*replies: bytes) -> Server:
    """A server that gives one reply a request and hangs up when it has none left."""

    def behave(peer: socket.socket) -> None:
        for reply in replies:
            peer.recv(65536)
            peer.sendall(reply)
        peer.recv(65536)

    return behave


def asks(port: int, *requests: bytes) -> bytes:
    """A client that waits for an answer to each request; what the last one was answered."""
    last = b""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=60) as sock:
            for request in requests:
                sock.sendall(request)
                last = sock.recv(65536)
    except ConnectionError:
        return b""
    return last


def heard(behave: Server, *requests: bytes) -> Conversation:
    with serving(behave) as port, Tap("127.0.0.1", port, 5) as tap:
        asks(tap.port, *requests)
    (conversation,) = tap.traces()
    return conversation


def statuses(conversation: Conversation) -> dict[StepName, str]:
    return {step.name: step.status for step in conversation.steps}


def test_a_refused_pipe_is_told_step_by_step() -> None:
    told = heard(answers(HELLO_OK, LOGON_OK, IPC_OK, PIPE_DENIED), HELLO, LOGON, IPC, PIPE)
    assert statuses(told) == {
        StepName.CONNECT: STATUS_OK,
        StepName.NEGOTIATE: STATUS_OK,
        StepName.SESSION_SETUP: STATUS_OK,
        StepName.TREE_CONNECT_IPC: STATUS_OK,
        StepName.CREATE_PIPE: "STATUS_ACCESS_DENIED",
    }
    assert (told.dialect, told.auth, told.encrypted, told.signed) == ("2.1", "NTLMv2", False, False)
    assert told.ended_by == "client"


@pytest.mark.parametrize(
    ("hello", "logon", "flags", "detail"),
    [
        (HELLO_311, LOGON_OK, 0, UNSIGNED),
        (HELLO_311, LOGON_OK, SIGNED, ""),
        (HELLO_311, LOGON_GUEST, 0, ""),
        (HELLO_OK, LOGON_OK, 0, ""),
    ],
    ids=["unsigned", "signed", "guest", "2.1"],
)
def test_an_unsigned_tree_connect_that_is_refused_over_311(
    hello: bytes, logon: bytes, flags: int, detail: str
) -> None:
    tree = bytearray(IPC)
    tree[4 + 16] |= flags
    told = heard(answers(hello, logon, IPC_DENIED), HELLO, LOGON, bytes(tree))
    (step,) = [one for one in told.steps if one.name is StepName.TREE_CONNECT_IPC]
    assert (step.status, step.detail) == ("STATUS_ACCESS_DENIED", detail)


def test_a_guest_session_is_told() -> None:
    told = heard(answers(HELLO_OK, LOGON_GUEST), HELLO, LOGON)
    assert told.guest
    assert told.auth == "guest"


def test_a_server_that_hangs_up_on_the_negotiate() -> None:
    told = heard(answers(), HELLO)
    assert statuses(told)[StepName.NEGOTIATE] == CLOSED
    assert told.ended_by == "server"


def test_a_server_that_resets() -> None:
    def behave(peer: socket.socket) -> None:
        peer.recv(65536)
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    told = heard(behave, HELLO)
    assert statuses(told)[StepName.NEGOTIATE] == RESET


def test_a_client_that_gives_up_waiting() -> None:
    def behave(peer: socket.socket) -> None:
        peer.recv(65536)
        peer.recv(65536)

    with (
        serving(behave) as port,
        Tap("127.0.0.1", port, 5) as tap,
        socket.create_connection(("127.0.0.1", tap.port), timeout=60) as sock,
    ):
        sock.sendall(HELLO)
    (told,) = tap.traces()
    assert statuses(told)[StepName.NEGOTIATE] == TIMEOUT
    assert told.waiting is StepName.NEGOTIATE


def test_no_dialect() -> None:
    def smb1(flags: int, words: bytes, data: bytes) -> bytes:
        body = (
            struct.pack("<4sBIBH20x", b"\xffSMB", 0x72, 0, flags, 0xC001) + bytes([len(words) // 2]) + words
        )
        body += struct.pack("<H", len(data)) + data
        return len(body).to_bytes(4, "big") + body

    told = heard(answers(smb1(0x80, b"\xff\xff", b"")), smb1(0, b"", b"\x02NT LM 0.12\0"))
    assert statuses(told)[StepName.NEGOTIATE] == NO_DIALECT


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with Tap("127.0.0.1", port, 5) as tap:
        assert asks(tap.port, HELLO) == b""
    (told,) = tap.traces()
    assert statuses(told) == {StepName.CONNECT: RESET}


def test_several_connections_are_told_apart() -> None:
    with Tap("127.0.0.1", 1, 5) as tap:
        for _ in range(3):
            asks(tap.port, HELLO)
    assert len(tap.traces()) == 3


def test_large_streams_pass_unchanged_both_ways() -> None:
    data = bytes(range(256)) * 16384  # 4 MiB, more than any buffer on the way

    def behave(peer: socket.socket) -> None:
        got = bytearray()
        while len(got) < len(data):
            got += peer.recv(1 << 20)
        peer.sendall(got)

    with (
        serving(behave) as port,
        Tap("127.0.0.1", port, 10) as tap,
        socket.create_connection(("127.0.0.1", tap.port), timeout=60) as sock,
    ):
        sock.sendall(data)
        back = bytearray()
        while len(back) < len(data):
            back += sock.recv(1 << 20)
    assert back == data


def test_everything_is_closed_when_the_block_fails() -> None:
    before = threading.active_count()
    with pytest.raises(RuntimeError), Tap("127.0.0.1", 1, 5) as tap:
        raise RuntimeError
    assert threading.active_count() == before
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", tap.port), timeout=60)
