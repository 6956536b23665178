"""A change as an administrator makes it: settings and commands for a server or clients, and how to undo them.

The settings are those that a rehearsal makes (``Mitigation.changed``, ``harness.windows.changes``), in the
words of smb.conf(5), ksmbd.conf(5) and PowerShell. Nothing here is run. What is said around them comes from
who asks, in the reader's language (``Say``).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from harness.catalogue import Catalogue
from harness.errors import UsageError
from harness.mitigations.base import NotApplicableError
from harness.mitigations.inline import parts
from harness.model import Side
from harness.servers.platform import Doing as Doing
from harness.servers.platform import Say as Say
from harness.servers.platforms.samba import COPY
from harness.windows.changes import Change, changes
from harness.windows.commands import RESTART, command


def on_server(
    catalogue: Catalogue, name: str, server_name: str, say: Say, since: str = ""
) -> tuple[Doing, ...]:
    """What a mitigation does on a server; nothing where this version knows one of both no more, or not so.

    A combination is given as what its parts come to together. ``since``: a mitigation that is in force there
    already; what is done and undone is the difference.
    """
    try:
        change, server = catalogue.mitigation(name), catalogue.servers[server_name]
        made = change.within(server)
        after = made.changed(server.state, server)
        before = catalogue.mitigation(since).changed(server.state, server) if since else server.state
    except (UsageError, KeyError, NotApplicableError, ValueError):
        return ()
    if Side.SERVER not in change.sides or (since and before == after):
        return ()
    return tuple(server.doings(made, before, after, say))


def kept_as(doings: Iterable[Doing], word: str) -> tuple[Doing, ...]:
    """With a copy of smb.conf of its own, so that several changes in turn can each be taken back."""
    return tuple(
        replace(
            one,
            do=tuple(line.replace(COPY, f"{COPY}-{word}") for line in one.do),
            undo=tuple(line.replace(COPY, f"{COPY}-{word}") for line in one.undo),
        )
        if one.copies
        else one
        for one in doings
    )


def on_clients(catalogue: Catalogue, name: str, say: Say) -> tuple[Doing, ...]:
    """What a mitigation does on clients with Windows, build by build; nothing where it acts on none."""
    try:
        change = catalogue.mitigation(name)
    except UsageError:
        return ()
    if Side.CLIENT not in change.sides:
        return ()
    # Of a combination, what acts on servers alone has settings of clients too, and is not made there.
    made = [one for one in map(catalogue.mitigation, parts(name)) if Side.CLIENT in one.sides]
    files = [changes().get(one.client_side_of or one.name, Change()) for one in made]
    ways = dict.fromkeys(way for file in files for way in file.way if way.side is Side.CLIENT)
    return tuple(
        Doing(
            say(
                f"settings.on_clients{RESTART if way.reboot else ''}",
                builds=_builds(way.first, way.last, say),
            ),
            tuple(map(command, way.settings)),
            (),
            say("settings.on_windows_back"),
            "powershell",
        )
        for way in ways
    )


def _builds(first: int, last: int, say: Say) -> str:
    if first and last:
        return say("settings.builds_between", first=first, last=last)
    return say("settings.builds_from", first=first) if first else say("settings.builds_any")
