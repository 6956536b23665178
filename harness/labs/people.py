"""Who uses a server: the accounts, groups and passwords that its image and its smbd know.

Of a configuration that was brought along each account has a name and a number of its own in passwd(5), so
that smbd tells it from all others wherever it decides itself: at the lists of a share, and by the permission
bits of a folder. To the kernel all are the one user that smbd runs as, who owns every file: an account is in
that user's group, so that it has what a folder grants its group, and a guest what it grants others. Measured
with Samba 4.13, 4.17 and 4.25, as root and in a user namespace with one user: valid users, %S, write list,
admin users and guests are told apart the same way in both.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from harness.labs import groups
from harness.labs.roots.rootfs import FILES, LAB_UID
from harness.labs.samba_conf import Account, passdb_line
from harness.servers import lists
from harness.servers.base import Conf, Server
from harness.servers.roles import BroughtServer, guest_account

_PASSWD = "etc/passwd"
_FIRST_UID = 64500
"""Above the lab's own user; not taken on any Debian system (Debian Policy 9.2.2)."""
_NOGROUP = 65534


def files(server: Server) -> Mapping[str, str]:
    """passwd(5) and group(5) as a server needs them in its image: path -> text."""
    if not isinstance(server, BroughtServer):
        return {groups.FILE: groups.group_file(server.conf)}
    members: dict[str, list[str]] = {}
    for one in server.brought.accounts:
        for group in one.groups:
            members.setdefault(group, []).append(one.name)
    return {_PASSWD: _passwd(server), groups.FILE: groups.group_file(server.conf, members)}


def passdb(server: Server, account: Account) -> str:
    """smbpasswd(5): the lab's account, or those that were brought along, with the lab's password."""
    if not isinstance(server, BroughtServer):
        return passdb_line(account)
    return "".join(passdb_line(Account(one.name, account.password)) for one in server.brought.accounts)


def users(server: Server, account: Account) -> tuple[str, str]:
    """Who shows that a server serves its share, and as whom clients come: the same but for an outsider."""
    if isinstance(server, BroughtServer):
        return server.insider, server.user
    user = "somebody" if server.unknown_user else account.user
    return user, user


def _passwd(server: BroughtServer) -> str:
    # smbd gives nobody a share by [homes] whose home is the root directory (measured with 4.22).
    own = [line.replace(":/:", ":/tmp:") for line in FILES[_PASSWD].splitlines()]
    there = {line.partition(":")[0] for line in own}
    people = dict.fromkeys((*(one.name for one in server.brought.accounts), *_others(server.conf)))
    known = {one.name for one in server.brought.accounts}
    guest = guest_account(server.conf).name
    lines = [
        f"{name}:x:{uid}:{_NOGROUP if name == guest and name not in known else LAB_UID}::/tmp:/bin/false"
        for uid, name in enumerate((name for name in people if name not in there), _FIRST_UID)
    ]
    return "".join(f"{line}\n" for line in (*own, *lines))


def _others(conf: Conf) -> Iterator[str]:
    """Whom smbd must know as users of the system although nobody logs on as them."""
    named = [guest_account(conf).name]
    named += [lists.said(conf, section, "force user")[1] for section in conf.sections]
    # A colon would be another field of passwd(5); a macro is somebody else's name.
    return (name for name in named if name and not set(name) & set("%:/\\"))
