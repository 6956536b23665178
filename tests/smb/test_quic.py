"""QUIC as a client and a relay speak it: what goes through is what was said, a failure has its status."""

from __future__ import annotations

import asyncio
import queue
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from harness.errors import LabFault, Refused
from harness.model import RESET, TIMEOUT, Side, StepName
from harness.smb.quic import dialing, ending, front
from harness.smb.quic.dialing import UNLOOKED, dial
from harness.system import certificates
from harness.system.deadline import Deadline

NAME = "files.example.test"
HERE = "127.0.0.1"
LARGE = bytes(range(256)) * (12 * 1024)
"""3 MiB: more than may be under way at once (``harness.smb.quic.channel``)."""
NONSENSE = {
    "nothing": None,
    "an empty datagram": b"",
    "zeros": bytes(1200),
    "an Initial of nonsense": b"\xc0\0\0\0\1" + b"\xff" * 1200,
    "words": b"no QUIC",
}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An authority, and a certificate of it for NAME."""
    folder = tmp_path_factory.mktemp("certificates")
    ours, key = certificates.new_key(), certificates.new_key()
    authority = certificates.signed("an authority", ours, ours, None, 1)
    stranger = certificates.signed("another authority", key, key, None, 1)
    shown = certificates.signed(NAME, key, ours, authority, 1, (NAME,))
    for name, data in (
        ("authority", certificates.pem(authority)),
        ("stranger", certificates.pem(stranger)),
        ("certificate", certificates.pem(shown)),
        ("key", certificates.pem_of_key(key)),
    ):
        certificates.write(folder / name, data, 0o600)
    return folder


@contextmanager
def relayed(files: Path, to: front.Upstream) -> Iterator[int]:
    """A relay to what ``to`` connects to; its port."""
    told: queue.SimpleQueue[tuple[int, Callable[[], object]]] = queue.SimpleQueue()

    async def serve() -> None:
        over, loop = asyncio.Event(), asyncio.get_running_loop()
        shown = front.Shown(files / "certificate", files / "key")
        async with front.serving(HERE, 0, shown, to) as (port, _):
            told.put((port, lambda: loop.call_soon_threadsafe(over.set)))
            await over.wait()

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    port, end = told.get(timeout=20)
    try:
        yield port
    finally:
        end()
        thread.join(20)
        assert not thread.is_alive()


@contextmanager
def listening(serve: Callable[[socket.socket], None]) -> Iterator[int]:
    """A TCP server of one connection; its port."""
    with socket.create_server((HERE, 0)) as listener:

        def accept() -> None:
            taken, _ = listener.accept()
            with taken:
                serve(taken)

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        thread.join(20)


def shower(taken: socket.socket) -> None:
    """Says a lot, one way alone, and hangs up."""
    taken.recv(10)
    taken.sendall(LARGE)


def echo(taken: socket.socket) -> None:
    while data := taken.recv(65536):
        taken.sendall(data)


def read(stream: socket.socket, count: int) -> bytes:
    got = bytearray()
    while len(got) < count and (data := stream.recv(65536)):
        got += data
    return bytes(got)


def test_what_is_said_comes_through_whole_and_both_ways(files: Path) -> None:
    with listening(echo) as server, relayed(files, front.to(HERE, server)) as port:
        made = dial(HERE, port, NAME, str(files / "authority"), Deadline(20))
        with made.stream as stream:
            stream.settimeout(30)
            sender = threading.Thread(target=stream.sendall, args=(LARGE,), daemon=True)
            sender.start()
            assert read(stream, len(LARGE)) == LARGE
            sender.join(20)
        assert made.certificate == f"certificate of CN={NAME}, signed by CN=an authority"


def test_a_lot_one_way_arrives_before_the_end(files: Path) -> None:
    with listening(shower) as server, relayed(files, front.to(HERE, server)) as port:
        made = dial(HERE, port, NAME, UNLOOKED, Deadline(20))
        with made.stream as stream:
            stream.settimeout(30)
            stream.sendall(b"go on")
            assert read(stream, len(LARGE) + 1) == LARGE


def test_the_server_sees_the_clients_own_address_and_port(files: Path) -> None:
    seen: list[tuple[str, int]] = []

    def look(taken: socket.socket) -> None:
        seen.append(taken.getpeername())
        taken.sendall(taken.recv(10))

    with listening(look) as server, relayed(files, front.to(HERE, server)) as port:
        made = dial(HERE, port, NAME, UNLOOKED, Deadline(20))
        with made.stream as stream:
            stream.settimeout(20)
            stream.sendall(b"who?")
            # What the server said last arrives, and then its end.
            assert (read(stream, 10), stream.recv(1)) == (b"who?", b"")
    assert seen == [made.end]


def test_the_port_of_a_client_is_its_own_by_tcp_too(files: Path) -> None:
    """Else the relay comes from another one, and its packets and lines of the log are nobody's."""
    with listening(echo) as server, relayed(files, front.to(HERE, server)) as port:
        made = dial(HERE, port, NAME, UNLOOKED, Deadline(20))
        with made.stream as stream:
            stream.settimeout(20)
            # Nobody was asked for yet: the relay connects when the client speaks.
            with socket.socket() as stranger, pytest.raises(OSError, match="in use"):
                stranger.bind(made.end)
            stream.sendall(b"there?")
            assert read(stream, 6) == b"there?"


def test_a_port_that_is_in_use_by_tcp_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """Over what the kernel does at random: of the ports that it gives for UDP the first is in use by TCP."""
    first: list[socket.socket] = []
    kernel = socket.socket.getsockname

    def given(one: socket.socket) -> tuple[str, int]:
        end = kernel(one)
        if not first and one.type == socket.SOCK_DGRAM:
            first.append(socket.create_server(end))
        return (end[0], end[1])

    monkeypatch.setattr(socket.socket, "getsockname", given)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as there:
        there.bind((HERE, 0))
        wire, held = dialing._own_port(HERE, kernel(there)[1])
    with wire, held, first[0] as taken:
        assert kernel(wire) == kernel(held) != kernel(taken)


def test_a_server_that_cannot_be_reached_ends_the_connection(files: Path) -> None:
    with socket.create_server((HERE, 0)) as gone:
        port_of_nobody = gone.getsockname()[1]
    with relayed(files, front.to(HERE, port_of_nobody)) as port:
        made = dial(HERE, port, NAME, UNLOOKED, Deadline(20))
        with made.stream as stream:
            stream.settimeout(20)
            stream.sendall(b"anybody?")
            assert stream.recv(1) == b""


@pytest.mark.parametrize(
    ("name", "authority", "status"),
    [
        ("another.example.test", "authority", ending.OTHER_NAME),
        (HERE, "authority", ending.OTHER_NAME),
        (NAME, "stranger", ending.NOT_TRUSTED),
    ],
)
def test_what_a_client_holds_against_a_certificate(
    files: Path, name: str, authority: str, status: str
) -> None:
    with relayed(files, front.to(HERE, 9)) as port, pytest.raises(Refused) as refused:
        dial(HERE, port, name, str(files / authority), Deadline(20))
    assert (refused.value.status, refused.value.step) == (status, StepName.TLS)
    assert refused.value.side is Side.CLIENT


@pytest.mark.parametrize(
    "said", [None, b"", b"\0" * 1200, b"\xc0\0\0\0\1" + b"\xff" * 1200, b"no QUIC"], ids=NONSENSE
)
def test_who_says_nothing_or_nonsense_is_a_time_out(said: bytes | None) -> None:
    """Never a crash, and no certificate's fault."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind((HERE, 0))

        def answer() -> None:
            _, whom = server.recvfrom(2048)
            if said is not None:
                server.sendto(said, whom)

        threading.Thread(target=answer, daemon=True).start()
        with pytest.raises(Refused) as refused:
            dial(HERE, server.getsockname()[1], NAME, UNLOOKED, Deadline(0.3))
    assert (refused.value.status, refused.value.step) == (TIMEOUT, StepName.QUIC_CONNECT)


def test_nobody_listens() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as gone:
        gone.bind((HERE, 0))
        port = gone.getsockname()[1]
    with pytest.raises(Refused) as refused:
        dial(HERE, port, NAME, UNLOOKED, Deadline(20))
    assert (refused.value.status, refused.value.step) == (RESET, StepName.QUIC_CONNECT)


def test_a_certificate_that_is_none_is_a_fault(files: Path, tmp_path: Path) -> None:
    async def serve() -> None:
        async with front.serving(HERE, 0, front.Shown(tmp_path / "none", files / "key"), front.to(HERE, 9)):
            pass

    for data in (None, b"", b"no certificate", (files / "certificate").read_bytes()[:200]):
        if data is not None:
            (tmp_path / "none").write_bytes(data)
        with pytest.raises(LabFault, match="no SMB over QUIC with the certificate"):
            asyncio.run(serve())
