"""Samba: smb.conf(5), and packages that come from an image."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from harness.servers.base import Server, ServerState
from harness.servers.live import How
from harness.servers.platform import Change, Doing, Machine, NotApplicableError, Platform, Say
from harness.servers.platforms._conf_lines import conf_lines
from harness.servers.platforms._directory_lines import directory_lines

PATCH = "-security"
"""An image of this suffix is the guest's release with the updates that lie in its box."""
_PATCHED: Final = "vendor-patch"
"""What a guest with such updates says of itself in guests.yaml."""
_RELEASE_UPGRADE: Final = "release-upgrade"
_SMB_CONF: Final = "/etc/samba/smb.conf"
"""Where Debian, Ubuntu, Red Hat and SUSE have it."""
COPY: Final = f"{_SMB_CONF}.before"
"""Where an administrator keeps it while a change is in force."""

_CONTROLLER: Final = "samba-ad-dc"
"""The service of a domain controller in Debian and Ubuntu."""
_IN_FORCE: Final = {
    How.HANGUP: ("settings.reload", ("systemctl reload smbd",)),
    How.RELOAD: ("settings.reload", ("smbcontrol smbd reload-config",)),
    How.CLOSE_SHARE: (
        "settings.close_share",
        ("smbcontrol smbd reload-config", "smbcontrol smbd close-share '*'"),
    ),
    How.RESTART: ("settings.restart", ("systemctl restart smbd",)),
}
"""What puts a changed smb.conf into force, in words and lines."""


class Samba(Platform):
    name = "samba"
    has_images = True
    reads_again = True
    many_sessions = True
    who_connects = "ticket_first.who_samba"

    def changed(self, change: Change, state: ServerState, server: Server) -> ServerState:
        return _heeded(state, change.on_server(state, server))

    def doings(
        self, change: Change, before: ServerState, after: ServerState, server: Server, say: Say
    ) -> Iterable[Doing]:
        if after.controller != before.controller:
            yield from conf_lines(before.controller, after.controller, say("settings.controllers_conf"), say)
            yield _restart_controller(say)
            after = replace(after, controller=before.controller)
            if after == before:
                return
        if after.directory != before.directory:
            yield from directory_lines(before.directory, after.directory, server, say)
            after = replace(after, directory=before.directory)
            if after == before:
                return
        is_controller = server.in_domain is not None and server.in_domain.is_controller
        if not after.running:
            service = _CONTROLLER if is_controller else "smbd"
            yield Doing(
                say("settings.stop_samba"),
                (f"systemctl stop {service}",),
                (f"systemctl start {service}",),
                say("settings.start_again"),
                "sh",
            )
            return
        if after.image != before.image:
            release = after.image == server.upgrades.get(_RELEASE_UPGRADE)
            upgrade = say("settings.upgrade" if release else "settings.patch")
            yield Doing(upgrade, undo_where=say("settings.packages_back"))
        if after.ws_discovery and not before.ws_discovery:
            yield Doing(
                say("settings.ws_discovery"),
                ("apt install wsdd", "systemctl enable --now wsdd"),
                ("systemctl disable --now wsdd",),
                say("settings.ws_discovery_back"),
                "sh",
            )
        if after.mdns and not before.mdns:
            yield Doing(
                say("settings.mdns"),
                ("apt install avahi-daemon", "systemctl enable --now avahi-daemon"),
                ("systemctl disable --now avahi-daemon.socket avahi-daemon.service",),
                say("settings.mdns_back"),
                "sh",
            )
        if after.quic is not None and after.quic != before.quic:
            yield Doing(say("settings.quic"), undo_where=say("settings.quic_back"))
            if after.quic.alone:
                yield Doing(say("settings.tcp_closed"), undo_where=say("settings.tcp_closed_back"))
        if replace(after, ws_discovery=before.ws_discovery, mdns=before.mdns, quic=before.quic) == before:
            return
        if after.conf != before.conf:
            yield Doing(
                say("settings.keep_copy"),
                (f"cp -p {_SMB_CONF} {COPY}",),
                (f"cp -p {COPY} {_SMB_CONF}",),
                say("settings.copy_back"),
                "sh",
                copies=True,
            )
            yield from conf_lines(before.conf, after.conf, "smb.conf", say)
        if is_controller:
            yield _restart_controller(say)
            return
        key, lines = _IN_FORCE[change.how if after.image == before.image else How.RESTART]
        check = ("testparm -s",) if after.conf != before.conf else ()
        yield Doing(say(key), (*check, *lines), lines, say(f"{key}_back"), "sh")

    def served_by(self, guest: Machine, server: Server) -> bool:
        return guest.image == server.image

    def has_packages(self, guest: Machine, image: str) -> bool:
        return image == guest.image or (image == f"{guest.image}{PATCH}" and _PATCHED in guest.can)


def _restart_controller(say: Say) -> Doing:
    """samba(8) reads most of its settings at its start alone."""
    lines = (f"systemctl restart {_CONTROLLER}",)
    key = "settings.restart_controller"
    return Doing(say(key), ("testparm -s", *lines), lines, say(f"{key}_back"), "sh")


def _heeded(before: ServerState, after: ServerState) -> ServerState:
    """The state after a change. Raises NotApplicableError where Samba's server heeds nothing of the change.

    smb.conf(5): what begins with "client" is for Samba's client programs, and for a server as a client of its
    domain controller, which no server here has.
    """
    if not isinstance(after, ServerState):
        return after
    new = [name for name, value in after.conf.globals.items() if before.conf.globals.get(name) != value]
    rest = replace(after, conf=replace(after.conf, globals=before.conf.globals))
    if new and rest == before and all(name.strip().lower().startswith("client ") for name in new):
        has = "has" if len(new) == 1 else "have"
        raise NotApplicableError(
            f"{' and '.join(new)} {has} no effect on a server: only Samba's clients heed that (smb.conf(5))"
        )
    return after


PLATFORM = Samba()
