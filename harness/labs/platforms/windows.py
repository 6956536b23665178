"""Windows: in a guest of its own, which is driven and never installed into."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from harness.labs.platforms import GuestBench, LabPart
from harness.servers.base import Server
from harness.servers.live import LiveServer

if TYPE_CHECKING:
    from harness.labs.vagrant.machine import Machine


class WindowsPart(LabPart):
    @contextmanager
    def in_guest(self, server: Server, machine: Machine, bench: GuestBench) -> Iterator[LiveServer]:
        from harness.labs.windows_server import WindowsServer

        windows = WindowsServer(
            server,
            machine,
            machine.route.address,
            bench.fingerprints,
            guests=bench.clients(),
            known_hosts=bench.known_hosts,
            tunnel=machine.tunnel,
        )
        with closing(windows):
            windows.start()
            yield windows


PART = WindowsPart()
