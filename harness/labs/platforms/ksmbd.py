"""ksmbd: in a Linux guest alone, for it is a part of the kernel."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from harness.labs.platforms import GuestBench, LabPart
from harness.labs.samba_conf import Account
from harness.remote.base import Remote
from harness.servers.base import Server
from harness.servers.live import LiveServer

if TYPE_CHECKING:
    from harness.labs.vagrant.machine import Machine


class KsmbdPart(LabPart):
    @contextmanager
    def in_guest(self, server: Server, machine: Machine, bench: GuestBench) -> Iterator[LiveServer]:
        from harness.labs.vagrant.guest_ksmbd import GuestKsmbd

        with GuestKsmbd.serving(server, machine, bench) as live:
            yield live

    def outfit(self, account: Account, remote: Remote) -> None:
        from harness.labs.vagrant.guest_ksmbd import GuestKsmbd

        GuestKsmbd.outfit(account, remote)


PART = KsmbdPart()
