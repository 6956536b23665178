"""Windows: PowerShell cmdlets and the registry, as data (``harness.windows.changes``)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from harness.model import Side
from harness.servers.base import Server, ServerState
from harness.servers.platform import Change, Doing, Machine, NotApplicableError, Platform, Say
from harness.windows.changes import NoWayError, way_for
from harness.windows.commands import RESTART, command
from harness.windows.releases import BY_NAME, SCRIPTED


class Windows(Platform):
    name = "windows"
    boot_seconds = 1800
    """With all that it does at its first start; never tried."""
    linux = False
    who_connects = "ticket_first.who_windows"

    def changed(self, change: Change, state: ServerState, server: Server) -> ServerState:
        if change.stops_server:
            # Its service is stopped by the lab: there is no setting to change.
            if BY_NAME[server.name] not in SCRIPTED:
                raise NotApplicableError(f"nothing can be run in {server.name} by us")
            return replace(state, running=False)
        try:
            way_for(change.name, Side.SERVER, BY_NAME[server.name])
        except NoWayError as reason:
            raise NotApplicableError(str(reason)) from reason
        return replace(state, changes=(*state.changes, change.name))

    def doings(
        self,
        change: Change,  # noqa: ARG002 (the state names every part of it)
        before: ServerState,
        after: ServerState,
        server: Server,
        say: Say,
    ) -> Iterable[Doing]:
        if not after.running:
            yield Doing(
                say("settings.stop_windows"),
                ("Stop-Service LanmanServer",),
                ("Start-Service LanmanServer",),
                say("settings.start_again"),
                "powershell",
            )
        for name in dict.fromkeys((*before.changes, *after.changes)):
            if name in before.changes and name in after.changes:
                continue
            try:
                way = way_for(name, Side.SERVER, BY_NAME[server.name])
            except NoWayError:
                continue
            key = f"settings.on_windows{RESTART if way.reboot else ''}"
            lines = tuple(map(command, way.settings))
            if name in after.changes:
                yield Doing(say(key), lines, (), say(f"{key}_back"), "powershell")
            else:
                # Only its name is known: what stood there before was written down.
                taken = tuple(f"# {line}" for line in lines)
                yield Doing(say(f"{key}_back"), taken, lines, say(key), "powershell")

    def served_by(self, guest: Machine, server: Server) -> bool:
        return guest.name == server.image


PLATFORM = Windows()
