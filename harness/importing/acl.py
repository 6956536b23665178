"""Who may do what in a folder of a share, as getfacl(1) prints it on the user's server.

In the lab every account is in the one group that a folder has (``labs.people``): accounts have what the
folder grants its group, guests what it grants others. So of a list with named users and groups those are
taken together, and whom of them a share lets in is left to the share's own lists.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from harness.errors import UsageError
from harness.importing.source import LARGEST, shown
from harness.system import charsets, files

_ENTRY: Final = re.compile(r"(user|group|mask|other):((?:\\.|[^:])*):([r-][w-][xXstST-])")
_FLAGS: Final = re.compile(r"[s-][s-][t-]")
_OCTAL: Final = re.compile(rb"\\([0-7]{3})")
_HINT: Final = "give what this prints on your server: getfacl -p FOLDER..."


ACL: Final = "(ACL)"
"""How reports call what is told of such a list."""
TOGETHER: Final = (
    "is taken together with what the folder grants its group, for all accounts alike: whom of them the share "
    "lets in, its own lists say"
)


@dataclass(frozen=True, slots=True)
class Folder:
    """What getfacl(1) says of one folder."""

    mode: int
    """Permission bits: its owner's, those of its group and of all that are named, and the others'."""
    named: tuple[str, ...] = ()
    """The entries of users and groups that are named."""


def read(file: Path) -> Mapping[str, Folder]:
    """Path -> folder, of a file. Raises UsageError in one line for what getfacl(1) did not print."""
    data = files.read(file, _HINT, LARGEST)
    return folders(charsets.decoded(data, "utf-8"), str(file))


def key(path: str) -> str:
    """A path as it is looked for: without -p getfacl(1) prints it without its first slash."""
    return path.strip().strip('"').strip("/")


def folders(text: str, file: str) -> Mapping[str, Folder]:
    """``read`` of a text; ``file`` is what people call it."""
    found: dict[str, Folder] = {}
    path: str | None = None
    entries: dict[tuple[str, str], int] = {}
    flags = 0
    for number, line in enumerate([*text.splitlines(), "# file: "], 1):
        word, _, value = line.partition(": ")
        if word == "# file":
            if path is not None:
                found[key(path)] = _folder(entries, flags, f"{file}: {shown(path)}")
            path, entries, flags = _plain(value), {}, 0
        elif word == "# flags" and _FLAGS.fullmatch(value.strip()):
            flags = sum(
                bit for bit, sign in zip((0o4000, 0o2000, 0o1000), value.strip(), strict=True) if sign != "-"
            )
        elif line.strip() and not line.startswith(("#", "default:")):
            match = _ENTRY.match(line)
            if match is None or path is None:
                raise UsageError(
                    f"{file}:{number}: {shown(line[:60])!r} is nothing that getfacl prints", _HINT
                )
            kind, name, rights = match.groups()
            entries[kind, _plain(name)] = _bits(rights)
    if not found:
        raise UsageError(f"{file}: getfacl printed no folder there", _HINT)
    return found


def _folder(entries: Mapping[tuple[str, str], int], flags: int, what: str) -> Folder:
    try:
        owner, group, others = (entries[kind, ""] for kind in ("user", "group", "other"))
    except KeyError as missing:
        raise UsageError(f"{what}: there is no line {missing.args[0][0]}::", _HINT) from None
    named = {name: bits for name, bits in entries.items() if name[1]}
    for bits in named.values():
        group |= bits
    group &= entries.get(("mask", ""), 7)
    told = (shown(f"{kind}:{name}:{_rights(bits)}") for (kind, name), bits in named.items())
    return Folder(flags | owner << 6 | group << 3 | others, tuple(told))


def _plain(text: str) -> str:
    """A name without the backslashes and octal numbers by which getfacl(1) writes strange bytes."""
    data = _OCTAL.sub(lambda match: bytes([int(match[1], 8) & 0xFF]), text.encode("utf-8", "surrogateescape"))
    return charsets.decoded(data.replace(b"\\\\", b"\\"), "utf-8")


def _bits(rights: str) -> int:
    return sum(bit for bit, sign in zip((4, 2, 1), rights, strict=True) if sign in "rwxst")


def _rights(bits: int) -> str:
    return "".join(sign if bits & bit else "-" for bit, sign in zip((4, 2, 1), "rwx", strict=True))
