"""A server that was just started is waited for until it answers clients as it always will."""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import replace

import pytest
from bad_servers import bad_server, connected, frame, read_frame

from harness.errors import LabFault
from harness.labs import proof
from harness.model import Target
from harness.servers.live import LiveServer

TREE_CONNECT = 0x75
"""SMB_COM_TREE_CONNECT_ANDX: [MS-CIFS] 2.2.4.55."""
NO_MEMORY = (0xC0000017).to_bytes(4, "little")
IPC = "IPC$".encode("utf-16-le")


class LateNotifyd:
    """A real server, by relay, as it is before it knows its notifyd: no disk can be connected to."""

    def __init__(self, behind: Callable[[socket.socket], socket.socket], refusals: int) -> None:
        self._behind = behind
        self.left = refusals

    def answer(self, peer: socket.socket, _number: int, message: bytes) -> bool:
        """Pass one message on, and its answer back."""
        server = self._behind(peer)
        server.sendall(frame(message))
        said = read_frame(server)
        if message[4] == TREE_CONNECT and IPC not in message and self.left:
            self.left -= 1
            # The status in the header, and neither words nor bytes: [MS-CIFS] 2.2.3.1.
            said = said[:5] + NO_MEMORY + said[9:32] + bytes(3)
        peer.sendall(frame(said))
        return bool(said)


@pytest.mark.local_lab
@pytest.mark.parametrize(("refusals", "comes"), [(0, True), (3, True), (10**6, False)])
def test_it_is_awake_when_a_disk_can_be_connected_to(
    serve: Callable[[str], LiveServer], refusals: int, comes: bool
) -> None:
    real = serve("sles11-like").target
    with connected(real) as behind:
        late = LateNotifyd(behind, refusals)
        with bad_server(late.answer, seconds=5.0) as found:
            target = replace(real, address=found.address, port=found.port)
            if comes:
                proof.awaken("it", target, lambda: True, 20.0)
                assert late.left == 0
            else:
                with pytest.raises(LabFault, match=r"^it: its notifyd: not within 0\.2 s($|, nor within)"):
                    proof.awaken("it", target, lambda: True, 0.2)


@pytest.mark.local_lab
def test_a_server_that_serves_all_is_awake_after_one_connection(serve: Callable[[str], LiveServer]) -> None:
    """Each is a process of smbd's, and a server is started for each state that is measured."""
    real = serve("sles11-like").target
    with connected(real) as behind:
        made, late = set[socket.socket](), LateNotifyd(behind, 0)

        def answer(peer: socket.socket, number: int, message: bytes) -> bool:
            made.add(peer)
            return late.answer(peer, number, message)

        with bad_server(answer, seconds=5.0) as found:
            target = replace(real, address=found.address, port=found.port)
            proof.awaken("it", target, lambda: True, 20.0)
    assert len(made) == 1


def test_who_does_not_listen_yet_is_waited_for() -> None:
    """Without a word of a notifyd: nobody took the connection."""
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        target = Target("127.0.0.1", "share", "u", "p", nobody.getsockname()[1], 1.0)
        with pytest.raises(LabFault, match=r"^it at 127\.0\.0\.1: not within 0\.05 s"):
            proof.awaken("it", target, lambda: True, 0.05)


@pytest.mark.local_lab
def test_a_server_whose_share_is_not_there_serves(serve: Callable[[str], LiveServer]) -> None:
    """Its refusal at the very share is seen, and its answer on IPC$; a share that is there is none of it."""
    real = serve("sles11-like").target
    said = proof.lacking("it", replace(real, share="none"), alive=lambda: None)
    assert "share none is not available (STATUS_BAD_NETWORK_NAME); on IPC$ the control client came" in said
    with pytest.raises(LabFault, match="it should serve, but without the share share: the control client"):
        proof.lacking("it", real, alive=lambda: None)
    with pytest.raises(LabFault, match="at session-setup"):
        proof.lacking("it", replace(real, password="wrong"), alive=lambda: None)
