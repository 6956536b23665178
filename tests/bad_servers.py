"""Servers that no client should meet: real sockets that hang, lie, send garbage or hang up in the middle."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from harness.model import Attempt, Outcome, StepName, Target

Answer = Callable[[socket.socket, int, bytes], bool]
"""Gets the client's socket, the number of its message (0, 1, ...) and the message; False hangs up."""
SECONDS = 30.0
STATUS_PENDING = 0x103


def given_time(make: Callable[[float], Attempt], seconds: float) -> Attempt:
    """An attempt that no answer comes to, with so much time that the client came as far as to wait for one.

    How long it takes to start is the machine's affair: one that was cut off before is made with more time.
    """
    made = make(seconds)
    while (made.outcome is Outcome.FAULT or made.step is StepName.CONNECT) and 4 * seconds < SECONDS:
        seconds *= 4
        made = make(seconds)
    return made


def frame(message: bytes) -> bytes:
    """A message in the framing of direct TCP."""
    return len(message).to_bytes(4, "big") + message


def read_frame(peer: socket.socket) -> bytes:
    """The next message; b"" when the other side is gone. Two may come at once: only this one is taken."""
    length = int.from_bytes(_read(peer, 4)[1:], "big")
    message = _read(peer, length)
    return message if len(message) == length else b""


def _read(peer: socket.socket, size: int) -> bytes:
    """So many bytes; fewer when the other side is gone."""
    data = b""
    while len(data) < size and (more := peer.recv(size - len(data))):
        data += more
    return data


def pass_on(message: bytes, server: socket.socket, peer: socket.socket) -> bool:
    """A message to a real server, and its answer back; False when there is none.

    A busy server first says that an answer comes: [MS-SMB2] 3.3.4.2.
    """
    server.sendall(frame(message))
    while said := read_frame(server):
        peer.sendall(frame(said))
        if said[:4] != b"\xfeSMB" or int.from_bytes(said[8:12], "little") != STATUS_PENDING:
            return True
    return False


@contextmanager
def bad_server(answer: Answer, seconds: float = 0.3) -> Iterator[Target]:
    """A server that answers each message as it is told, and how to reach it."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        thread = threading.Thread(target=_serve, args=(listener, answer), daemon=True)
        thread.start()
        address, port = listener.getsockname()
        yield Target(address, "share", "user", "secret", port, seconds)
        # Wakes accept(2), which closing the socket alone does not.
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(SECONDS)
        assert not thread.is_alive()


def _serve(listener: socket.socket, answer: Answer) -> None:
    talks: list[threading.Thread] = []
    with suppress(OSError):
        while True:
            peer, _ = listener.accept()
            talk = threading.Thread(target=_talk, args=(peer, answer), daemon=True)
            talk.start()
            talks.append(talk)
    for talk in talks:
        talk.join(SECONDS)


def _talk(peer: socket.socket, answer: Answer) -> None:
    peer.settimeout(SECONDS)
    with peer, suppress(OSError):
        number = 0
        while message := read_frame(peer):
            if not answer(peer, number, message):
                return
            number += 1


def hang(_peer: socket.socket, _number: int, _message: bytes) -> bool:
    """Never answers; the client goes first."""
    return True


def hang_up(_peer: socket.socket, _number: int, _message: bytes) -> bool:
    """Closes without a word."""
    return False


def tear(peer: socket.socket, _number: int, _message: bytes) -> bool:
    """Closes in the middle of an answer."""
    peer.sendall(frame(b"\xfeSMB" + bytes(96))[:40])
    return False


def tear_the_frame(peer: socket.socket, _number: int, _message: bytes) -> bool:
    """Closes in the middle of an answer's length."""
    peer.sendall(b"\0\0")
    return False


def speak_http(peer: socket.socket, _number: int, _message: bytes) -> bool:
    """Is another kind of server altogether."""
    peer.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    return False


def garbage(peer: socket.socket, number: int, message: bytes) -> bool:
    """Right framing, nonsense inside."""
    peer.sendall(frame(message[:4] + bytes((7 * number + index * 31) % 256 for index in range(120))))
    return True


def answer_smb1(peer: socket.socket, _number: int, _message: bytes) -> bool:
    """Answers whatever comes as SMB1 would a NEGOTIATE, choosing its first dialect."""
    words = b"\0\0" + b"\x03" + bytes(31)
    head = b"\xffSMB\x72" + bytes(4) + b"\x98" + b"\x03\xc8" + bytes(20)
    peer.sendall(frame(head + bytes([17]) + words + b"\x08\0" + bytes(8)))
    return True


def answer_smb2(peer: socket.socket, number: int, _message: bytes) -> bool:
    """Answers whatever comes as SMB2 would a NEGOTIATE, choosing a dialect that nobody offers: 2.2."""
    return _smb2(peer, number, 0x0220)


def choose_311_always(peer: socket.socket, number: int, _message: bytes) -> bool:
    """Answers whatever comes with SMB 3.1.1, offered or not, and without its contexts."""
    return _smb2(peer, number, 0x0311)


def _smb2(peer: socket.socket, number: int, dialect: int) -> bool:
    head = b"\xfeSMB" + (64).to_bytes(2, "little") + bytes(10) + (1).to_bytes(4, "little") + bytes(4)
    head += number.to_bytes(8, "little") + bytes(32)
    body = (65).to_bytes(2, "little") + (1).to_bytes(2, "little") + dialect.to_bytes(2, "little") + bytes(60)
    peer.sendall(frame(head + body))
    return True


NO_ROOM = 0xC0000205
"""STATUS_INSUFF_SERVER_RESOURCES: [MS-ERREF] 2.3.1."""


def be_in_trouble(peer: socket.socket, _number: int, message: bytes) -> bool:
    """Answers whatever comes, in its own framing, that it has no room for it."""
    status = NO_ROOM.to_bytes(4, "little")
    if message.startswith(b"\xffSMB"):
        # The flags say that it is an answer, and that the status is an NTSTATUS.
        peer.sendall(frame(message[:5] + status + b"\x98\x03\xc8" + message[12:32] + bytes(3)))
    else:
        head = message[:8] + status + message[12:16] + (1).to_bytes(4, "little") + message[20:64]
        peer.sendall(frame(head + (9).to_bytes(2, "little") + bytes(7)))
    return True


ALL = (
    hang,
    hang_up,
    tear,
    tear_the_frame,
    speak_http,
    garbage,
    answer_smb1,
    answer_smb2,
    choose_311_always,
)


@contextmanager
def connected(real: Target) -> Iterator[Callable[[socket.socket], socket.socket]]:
    """For a relay: the connection to a real server that belongs to a client's, made when first asked for."""
    behind: dict[socket.socket, socket.socket] = {}

    def find(peer: socket.socket) -> socket.socket:
        if peer not in behind:
            behind[peer] = socket.create_connection((real.address, real.port), SECONDS)
        return behind[peer]

    try:
        yield find
    finally:
        for server in behind.values():
            server.close()


@contextmanager
def meddler(real: Target, after: int, then: Answer, seconds: float = 0.5) -> Iterator[Target]:
    """A relay to a real server that stops relaying after ``after`` answers and does ``then`` instead."""
    with connected(real) as behind:

        def answer(peer: socket.socket, number: int, message: bytes) -> bool:
            if number >= after:
                return then(peer, number, message)
            return pass_on(message, behind(peer), peer)

        with bad_server(answer, seconds) as target:
            yield Target(target.address, real.share, real.user, real.password, target.port, seconds)
