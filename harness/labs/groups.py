"""The groups that a server's account is in: those that its configuration lets in.

A share with ``valid users = @family`` is used by people of that group. So the lab's account is one of them: a
member of every group that the base configuration gives access to. A group that is only kept out exists, and
the account is not in it. What a change names later is not looked at: nobody is in such a group.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from harness.labs.roots.rootfs import FILES
from harness.servers.base import Conf, parameter_key
from harness.servers.lists import listed, one_group

FILE = "etc/group"
LETS_IN = ("valid users", "write list", "admin users", "force group", "group")
"""Parameters of smb.conf(5) whose groups the account is in; "group" is another name of "force group"."""
KEEPS_OUT = ("invalid users", "read list")
FIRST_GID = 64500
"""Above the lab's own user; not taken on any Debian system (Debian Policy 9.2.2)."""
_MEMBER = "rehearse"


def groups(conf: Conf) -> Mapping[str, bool]:
    """The groups that a configuration names, and whether the account is in each."""
    found: dict[str, bool] = {}
    for settings in (conf.globals, conf.share, *conf.sections.values()):
        for parameter, value in settings.items():
            name = parameter_key(parameter)
            if name in map(parameter_key, (*LETS_IN, *KEEPS_OUT)):
                lets_in = name in map(parameter_key, LETS_IN)
                for group in _named(value, every="group" in name):
                    found[group] = found.get(group, False) or lets_in
    return found


def group_file(conf: Conf, members: Mapping[str, Sequence[str]] | None = None) -> str:
    """group(5) of a server with this configuration; the lab's own where it names no group.

    ``members``: who is in which group, of a configuration that was brought along; else the lab's account is
    in those that let in.
    """
    named = groups(conf)
    inside = {name: [_MEMBER] if lets_in else [] for name, lets_in in named.items()}
    if members is not None:
        inside = {name: [*members.get(name, ())] for name in (*named, *members)}
    own = FILES[FILE].splitlines()
    there = {line.partition(":")[0] for line in own}
    new = sorted(name for name in inside if name not in there)
    lines = [*own, *(f"{name}:x:{gid}:" for gid, name in enumerate(new, FIRST_GID))]
    return "".join(line + ",".join(inside.get(line.partition(":")[0], ())) + "\n" for line in lines)


def _named(value: str, *, every: bool) -> list[str]:
    """The groups of a list of names: the marked ones, or ``every`` one. %S and the like are no names."""
    names = [one_group(value)] if every else [one.name for one in listed(value) if one.group]
    # A colon or a line's end would be another field, or another line, of group(5).
    return [name for name in names if name and not re.search(r"[%:\n]", name)]
