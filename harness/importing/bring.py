"""A user's smb.conf(5) as a configuration for the lab: the one thing that others ask of this room."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from harness.errors import UsageError
from harness.importing import acl, people
from harness.importing.judge import Judge, heard
from harness.importing.neutral import Neutral
from harness.importing.sections import Sections
from harness.importing.source import Source, shown
from harness.servers import left_out, lists
from harness.servers.allowed import known
from harness.servers.base import Conf, parameter_key
from harness.servers.brought import Brought, Instead

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]{0,39}")
_NO_MODES: Mapping[str, int] = MappingProxyType({})
_NO_FOLDERS: Mapping[str, acl.Folder] = MappingProxyType({})


def bring(
    first: Path,
    others: Sequence[Path] = (),
    *,
    name: str,
    by: Judge,
    modes: Mapping[str, int] = _NO_MODES,
    folders: Mapping[str, acl.Folder] = _NO_FOLDERS,
    remarks: Sequence[str] = (),
) -> Brought:
    """Bring a configuration along. The same files and release give the same, on any machine.

    ``others``: files that the user names for what the first one includes. ``name``: what the server is
    called. ``modes``: share -> permission bits of its folder, where somebody told them: nobody looks.
    ``folders``: what getfacl(1) printed of folders on the user's server, by their paths (``acl.read``).
    ``remarks``: what is to be said first, e.g. by ``release.nearest``. Nothing of this machine is read but
    these files and what lies beside the first one, and nothing of them is executed.

    Raises UsageError, in one line, for what is no smb.conf(5), is one that Samba does not load, or cannot be
    rehearsed; LabFault when testparm of the release cannot be asked.
    """
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"{name!r} cannot be the name of a server: at most 40 letters, digits, dots and hyphens"
        )
    source = Source(first, others)
    found = Sections().read(source.settings())
    _check_that_it_is_samba(found, str(first))
    neutral = Neutral(found, by.modules, by.operations)
    conf = neutral.conf()
    if neutral.doubtful:
        heard(_with(conf, neutral.doubtful), by, str(first))
    said = heard(conf, by, str(first))
    on_disk = (name for name in conf.sections if lists.on_disk(conf, name))
    told = _of_folders(folders, {name: neutral.paths.get(name, "") for name in on_disk})
    modes = {**modes, **told[0]}
    return Brought(
        name,
        tuple(source.opened),
        by.image,
        conf,
        people.accounts(conf.globals, conf.sections),
        MappingProxyType({share: modes[share] for share in conf.sections if share in modes}),
        (*source.instead, *neutral.instead, *told[1]),
        tuple(map(shown, (*remarks, *source.remarks, *found.remarks, *said))),
    )


def _of_folders(
    folders: Mapping[str, acl.Folder], paths: Mapping[str, str]
) -> tuple[dict[str, int], list[Instead]]:
    """The permission bits of shares, share -> its path, and what of their lists cannot be had."""
    modes: dict[str, int] = {}
    instead: list[Instead] = []
    for share, path in paths.items() if folders else ():
        if not path or "%" in path:
            continue
        found = folders.get(acl.key(path))
        if found is None:
            why = "is not in what getfacl printed: everybody may read and write its folder"
            instead.append(Instead(shown(share), acl.ACL, shown(path), why))
            continue
        modes[share] = found.mode
        if found.named:
            instead.append(Instead(shown(share), acl.ACL, shown(", ".join(found.named)), acl.TOGETHER))
    return modes, instead


def _with(conf: Conf, more: Mapping[str, Mapping[str, str]]) -> Conf:
    """A configuration with what may keep Samba from loading it, for testparm alone."""
    return Conf(
        {**conf.globals, **more.get("global", {})},
        sections={name: {**said, **more.get(name, {})} for name, said in conf.sections.items()},
    )


def _check_that_it_is_samba(found: Sections, file: str) -> None:
    names = [
        one.name for section in (found.common, *found.shares.values()) for one in section.settings.values()
    ]
    if names and not any(known(name) or parameter_key(name) in left_out.judged() for name in names):
        raise UsageError(
            f"{file}: is no smb.conf: no release in the lab knows one of its {len(names)} parameters "
            f"({', '.join(map(shown, names[:3]))})"
        )
