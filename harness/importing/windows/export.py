"""A Windows server as PowerShell tells it, brought along: the one thing that others ask of this package."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

from harness.errors import UsageError
from harness.importing import people
from harness.importing.source import shown
from harness.importing.windows import properties, server, shares, texts
from harness.importing.windows.properties import BESIDE, OF_SERVERS, OF_SHARES, Setting
from harness.importing.windows.server import DEFAULTS, Settings
from harness.importing.windows.texts import Record
from harness.model import Dialect
from harness.servers.base import Conf
from harness.servers.brought import Brought, Emulated
from harness.system import files
from harness.system.files import brief
from harness.windows.releases import BY_NAME, RELEASES, Release

SERVER_HINT = "give what this writes: Get-SmbServerConfiguration | ConvertTo-Json > server.json"
SHARES_HINT = "give what this writes: Get-SmbShare | ConvertTo-Json > shares.json"
NEVER_COMPARED = (
    "the server is emulated: a Samba that is configured to answer as that Windows is set; nothing of it was "
    "compared with a Windows, and what Windows' own code decides beyond its settings is not seen"
)
_CHANGE = re.compile(
    r"(?:\[(?P<share>[^\]]*)\]\s*)?-?(?P<name>[A-Za-z]\w*)\s*(?:[=:]|\s)\s*(?P<value>.+)", re.DOTALL
)
EXAMPLE = "as in --set 'RequireSecuritySignature=$true', or --set '[Data] EncryptData=$true'"
_MANY = 5


@dataclass(frozen=True, slots=True)
class Told:
    """What the cmdlets said of one server."""

    file: str
    """That of Get-SmbServerConfiguration, for people."""
    settings: Settings
    shares: tuple[Mapping[str, Setting], ...]
    files: tuple[str, ...]
    remarks: tuple[str, ...] = ()
    release: Release | None = None

    def changed(self, words: Iterable[str]) -> Told:
        """The same after ``NAME=VALUE`` and ``[SHARE] NAME=VALUE``. Raises UsageError for what is neither."""
        settings, found = dict(self.settings), [dict(one) for one in self.shares]
        for word in words:
            match = _CHANGE.fullmatch(word.strip())
            if match is None:
                raise UsageError(f"{brief(word)} is no setting of a Windows server", EXAMPLE)
            value = match["value"].strip().strip("'\"").strip()
            if match["share"] is None:
                name = properties.named(match["name"], OF_SERVERS)
                settings[name] = properties.one(name, value, OF_SERVERS, f"{name} of --set")
                continue
            wanted = match["share"].strip().casefold()
            those = [one for one in found if str(one["Name"]).casefold() == wanted]
            if not those:
                there = ", ".join(str(one["Name"]) for one in found) or "none was told (--windows-shares)"
                raise UsageError(f"{brief(word)}: there is no share of that name; there are: {there}")
            name = properties.named(match["name"], OF_SHARES, shares=True)
            for one in those:
                one[name] = properties.one(name, value, OF_SHARES, f"{name} of --set")
        return replace(self, settings=settings, shares=tuple(found))

    def brought(self, name: str, image: str) -> Brought:
        """The server for the lab. Raises UsageError for one that nobody could connect to."""
        settings = server.of_release(self.settings, self.release)
        common = server.common(settings, self.file)
        made = shares.sections(self.shares, settings)
        windows = self.release.title if self.release else "a Windows server"
        return Brought(
            name,
            self.files,
            image,
            Conf(
                MappingProxyType(common),
                sections=MappingProxyType(
                    {share: MappingProxyType(own) for share, own in made.sections.items()}
                ),
            ),
            people.accounts(common, made.sections),
            instead=(*server.instead(settings), *made.instead),
            remarks=(NEVER_COMPARED, *self.remarks, *self._by_default()),
            emulates=Emulated(
                f"{windows} that is set as {shown(self.file)[-100:]} says",
                "windows",
                self.release.highest if self.release else Dialect.SMB3_11,
            ),
        )

    def _by_default(self) -> Iterable[str]:
        left = [name for name in DEFAULTS if name not in self.settings and name not in BESIDE]
        if left:
            told = ", ".join(f"{name} = {DEFAULTS[name]}" for name in left)
            yield f"{self.file} does not tell all: taken as Windows has it by default are {told}"


def read(first: Path, second: Path | None = None, *, release: Release | None = None) -> Told:
    """What Get-SmbServerConfiguration (``first``) and Get-SmbShare (``second``) said.

    Raises UsageError, in one line, for a file that holds something else.
    """
    found = _records(first, SERVER_HINT)
    configured = [one for one in found if properties.is_server(one)]
    listed = [one for one in found if properties.is_share(one)]
    if not configured:
        if listed:
            raise UsageError(
                f"{first}: holds shares, not the server's configuration", "name it with --windows-shares"
            )
        raise _strange(first, found, "Get-SmbServerConfiguration", SERVER_HINT)
    if len(configured) > 1:
        raise UsageError(
            f"{first}: holds the configurations of {len(configured)} servers", "give one server's alone"
        )
    remarks = [*_ignored(first, configured, of_shares=False)]
    if second is not None:
        more = _records(second, SHARES_HINT)
        listed = [one for one in more if properties.is_share(one)]
        if not listed:
            if any(map(properties.is_server, more)):
                raise UsageError(
                    f"{second}: holds a server's configuration, not its shares",
                    "name it with --windows-server",
                )
            raise _strange(second, more, "Get-SmbShare", SHARES_HINT)
    where = str(second or first)
    remarks += _ignored(where, listed, of_shares=True)
    told = properties.read(configured[0], OF_SERVERS, f"{first}: ")
    those = [properties.read(one, OF_SHARES, f"{where}: {one.get('Name') or ''}: ") for one in listed]
    return Told(
        str(first),
        MappingProxyType(told),
        tuple(one for one in those if one.get("Name")),
        (str(first), *([str(second)] if second else [])),
        tuple(map(shown, remarks)),
        release,
    )


def release_of(said: str) -> Release | None:
    """Which Windows somebody says it is: "Windows Server 2019 Standard", 10.0.17763; None for "".

    Raises UsageError for a Windows that is not known here.
    """
    text = " ".join(said.split()).casefold()
    if not text:
        return None
    if text in BY_NAME:
        return BY_NAME[text]
    if build := re.search(r"(?<![\d.])(?:\d+\.\d+\.)?(\d{4,5})(?![\d])", text):
        number = int(build[1])
        fitting = [one for one in RELEASES if one.has(number) and number >= 2600]
        if fitting:
            return fitting[0]
    titles = sorted(RELEASES, key=lambda one: len(one.title), reverse=True)
    found = next((one for one in titles if one.title.casefold() in text or one.family in text), None)
    if found is None:
        raise UsageError(
            f"{brief(said)} is no Windows that is known here", f"one of {', '.join(BY_NAME)}, or its build"
        )
    return found


def _records(path: Path, hint: str) -> list[Record]:
    return texts.records(files.read(path, hint, texts.LARGEST), str(path), hint)


def _strange(path: Path, found: Sequence[Record], cmdlet: str, hint: str) -> UsageError:
    there = list(dict.fromkeys(name for one in found for name in one))
    told = ", ".join(map(brief, there[:_MANY])) + ("…" if len(there) > _MANY else "")
    return UsageError(f"{path}: is not what {cmdlet} tells; it has {told}", hint)


def _ignored(path: Path | str, found: Sequence[Record], *, of_shares: bool) -> Iterable[str]:
    names = dict.fromkeys(name for one in found for name in properties.unknown(one, shares=of_shares))
    if names:
        told = ", ".join(list(names)[:_MANY]) + (
            f" and {len(names) - _MANY} more" if len(names) > _MANY else ""
        )
        yield f"{path}: not known here, and ignored: {told}"
