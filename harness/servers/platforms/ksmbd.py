"""The server in the Linux kernel: ksmbd.conf(5), which knows some of the parameters of smb.conf(5)."""

from __future__ import annotations

from collections.abc import Iterable

from harness.servers.base import Server, ServerState
from harness.servers.ksmbd_conf import translated
from harness.servers.platform import Change, Doing, NotApplicableError, Platform, Say
from harness.servers.platforms._conf_lines import conf_lines


class Ksmbd(Platform):
    name = "ksmbd"

    def changed(self, change: Change, state: ServerState, server: Server) -> ServerState:
        """What Samba would get, where ksmbd has it too."""
        after = change.on_server(state, server)
        try:
            translated(after.conf)
        except ValueError as reason:
            raise NotApplicableError(str(reason)) from reason
        return after

    def doings(
        self,
        change: Change,  # noqa: ARG002 (it says itself how it reaches ksmbd: by a restart)
        before: ServerState,
        after: ServerState,
        server: Server,  # noqa: ARG002
        say: Say,
    ) -> Iterable[Doing]:
        if not after.running:
            yield Doing(
                say("settings.stop_ksmbd"),
                ("systemctl stop ksmbd",),
                ("systemctl start ksmbd",),
                say("settings.start_again"),
                "sh",
            )
            return
        yield from conf_lines(translated(before.conf), translated(after.conf), "ksmbd.conf", say)
        restart = ("systemctl restart ksmbd",)
        yield Doing(say("settings.restart_ksmbd"), restart, restart, say("settings.restart_ksmbd_back"), "sh")


PLATFORM = Ksmbd()
