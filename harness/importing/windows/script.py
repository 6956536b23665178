"""A Windows server and its change as PowerShell, for a Windows of one's own. Nothing here was ever run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from harness.importing.windows.export import Told
from harness.importing.windows.properties import GUEST, LEVEL, NULL_SESSIONS, OF_SERVERS, Setting
from harness.servers.windows_words import LANMAN_SERVER, LSA
from harness.windows import NEVER_RUN
from harness.windows.changes import Setting as Change
from harness.windows.commands import command

_FOLDER: Final = "C:\\smb-rehearsal"
_OF_SET_SHARE: Final = (
    "Description",
    "ConcurrentUserLimit",
    "CachingMode",
    "EncryptData",
    "FolderEnumerationMode",
)
"""Parameters of Set-SmbShare that the lab reads too (Microsoft, "Set-SmbShare")."""
_REGISTRY: Final = {LEVEL: (LSA, LEVEL), NULL_SESSIONS: (LANMAN_SERVER, NULL_SESSIONS)}


def script(before: Told, after: Told) -> str:
    """Three parts: a guest is set as the server is told to be, the change is made, and taken back."""
    return "\r\n".join(
        [
            f"# {NEVER_RUN}. For a Windows of your own that serves nobody: read it before you run it,",
            "# as an administrator, part by part.",
            "",
            f"# 1. The server as {before.file} tells it",
            *_settings({}, before.settings),
            *_new_shares(before),
            "",
            "# 2. The change",
            *_between(before, after),
            "",
            "# 3. The change taken back",
            *_between(after, before),
            "",
        ]
    )


def _settings(old: Mapping[str, Setting], new: Mapping[str, Setting]) -> Iterator[str]:
    for name in OF_SERVERS:
        value = new.get(name)
        if value is None or old.get(name) == value:
            continue
        if name == GUEST:
            yield command(Change(kind="guest-account", name="Guest", value=bool(value)))
        elif name in _REGISTRY:
            path, key = _REGISTRY[name]
            what = f"-Path '{path}' -Name {key} -PropertyType DWord -Value {int(value)}"
            yield f"New-ItemProperty {what} -Force"
        else:
            yield f"Set-SmbServerConfiguration -{name} {_value(value)} -Force"
    for name, value in old.items():
        if new.get(name) is None and value is not None:
            yield f"# {name} was not told: set it to what it was before"


def _new_shares(told: Told) -> Iterator[str]:
    for number, share in enumerate(told.shares, 1):
        if share.get("Special") or share.get("ShareType", "FileSystemDirectory") != "FileSystemDirectory":
            continue
        name, path = _value(str(share["Name"])), f"{_FOLDER}\\{number}"
        yield f"New-Item -ItemType Directory -Force -Path '{path}'"
        sddl = share.get("SecurityDescriptor")
        rights = f" -SecurityDescriptor {_value(str(sddl))}" if sddl else " -FullAccess Everyone"
        yield f"New-SmbShare -Name {name} -Path '{path}'{rights}"
        yield from _share(name, {}, share)


def _between(old: Told, new: Told) -> Iterator[str]:
    yield from _settings(old.settings, new.settings)
    for was, now in zip(old.shares, new.shares, strict=True):
        yield from _share(_value(str(now["Name"])), was, now)


def _share(name: str, old: Mapping[str, Setting], new: Mapping[str, Setting]) -> Iterator[str]:
    for parameter in _OF_SET_SHARE:
        value = new.get(parameter)
        if value is not None and old.get(parameter) != value:
            yield f"Set-SmbShare -Name {name} -{parameter} {_value(value)} -Force"


def _value(value: Setting) -> str:
    if isinstance(value, bool):
        return "$true" if value else "$false"
    return (
        str(value)
        if isinstance(value, int)
        else "'{}'".format(" ".join(str(value).split()).replace("'", "''"))
    )
