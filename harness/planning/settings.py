"""A change as an administrator makes it: settings and commands for a server or clients, and how to undo them.

The settings are those that a rehearsal makes (``Mitigation.changed``, ``harness.windows.changes``), in the
words of smb.conf(5), ksmbd.conf(5) and PowerShell. Nothing here is run. What is said around them comes from
who asks, in the reader's language (``Say``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from harness.catalogue import Catalogue
from harness.errors import UsageError
from harness.mitigations.base import SEPARATOR, Mitigation, NotApplicableError
from harness.model import Platform, Side
from harness.servers.base import Conf, Server, ServerState
from harness.servers.ksmbd_conf import translated
from harness.servers.live import How
from harness.windows.changes import NoWayError, Setting, changes, way_for
from harness.windows.releases import BY_NAME

Say = Callable[..., str]
"""Words of the reader's language by their key (``settings.restart``), with places that are filled by name
(``harness.report.language.Language``)."""


@dataclass(frozen=True, slots=True)
class Doing:
    """One thing to do, and to undo."""

    where: str
    """What is done where, in words: "in [global] of smb.conf"."""
    do: tuple[str, ...] = ()
    """Lines to copy; none where the words say it all."""
    undo: tuple[str, ...] = ()
    undo_where: str = ""
    """What undoes it, in words."""
    language: str = ""
    """Of the lines: ini, sh, powershell."""
    copies: bool = False
    """It keeps a copy of smb.conf, and what undoes the rest is to put that back."""


_SMB_CONF: Final = "/etc/samba/smb.conf"
"""Where Debian, Ubuntu, Red Hat and SUSE have it."""


def on_server(catalogue: Catalogue, name: str, server_name: str, say: Say) -> tuple[Doing, ...]:
    """What a mitigation does on a server; nothing where this version knows one of both no more, or not so.

    A combination is given as what its parts come to together.
    """
    try:
        change, server = catalogue.mitigation(name), catalogue.servers[server_name]
        made = change.within(server)
        after = made.changed(server.state, server)
    except (UsageError, KeyError, NotApplicableError, ValueError):
        return ()
    if Side.SERVER not in change.sides:
        return ()
    if server.platform is Platform.WINDOWS:
        return tuple(_on_windows(after, server, say))
    if server.platform is Platform.KSMBD:
        return tuple(_on_ksmbd(server.state, after, say))
    return tuple(_on_samba(server.state, after, made, say))


def on_clients(catalogue: Catalogue, name: str, say: Say) -> tuple[Doing, ...]:
    """What a mitigation does on clients with Windows, build by build; nothing where it acts on none."""
    try:
        change = catalogue.mitigation(name)
    except UsageError:
        return ()
    if Side.CLIENT not in change.sides:
        return ()
    ways = {way: part for part in name.split(SEPARATOR) if part in changes() for way in changes()[part].way}
    return tuple(
        Doing(
            say(
                f"settings.on_clients{_RESTART if way.reboot else ''}",
                builds=_builds(way.first, way.last, say),
            ),
            tuple(map(_command, way.settings)),
            (),
            say("settings.on_windows_back"),
            "powershell",
        )
        for way in ways
        if way.side is Side.CLIENT
    )


def _on_samba(before: ServerState, after: ServerState, change: Mitigation, say: Say) -> Iterable[Doing]:
    if not after.running:
        yield Doing(
            say("settings.stop_samba"),
            ("systemctl stop smbd",),
            ("systemctl start smbd",),
            say("settings.start_again"),
            "sh",
        )
        return
    if after.image != before.image:
        release = "release-upgrade" in change.name.split(SEPARATOR)
        yield Doing(
            say("settings.upgrade" if release else "settings.patch"), undo_where=say("settings.packages_back")
        )
    if after.conf != before.conf:
        kept = f"{_SMB_CONF}.before"
        yield Doing(
            say("settings.keep_copy"),
            (f"cp -p {_SMB_CONF} {kept}",),
            (f"cp -p {kept} {_SMB_CONF}",),
            say("settings.copy_back"),
            "sh",
            copies=True,
        )
        yield from _conf(before.conf, after.conf, "smb.conf", say)
    reload = change.how is How.RELOAD and after.image == before.image
    how = "smbcontrol smbd reload-config" if reload else "systemctl restart smbd"
    key = "settings.reload" if reload else "settings.restart"
    check = ("testparm -s",) if after.conf != before.conf else ()
    yield Doing(say(key), (*check, how), (how,), say(f"{key}_back"), "sh")


def _on_ksmbd(before: ServerState, after: ServerState, say: Say) -> Iterable[Doing]:
    if not after.running:
        yield Doing(
            say("settings.stop_ksmbd"),
            ("systemctl stop ksmbd",),
            ("systemctl start ksmbd",),
            say("settings.start_again"),
            "sh",
        )
        return
    yield from _conf(translated(before.conf), translated(after.conf), "ksmbd.conf", say)
    restart = ("systemctl restart ksmbd",)
    yield Doing(say("settings.restart_ksmbd"), restart, restart, say("settings.restart_ksmbd_back"), "sh")


def _on_windows(after: ServerState, server: Server, say: Say) -> Iterable[Doing]:
    if not after.running:
        yield Doing(
            say("settings.stop_windows"),
            ("Stop-Service LanmanServer",),
            ("Start-Service LanmanServer",),
            say("settings.start_again"),
            "powershell",
        )
    for name in after.changes:
        try:
            way = way_for(name, Side.SERVER, BY_NAME[server.name])
        except NoWayError:
            continue
        key = f"settings.on_windows{_RESTART if way.reboot else ''}"
        yield Doing(
            say(key),
            tuple(map(_command, way.settings)),
            (),
            say(f"{key}_back"),
            "powershell",
        )


_RESTART: Final = "_restart"
"""Behind a key: a restart belongs to it."""


def _conf(before: Conf, after: Conf, file: str, say: Say) -> Iterable[Doing]:
    """The parameters that are set, section by section; and what is undone, parameter by parameter."""
    sections = (
        ("in_global", before.globals, after.globals),
        ("in_shares", before.share, after.share),
    )
    for key, old, new in sections:
        lines = [f"{name} = {value}" for name, value in new.items() if old.get(name) != value]
        if lines:
            undo = say(f"settings.undo_{key}", file=file, undo=_undone(old, new, say))
            yield Doing(say(f"settings.{key}", file=file), tuple(lines), (), undo, "ini")


def _undone(old: Mapping[str, str], new: Mapping[str, str], say: Say) -> str:
    """As the lab had it before: on another server there may be another value."""
    changed = [name for name, value in new.items() if old.get(name) != value]
    gone = [name for name in changed if name not in old]
    told = [say("settings.set_back", name=name, value=old[name]) for name in changed if name in old]
    if gone:
        told.insert(0, say("settings.take_out", names=say("list.items").join(gone)))
    return say("list.clauses").join(told)


def _builds(first: int, last: int, say: Say) -> str:
    if first and last:
        return say("settings.builds_between", first=first, last=last)
    return say("settings.builds_from", first=first) if first else say("settings.builds_any")


def _command(one: Setting) -> str:
    """A setting in PowerShell 3.0 or later. The text of a value stands in single quotes."""
    match one.kind:
        case "smb-server" | "smb-client":
            cmdlet = "Server" if one.kind == "smb-server" else "Client"
            return f"Set-Smb{cmdlet}Configuration -{one.name} {_value(one)} -Force"
        case "registry":
            place = f"-Path '{one.path}' -Name {one.name}"
            if one.value is None:
                return f"Remove-ItemProperty {place}"
            return f"New-ItemProperty {place} -PropertyType {one.type} -Value {_value(one)} -Force"
        case "feature":
            verb = "Disable" if one.value == "Disabled" else "Enable"
            return f"{verb}-WindowsOptionalFeature -Online -FeatureName {one.name} -NoRestart"
        case "service":
            start, _, depends = str(one.value).partition(" ")
            return f"sc.exe config {one.name} start= {start}{f' depend= {depends}' if depends else ''}"
        case "guest-account":
            return f"{'Enable' if one.value else 'Disable'}-LocalUser -Name {one.name}"


def _value(one: Setting) -> str:
    if isinstance(one.value, bool):
        return "$true" if one.value else "$false"
    return str(one.value) if isinstance(one.value, int) else f"'{one.value}'"
