"""What an administrator changes in a domain's directory, on a Samba domain controller: samba-tool(8)."""

from __future__ import annotations

from collections.abc import Iterable

from harness.model.accounts import PROTECTED_USERS, SERVICE, USER
from harness.servers.base import Server
from harness.servers.in_domain import Directory
from harness.servers.platform import Doing, Say

_ENCTYPES = "net ads enctypes set"


def directory_lines(before: Directory, after: Directory, server: Server, say: Say) -> Iterable[Doing]:
    """What is said of the user and of the server's machine, and how that is taken back."""
    if after.protected and not before.protected:
        group = f'samba-tool group {{}} "{PROTECTED_USERS}" {USER}'
        yield Doing(
            say("settings.protected_users"),
            (group.format("addmembers"),),
            (group.format("removemembers"),),
            say("settings.protected_users_back"),
            "sh",
        )
    if after.lockout != before.lockout:
        line = "samba-tool domain passwordsettings set --account-lockout-threshold={}"
        yield Doing(
            say("settings.lockout"),
            ("samba-tool domain passwordsettings show", line.format(after.lockout)),
            (line.format(before.lockout), f"samba-tool user unlock {SERVICE}"),
            say("settings.lockout_back"),
            "sh",
        )
    if after.machine_enctypes and after.machine_enctypes != before.machine_enctypes and server.in_domain:
        account = f"{server.in_domain.netbios}$"
        yield Doing(
            say("settings.machine_enctypes"),
            (f"net ads enctypes list '{account}'", f"{_ENCTYPES} '{account}' {after.machine_enctypes}"),
            (),
            say("settings.machine_enctypes_back"),
            "sh",
        )
