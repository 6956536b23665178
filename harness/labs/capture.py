"""One recording of all packets of SMB and of KDCs: a packet socket on the device of a lab (packet(7)).

In the local lab that is ``lo``, in the vagrant lab the bridge of its guests.

What comes is sorted into connections, and stays in memory until no job needs it any more: nothing that may
hold a secret is written here. The kernel keeps what arrives, and a thread fetches it some twenty times a
second, so that clients and servers are hardly disturbed (``benchmarks/evidence.py``).
"""

from __future__ import annotations

import ctypes
import socket
import struct
import threading
from collections.abc import Iterable, Sequence
from types import TracebackType
from typing import Final, Self

from harness.errors import LabFault
from harness.servers.ports import ALTERNATIVE, USUAL
from harness.smb.packets import Connection, End, Head, Packet, head
from harness.smb.tap.kdc import PORT as KDC

PORTS: Final = (USUAL, ALTERNATIVE, KDC)
"""Where servers listen: of SMB, and the KDC of a domain, by TCP and UDP."""
_SILENCE: Final = 5 * 10**9
"""Nanoseconds after which a port of a client over UDP is taken for another one's."""
MOST_OF_A_CONNECTION, MOST = 4 * 2**20, 64 * 2**20
"""Bytes that are kept of one connection, and of all that nobody has let go of."""
_EVERY: Final = 0.05
"""Seconds between two looks; what comes meanwhile is in the kernel, with its time."""
_IN_KERNEL: Final = 16 * 2**20
"""Bytes that the kernel may keep meanwhile: a thousand times what a busy lab sends."""
_LONGEST: Final = 2**17
"""Bytes of a frame: 64 KiB and its headers, whatever the kernel joined."""
_SLACK: Final = 0.05
"""Seconds by which the clock of a packet and that of an attempt may differ."""

LOOPBACK: Final = "lo"

# linux/if_ether.h, asm-generic/socket.h, linux/if_packet.h
_IPV4, _EVERY_TYPE = 0x0800, 0x0003
_TCP, _UDP = 6, 17
_SO_RCVBUFFORCE, _SO_ATTACH_FILTER, _SO_TIMESTAMPNS = 33, 26, 35
_SOL_PACKET, _PACKET_STATISTICS = 263, 6
_ADD_MEMBERSHIP, _PROMISCUOUS = 1, 1


class Capture:
    """``with Capture() as capture:`` records until the block is left. Must be used inside the namespace.

    Raises LabFault, when the block is entered, where the kernel gives no packet socket.
    """

    def __init__(self, device: str = LOOPBACK) -> None:
        """``device``: ``lo``, or the bridge that clients and servers are on."""
        self._device = device
        self._connections: dict[str, dict[End, list[Connection]]] = {}
        self._kept = 0
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._lost = 0
        self._room = memoryview(bytearray(_LONGEST))
        """For the next frame: one that is cut from room of its own takes a third more memory (measured)."""

    def __enter__(self) -> Self:
        try:
            # Each packet comes once: by its type alone none is shown that goes out, which on "lo" comes in
            # again, and on a bridge is what this machine sends to a guest.
            kind = _IPV4 if self._device == LOOPBACK else _EVERY_TYPE
            self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(kind))
        except OSError as error:
            raise LabFault(f"no packet socket: {error.strerror}") from error
        try:
            _only(self._socket, PORTS)
            self._socket.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
            try:
                self._socket.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _IN_KERNEL)
            except PermissionError:
                # In the namespace of an ordinary user net.core.rmem_max is the most.
                self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _IN_KERNEL)
            self._socket.bind((self._device, kind))
            if self._device != LOOPBACK:
                # Else a bridge hands up only what is for this machine, and not what guests say to each other.
                number = socket.if_nametoindex(self._device)
                whole = struct.pack("IHH8s", number, _PROMISCUOUS, 0, b"")
                self._socket.setsockopt(_SOL_PACKET, _ADD_MEMBERSHIP, whole)
            self._socket.setblocking(False)
        except OSError as error:
            self._socket.close()
            raise LabFault(f"no recording of packets: {error.strerror}") from error
        self._thread = threading.Thread(target=self._run, name="capture", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()
        self._socket.close()

    def of(self, server: str, ends: Iterable[End], began: float, ended: float) -> list[Connection]:
        """The connections to a server's address that were made from these ends in that time.

        ``began``, ``ended``: seconds since 1970.
        """
        self._fetch()
        with self._lock:
            known = self._connections.get(server, {})
            return [
                one
                for end in ends
                for one in known.get(end, ())
                if began - _SLACK <= one.began <= ended + _SLACK
            ]

    def forget(self, server: str, *, but: Iterable[End] = ()) -> None:
        """Let go of all connections to a server's address, but those that were made from these ends."""
        self._fetch()
        with self._lock:
            known = self._connections.pop(server, {})
            kept = {end: known.pop(end) for end in {*but} & known.keys()}
            if kept:
                self._connections[server] = kept
            for connections in known.values():
                self._kept -= sum(one.size for one in connections)

    @property
    def lost(self) -> int:
        """Packets that the kernel had no room for until now, of whichever connection."""
        with self._lock:
            # The kernel counts anew each time that it is asked.
            told = self._socket.getsockopt(_SOL_PACKET, _PACKET_STATISTICS, 8)
            self._lost += struct.unpack("II", told)[1]
            return self._lost

    def _run(self) -> None:
        while not self._stop.wait(_EVERY):
            self._fetch()

    def _fetch(self) -> None:
        """Sort in what has come."""
        with self._lock:
            while True:
                try:
                    size, notes, _, _ = self._socket.recvmsg_into([self._room], 64)
                except (BlockingIOError, InterruptedError):
                    return
                for _, kind, value in notes:
                    if kind == _SO_TIMESTAMPNS:
                        seconds, nanoseconds = struct.unpack("ll", value)
                        self._sort(Packet(seconds * 10**9 + nanoseconds, bytes(self._room[:size])))

    def _sort(self, packet: Packet) -> None:
        found = head(packet.frame)
        if found is None:
            return
        client, server = found.source, found.target
        if server[1] not in PORTS:
            client, server = server, client
        connections = self._connections.setdefault(server[0], {}).setdefault(client, [])
        if not connections or _another(connections[-1], packet, found):
            opening = found.sequence if found.opens else None
            connections.append(Connection(client, server, opening, noticed=packet.time))
        one = connections[-1]
        size = len(packet.frame)
        if one.size + size > MOST_OF_A_CONNECTION or self._kept + size > MOST:
            one.left_out += 1
            return
        one.packets.append(packet)
        one.size += size
        self._kept += size


def _another(last: Connection, packet: Packet, found: Head) -> bool:
    """Whether a packet from the same end is of another connection than the last one."""
    if found.datagram:
        return packet.time - last.packets.times()[-1] > _SILENCE if last.packets else False
    return found.opens and last.opening != found.sequence


def _only(sock: socket.socket, ports: Sequence[int]) -> None:
    """Let the kernel hand on whole packets of TCP and UDP of these ports alone; IPv4 over Ethernet (bpf(4)).

    A jump counts from the next instruction on.
    """
    asked = len(ports)
    refuse = 2 * asked + 2
    program = [
        (0x28, 0, 0, 12),  # the type of the frame
        (0x15, 0, refuse + 6, _IPV4),  # IPv4, or nothing
        (0x30, 0, 0, 23),  # the protocol
        (0x15, 1, 0, _TCP),
        (0x15, 0, refuse + 3, _UDP),  # one of both, or nothing
        (0x28, 0, 0, 20),  # flags and offset of a fragment
        (0x45, refuse + 1, 0, 0x1FFF),  # the first one has ports
        (0xB1, 0, 0, 14),  # the length of the IP header
        (0x48, 0, 0, 14),  # from one of these ports
        *((0x15, 2 * asked - at + 1, 0, port) for at, port in enumerate(ports)),
        (0x48, 0, 0, 16),  # to one of these ports
        *((0x15, asked - at, 0, port) for at, port in enumerate(ports)),
        (0x06, 0, 0, 0),
        (0x06, 0, 0, _LONGEST),
    ]
    # linux/filter.h: struct sock_filter, and struct sock_fprog, which leads there.
    text = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *each) for each in program))
    fprog = struct.pack("@HP", len(program), ctypes.addressof(text))
    sock.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, fprog)
