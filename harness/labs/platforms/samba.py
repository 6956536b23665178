"""Samba in both labs: an smbd in a namespace, and one in a Linux guest."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from harness.labs.platforms import GuestBench, LabPart, LocalBench, LocalServer
from harness.labs.samba_conf import Account
from harness.remote.base import Remote
from harness.servers.base import Server
from harness.servers.live import LiveServer

if TYPE_CHECKING:
    from harness.labs.vagrant.machine import Machine


class SambaPart(LabPart):
    def local(self, server: Server, bench: LocalBench) -> LocalServer:
        if server.in_domain is not None:
            from harness.labs.domain.server import made

            return made(server, server.in_domain, bench)
        if server.user_share:
            from harness.labs.user_share import UserShareServer

            return UserShareServer(server, bench)
        from harness.labs.samba import SambaServer

        return SambaServer(server, bench.home, bench.account, bench.root, bench.runners)

    @contextmanager
    def in_guest(self, server: Server, machine: Machine, bench: GuestBench) -> Iterator[LiveServer]:
        from harness.labs.vagrant.guest_member import GuestMember
        from harness.labs.vagrant.guest_samba import GuestSamba

        made = GuestSamba if server.in_domain is None else GuestMember
        with made.serving(server, machine, bench) as live:
            yield live

    def outfit(self, account: Account, remote: Remote) -> None:
        from harness.labs.vagrant.guest_samba import GuestSamba

        GuestSamba.outfit(account, remote)


PART = SambaPart()
