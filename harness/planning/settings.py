"""A change as an administrator makes it: settings and commands for a server or clients, and how to undo them.

The settings are those that a rehearsal makes (``Mitigation.changed``, ``harness.windows.changes``), in the
words of smb.conf(5), ksmbd.conf(5) and PowerShell. Nothing here is run.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
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


_SERVICE: Final = "the service is smbd on Debian and Ubuntu, smb on Red Hat and SUSE"
COPY: Final = "keep a copy of smb.conf"
"""What undoes the rest: the copy is put back."""
_SMB_CONF: Final = "/etc/samba/smb.conf"
"""Where Debian, Ubuntu, Red Hat and SUSE have it."""


def on_server(catalogue: Catalogue, name: str, server_name: str) -> tuple[Doing, ...]:
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
        return tuple(_on_windows(after, server))
    if server.platform is Platform.KSMBD:
        return tuple(_on_ksmbd(server.state, after))
    return tuple(_on_samba(server.state, after, made))


def on_clients(catalogue: Catalogue, name: str) -> tuple[Doing, ...]:
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
            f"in PowerShell on clients with {_builds(way.first, way.last)}, after "
            f"writing down what is set now{', then restart them' if way.reboot else ''}",
            tuple(map(_command, way.settings)),
            (),
            _AS_BEFORE,
            "powershell",
        )
        for way in ways
        if way.side is Side.CLIENT
    )


def _on_samba(before: ServerState, after: ServerState, change: Mitigation) -> Iterable[Doing]:
    if not after.running:
        yield Doing(
            "stop Samba: nobody reaches the server then",
            ("systemctl stop smbd",),
            ("systemctl start smbd",),
            "start it again",
            "sh",
        )
        return
    if after.image != before.image:
        release = "release-upgrade" in change.name.split(SEPARATOR)
        what = (
            "upgrade to the next release of the distribution" if release else "install the vendor's patches"
        )
        yield Doing(
            f"{what}, with its packages of Samba, and leave smb.conf as it is",
            undo_where="install the packages again that were there before (note their version first), "
            "and leave smb.conf as it is",
        )
    if after.conf != before.conf:
        kept = f"{_SMB_CONF}.before"
        yield Doing(
            COPY,
            (f"cp -p {_SMB_CONF} {kept}",),
            (f"cp -p {kept} {_SMB_CONF}",),
            "put the copy of smb.conf back",
            "sh",
        )
        yield from _conf(before.conf, after.conf, "smb.conf")
    reload = change.how is How.RELOAD and after.image == before.image
    how = "smbcontrol smbd reload-config" if reload else "systemctl restart smbd"
    undo = "have Samba read it again" if reload else "restart Samba"
    ends = "open connections stay" if reload else f"connections end; {_SERVICE}"
    check = ("testparm -s",) if after.conf != before.conf else ()
    yield Doing(f"{undo} ({ends})", (*check, how), (how,), undo, "sh")


def _on_ksmbd(before: ServerState, after: ServerState) -> Iterable[Doing]:
    if not after.running:
        yield Doing(
            "stop ksmbd", ("systemctl stop ksmbd",), ("systemctl start ksmbd",), "start it again", "sh"
        )
        return
    yield from _conf(translated(before.conf), translated(after.conf), "ksmbd.conf")
    restart = ("systemctl restart ksmbd",)
    yield Doing("restart ksmbd; connections end", restart, restart, "restart ksmbd", "sh")


def _on_windows(after: ServerState, server: Server) -> Iterable[Doing]:
    if not after.running:
        words = ("stop the service Server", "start it again")
        yield Doing(
            words[0], ("Stop-Service LanmanServer",), ("Start-Service LanmanServer",), words[1], "powershell"
        )
    for name in after.changes:
        try:
            way = way_for(name, Side.SERVER, BY_NAME[server.name])
        except NoWayError:
            continue
        then = ", then restart it" if way.reboot else ""
        yield Doing(
            f"in PowerShell on the server, after writing down what is set now{then}",
            tuple(map(_command, way.settings)),
            (),
            f"{_AS_BEFORE}{then}",
            "powershell",
        )


_AS_BEFORE: Final = "in PowerShell, set each of these settings to what it was before the change"
"""Which is to be written down first."""


def _conf(before: Conf, after: Conf, file: str) -> Iterable[Doing]:
    """The parameters that are set, section by section; and what is undone, parameter by parameter."""
    sections = (
        (f"in [global] of {file}", before.globals, after.globals),
        (f"in the section of each share of {file}", before.share, after.share),
    )
    for where, old, new in sections:
        lines = [f"{name} = {value}" for name, value in new.items() if old.get(name) != value]
        if lines:
            yield Doing(where, tuple(lines), (), f"{where}: {_undone(old, new)}", "ini")


def _undone(old: Mapping[str, str], new: Mapping[str, str]) -> str:
    """As the lab had it before: on another server there may be another value."""
    changed = [name for name, value in new.items() if old.get(name) != value]
    gone = [name for name in changed if name not in old]
    told = [f"set {name} = {old[name]} as it was in the rehearsal" for name in changed if name in old]
    return "; ".join([*([f"take out {', '.join(gone)}"] if gone else []), *told])


def _builds(first: int, last: int) -> str:
    if first and last:
        return f"Windows of the builds {first} to {last}"
    return f"Windows from build {first} on" if first else "any Windows"


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
