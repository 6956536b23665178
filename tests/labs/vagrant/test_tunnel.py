"""The way to guests on another machine, with a real sshd: what a client sees at its end, and what ssh says.

The servers that stand for guests are on addresses of loopback; the relay is in a namespace of its own, which
none of these addresses can be reached from otherwise.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import struct
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import private_lab
import pytest
from commandline import users
from local_sshd import USER, Sshd

from harness.errors import LabFault
from harness.labs.vagrant.relay import Relay
from harness.labs.vagrant.ssh_master import SshMaster, refusal
from harness.labs.vagrant.uri import LibvirtUri, parse
from harness.system.deadline import wait_for
from harness.system.process import run

pytestmark = pytest.mark.local_lab

GUEST = "127.0.77.10"

CLIENT = """
import json, sys
from pathlib import Path
from harness.system.deadline import Deadline
from harness.errors import Refused
from harness.labs.vagrant import relay
from harness.labs import proof
from harness.model import Target
from harness.smb.wire import Wire
folder, guest, *ports = sys.argv[1:]
relay.PORTS = tuple(map(int, ports))
def seen(port):
    try:
        wire = Wire.connect(guest, port, Deadline(2.0))
    except Refused as refusal:
        return ["connect", refusal.status]
    try:
        wire.send(b"x" * 3000)
        return ["answer", wire.receive().decode()]
    except Refused as refusal:
        return ["negotiate", refusal.status]
def listens(port):
    return proof.listens(Target(guest, "share", "", "", port, tunnel="host"))
with relay.Relay(Path(folder), "192.168.60.1", [guest], "host") as way:
    print(json.dumps([[seen(port) for port in relay.PORTS], [listens(port) for port in relay.PORTS]]))
    way.check()
"""


def hangs_up(client: socket.socket) -> None:
    client.recv(1)
    while client.recv(65536):
        client.shutdown(socket.SHUT_WR)


def resets(client: socket.socket) -> None:
    client.recv(1)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def is_silent(client: socket.socket) -> None:
    while client.recv(65536):
        pass


def answers(client: socket.socket) -> None:
    client.recv(3004, socket.MSG_WAITALL)
    client.sendall(b"\0\0\0\x05hello")
    client.recv(1)


@pytest.fixture
def sshd(tmp_path: Path) -> Iterator[Sshd]:
    private_lab.needed()
    with Sshd(tmp_path) as started:
        yield started


@pytest.fixture
def serve() -> Iterator[Callable[[Callable[[socket.socket], None]], int]]:
    """Starts a server that does one thing with every client; its port at ``GUEST``."""
    listeners: list[socket.socket] = []

    def start(operation: Callable[[socket.socket], None]) -> int:
        listener = socket.create_server((GUEST, 0))
        listeners.append(listener)

        def one(client: socket.socket) -> None:
            with client:
                try:
                    operation(client)
                except OSError:
                    return

        def loop() -> None:
            while True:
                try:
                    client, _ = listener.accept()
                except OSError:
                    return
                threading.Thread(target=one, args=(client,), daemon=True).start()

        threading.Thread(target=loop, daemon=True).start()
        return int(listener.getsockname()[1])

    yield start
    for listener in listeners:
        # A thread that waits in accept(2) is woken by this alone.
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


@pytest.fixture(autouse=True)
def _no_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the machine's ssh_config(5): in a user namespace its owner is nobody, which ssh(1) minds.

    A run makes its connection outside of any namespace.
    """
    program = shutil.which("ssh")
    if program is None:
        pytest.skip("ssh is not installed: run ./test")
    wrapper = tmp_path / "path" / "ssh"
    wrapper.parent.mkdir()
    wrapper.write_text(f'#!/bin/sh\nexec {program} -F none "$@"\n')
    wrapper.chmod(0o755)
    monkeypatch.setenv("PATH", f"{wrapper.parent}:{os.environ['PATH']}")


def uri_of(sshd: Sshd, key: Path | None = None) -> LibvirtUri:
    key = key or sshd.key
    return parse(f"qemu+ssh://{USER}@{sshd.address}:{sshd.port}/system?keyfile={key}&no_verify=1")


def through(master: SshMaster, *ports: int) -> tuple[list[list[str]], list[bool]]:
    """What a client in a namespace of its own sees at these ports of the guest, and whether they listen."""
    master.forward((GUEST, port) for port in ports)
    inner = [sys.executable, "-m", "harness.labs.namespace", "--", sys.executable, "-c", CLIENT]
    done = run([*inner, master.folder, GUEST, *map(str, ports)], timeout=60, env=users()).check("the client")
    seen, listens = json.loads(done.stdout)
    return seen, listens


def test_a_client_cannot_tell_refused_reset_and_closed_apart(
    sshd: Sshd, serve: Callable[[Callable[[socket.socket], None]], int]
) -> None:
    ports = [serve(operation) for operation in (answers, hangs_up, resets, is_silent)]
    with socket.socket() as unused:
        unused.bind((GUEST, 0))
        ports.append(int(unused.getsockname()[1]))
        with SshMaster(uri_of(sshd)) as master:
            seen, listens = through(master, *ports)
        folder = master.folder
    assert seen[0] == ["answer", "hello"]
    # Directly: CLOSED, RESET, TIMEOUT, and a refused connect.
    assert seen[1:] == [["negotiate", word] for word in ("CLOSED", "CLOSED", "TIMEOUT", "CLOSED")]
    assert listens == [True, True, True, True, False]
    assert not folder.exists()


def test_the_program_on_the_path_uses_the_connection_and_makes_none(sshd: Sshd) -> None:
    with SshMaster(uri_of(sshd)) as master:
        words: list[str | Path] = [
            master.folder / "bin" / "ssh",
            "-l",
            "nobody",
            "--",
            "no.such.host",
            "id -un",
        ]
        assert run(words, timeout=20).check("ssh").stdout.strip() == USER
        kept = master.folder.rename(master.folder.with_name(f"{master.folder.name}-kept"))
        (kept / "bin" / "ssh").rename(kept / "ssh")
    script = (kept / "ssh").read_text()
    assert "-oProxyCommand=false" in script
    gone = run([kept / "ssh", "-p", str(sshd.port), "-l", USER, "--", sshd.address, "true"], timeout=20)
    assert gone.status == 255
    assert len([line for line in sshd.log().splitlines() if "Accepted publickey" in line]) == 1
    run(["rm", "-r", kept], timeout=10).check("rm")


def test_a_key_that_is_not_let_in_is_told_with_what_to_try(sshd: Sshd, tmp_path: Path) -> None:
    other = tmp_path / "other"
    run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", other], timeout=20).check("ssh-keygen")
    with pytest.raises(LabFault) as caught, SshMaster(uri_of(sshd, other)):
        pytest.fail("nobody may get in")
    assert "lets nobody in" in caught.value.message
    assert f"ssh -p {sshd.port} -l {USER} -i {other}" in caught.value.hint


def test_nothing_listens_there(sshd: Sshd) -> None:
    sshd.stop()
    with pytest.raises(LabFault, match="nothing listens for SSH there"), SshMaster(uri_of(sshd)):
        pytest.fail("nobody is there")


def test_an_unknown_host_key_is_no_question(sshd: Sshd) -> None:
    strict = parse(f"qemu+ssh://{USER}@{sshd.address}:{sshd.port}/system?keyfile={sshd.key}")
    with pytest.raises(LabFault, match="host key is not the known one") as caught, SshMaster(strict):
        pytest.fail("its key is not known")
    assert "must work without a question" in caught.value.hint


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("ssh: Could not resolve hostname lab: Name or service not known", "no host has this name"),
        ("ssh: connect to host lab port 22: No route to host", "cannot be reached"),
        ("ssh: connect to host lab port 22: Connection timed out", "cannot be reached"),
        ("banner\nl@lab: Permission denied (publickey,password).", "lets nobody in"),
        ("something else", "something else"),
        ("", "ssh said nothing"),
    ],
)
def test_what_ssh_says_in_one_line(said: str, why: str) -> None:
    fault = refusal(said, parse("qemu+ssh://l@lab/system"))
    assert why in fault.message
    assert fault.message.startswith("l@lab: ")
    assert "\n" not in str(fault)


def test_a_connection_that_is_lost_is_a_fault_of_the_lab(sshd: Sshd) -> None:
    with SshMaster(uri_of(sshd)) as master:
        way = Relay(master.folder, "192.168.60.1", [], "the host")
        way.check()
        sshd.stop()

        def gone() -> bool:
            try:
                way.check()
            except LabFault as fault:
                return "is gone" in fault.message
            return False

        wait_for("the end of the connection", gone, 20.0)


def test_a_server_that_forwards_nothing_is_a_fault_of_the_lab(sshd: Sshd, tmp_path: Path) -> None:
    config = tmp_path / "sshd_config"
    config.write_text(f"AllowTcpForwarding no\n{config.read_text()}")
    sshd.stop()
    sshd.start()
    with SshMaster(uri_of(sshd)) as master:
        way = Relay(master.folder, "192.168.60.1", [], "the host")
        master.forward([(GUEST, 445)])
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(master.folder / f"{GUEST}-445"))
            assert client.recv(1) == b""
        with pytest.raises(LabFault, match="leads to no guest: administratively prohibited") as caught:
            way.check()
        assert "AllowTcpForwarding" in caught.value.hint
