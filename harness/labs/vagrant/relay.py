"""The guests of another machine at their own addresses in here: TCP ports that lead into an SSH connection.

The lab's namespace has no network but ``lo``, which gets the guests' network as its own: whoever connects to
a guest's address and port is taken to the Unix socket that the connection to the host listens at
(``ssh_master``), and on to the guest. Nothing else of that machine can be reached.

What is different from a direct connection (measured, OpenSSH 9.2): the connection stands before the guest was
asked, so one that the guest refuses is closed after it was made; and a reset of the guest comes as a close.
So a client can tell neither from a server that hung up. Silence stays silence.
"""

from __future__ import annotations

import fcntl
import re
import selectors
import socket
import struct
import threading
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from harness.errors import LabFault
from harness.labs.vagrant.ssh_master import name_of

PORTS = (22, 445, 5985)
"""SSH, SMB and WinRM of a guest."""
_CHUNK = 1 << 16
_SIOCSIFADDR = 0x8916
"""netdevice(7)."""
_TROUBLE = re.compile(r"^channel \d+: open failed: ((?!connect failed).*?)\s*$", re.MULTILINE)
"""The host's SSH server itself refuses to forward, where "connect failed" is the guest's answer."""


class Relay:
    """Takes connections to the guests while the context lasts. Use it inside the lab's namespace."""

    def __init__(self, folder: Path, host: str, guests: Iterable[str], where: str) -> None:
        """``folder`` is that of the SSH connection, ``host`` the address of the lab host among the guests.

        ``where`` names the other machine.
        """
        self._folder = folder
        self._host = host
        self._guests = tuple(guests)
        self._where = where
        self._open: set[socket.socket] = set()
        self._guard = threading.Lock()
        self._thread = threading.Thread(target=self._serve, name="relay", daemon=True)

    def __enter__(self) -> Relay:
        """Raises LabFault when the namespace cannot have the guests' addresses."""
        self._selector = selectors.DefaultSelector()
        self._wake, self._woken = socket.socketpair()
        self._selector.register(self._woken, selectors.EVENT_READ)
        try:
            _take_network(self._host)
            for address in self._guests:
                for port in PORTS:
                    listener = socket.create_server((address, port), backlog=64)
                    self._selector.register(listener, selectors.EVENT_READ, name_of(address, port))
        except OSError as error:
            self._close()
            raise LabFault(f"no way to the guests of {self._where}: {error.strerror or error}") from error
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._wake.send(b".")
        self._thread.join()
        self._close()

    def check(self) -> None:
        """Raises LabFault when the connection to the host is gone, or its SSH server forwards nothing."""
        with socket.socket(socket.AF_UNIX) as control:
            if control.connect_ex(str(self._folder / "control")):
                raise LabFault(f"the SSH connection to {self._where} is gone", "rehearse run --resume")
        found = _TROUBLE.search((self._folder / "said").read_text(errors="replace"))
        if found:
            raise LabFault(
                f"the SSH server of {self._where} leads to no guest: {found[1]}",
                "AllowTcpForwarding yes in its sshd_config",
            )

    def _serve(self) -> None:
        while True:
            for key, _ in self._selector.select():
                if key.fileobj is self._woken:
                    return
                assert isinstance(key.fileobj, socket.socket)
                with suppress(OSError):
                    client, _ = key.fileobj.accept()
                    threading.Thread(target=self._carry, args=(client, key.data), daemon=True).start()

    def _carry(self, client: socket.socket, name: str) -> None:
        """One connection, until the guest hangs up or the relay ends."""
        with client, socket.socket(socket.AF_UNIX) as guest, suppress(OSError):
            with self._guard:
                self._open.update((client, guest))
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            guest.connect(str(self._folder / name))
            upward = threading.Thread(target=_pump, args=(client, guest), daemon=True)
            upward.start()
            _pump(guest, client)
            # Who hung up has said all, and hears no more.
            _hang_up(client)
            upward.join()
        with self._guard:
            self._open.difference_update((client, guest))

    def _close(self) -> None:
        with self._guard:
            for connection in self._open:
                _hang_up(connection)
        for key in list(self._selector.get_map().values()):
            assert isinstance(key.fileobj, socket.socket)
            key.fileobj.close()
        self._selector.close()
        self._wake.close()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    """Pass on what comes, and that no more comes."""
    with suppress(OSError):
        while data := source.recv(_CHUNK):
            sink.sendall(data)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


def _hang_up(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


def _take_network(host: str) -> None:
    """Make the network of 24 bits around this address loopback's own: every address of it is ours then.

    Without a netmask the kernel takes that of the address's class, which is 24 bits for 192.x (RFC 791).
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        address = struct.pack("16sHH4s8x", b"lo:1", socket.AF_INET, 0, socket.inet_aton(host))
        fcntl.ioctl(control, _SIOCSIFADDR, address)
