"""Whether somebody else could have written a file that decides what is run or what is said.

Scenarios and mitigations are Python that runs as whoever rehearses; personas and known holes decide results.
So they are refused where others can change them: the file, or a folder on the way to it. Trusted are the
user, root, who called sudo(8), and the owner of smb-rehearsal itself, who could change that as well.
"""

from __future__ import annotations

import grp
import os
import pwd
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from harness.errors import UsageError

_OWN = Path(__file__).parent.parent


def check(path: Path, sound: set[Path] | None = None) -> None:
    """Raises UsageError, with what mends it, where others can write a file or folder, or replace it.

    ``sound`` gets what was found right, which is not looked at again.
    """
    sound = set() if sound is None else sound
    with suppress(FileNotFoundError):
        for part in _way(path):
            if part in sound:
                continue
            if wrong := _wrong(part):
                why, mend = wrong
                raise UsageError(f"{path}: {why}, so that it is not used", mend)
            sound.add(part)


def check_all(folder: Path, kind: str) -> None:
    """``check`` for a folder and the files of a kind in it and below, e.g. ``*.toml``."""
    sound: set[Path] = set()
    for path in (folder, *sorted(folder.rglob(kind))):
        check(path, sound)


def _way(path: Path) -> Iterator[Path]:
    """A file and the folders above it, as it is named and as it is once links are followed."""
    named, real = path.absolute(), path.resolve()
    yield from dict.fromkeys((named, real, *named.parents, *real.parents))


def _wrong(part: Path) -> tuple[str, str] | None:
    """What is wrong with one file or folder, and how it is mended; None for nothing."""
    seen = part.lstat()
    if not (seen.st_uid in _trusted() or _unmapped(seen.st_uid, "uid")):
        return f"{part} belongs to {_name(seen.st_uid)}", "copy it to a folder of your own"
    # The mode of a link says nothing; in a sticky folder nobody replaces the files of others.
    if stat.S_ISLNK(seen.st_mode) or (stat.S_ISDIR(seen.st_mode) and seen.st_mode & stat.S_ISVTX):
        return None
    if seen.st_mode & stat.S_IWOTH:
        return f"everybody can write {part}", f"chmod o-w {part}"
    if seen.st_mode & stat.S_IWGRP and not _private(part, seen):
        return f"a whole group can write {part}", f"chmod g-w {part}"
    return None


def _trusted() -> set[int]:
    known = {0, os.geteuid(), _OWN.stat().st_uid}
    caller = os.environ.get("SUDO_UID", "")
    return known | ({int(caller)} if os.geteuid() == 0 and caller.isdecimal() else set())


def _private(part: Path, seen: os.stat_result) -> bool:
    """Whether a file's group is its owner's alone, as Debian gives everybody one (umask 002 is usual then).

    It is the owner's first group, has the owner's name, and nobody else is in it; as pam_umask(8) tells one.
    """
    if _unmapped(seen.st_gid, "gid"):
        return True
    with suppress(OSError):
        # With an access control list the group's bits are those of all who are named in it: acl(5).
        if "system.posix_acl_access" in os.listxattr(part):
            return False
    try:
        owner, group = pwd.getpwuid(seen.st_uid), grp.getgrgid(seen.st_gid)
    except KeyError:
        # A user without a name (in a container): no group has such a user as a member by name either.
        return seen.st_uid == seen.st_gid
    alone = set(group.gr_mem) <= {owner.pw_name}
    return alone and owner.pw_gid == seen.st_gid and owner.pw_name == group.gr_name


def _unmapped(number: int, kind: str) -> bool:
    """Whether an owner or group has no number in this user namespace: then it cannot be told who it is.

    So it is in the lab of an ordinary user, who was asked outside of it.
    """
    if number != int(Path(f"/proc/sys/kernel/overflow{kind}").read_text()):
        return False
    spans = (line.split() for line in Path(f"/proc/self/{kind}_map").read_text().splitlines())
    return not any(int(first) <= number < int(first) + int(count) for first, _, count in spans)


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"
