"""The files of a configuration: the first one, and those that it includes.

An included file is read where the user named it too, or where it lies in the folder of the first one or
below: nothing else of the machine is opened, whatever the configuration says.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Final

from harness.errors import UsageError
from harness.importing import charset, no_samba
from harness.importing.lines import lines
from harness.servers.base import parameter_key
from harness.servers.brought import Instead
from harness.system import charsets, files

LARGEST: Final = 1024 * 1024
"""Bytes of a file; the largest smb.conf from the field has 10 KB."""
MOST_LINES: Final = 20_000
"""Of all files together, each as often as it is included."""
_NEVER_SHOWN = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_MOST_TOLD: Final = 5
_TRAILING: Final = frozenset({"cp932", "cp950", "gbk", "gb18030"})
"""Codecs of which a letter may end in the byte of a backslash."""
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Setting:
    """A line of a configuration that counts."""

    place: str
    """FILE:LINE."""
    name: str
    """Of a parameter, or of a section."""
    value: str | None = None
    """None: it is the head of a section."""

    @property
    def key(self) -> str:
        """The parameter as Samba knows it; a name that is not ASCII is nobody's other spelling."""
        return parameter_key(self.name) if self.name.isascii() else self.name


@dataclass(slots=True)
class Source:
    """Reads a configuration, and says what there was to say."""

    first: Path
    others: Sequence[Path] = ()
    """Files that the user named for what the first one includes."""
    opened: list[str] = field(default_factory=list)
    instead: list[Instead] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    _left: int = MOST_LINES
    _section: str = "global"
    _known: dict[Path, list[Setting]] = field(default_factory=dict)
    _found: dict[str, tuple[Path | None, str]] = field(default_factory=dict)

    def settings(self) -> Iterator[Setting]:
        """All that counts, in its order, with what is included in its place.

        Raises UsageError for what cannot be read, is no smb.conf(5), or is one that Samba does not load.
        """
        yield from self._read(self.first, ())

    def _read(self, path: Path, within: tuple[Path, ...]) -> Iterator[Setting]:
        if path not in self._known:
            self._known[path] = self._lines(path, first=not within)
        for setting in self._known[path]:
            self._left -= 1
            if self._left < 0:
                raise UsageError(f"{path}: has more than {MOST_LINES} lines with what it includes")
            if setting.value is None:
                self._section = setting.name
            if setting.key == "include" and setting.value is not None:
                yield from self._included(setting.value, setting.place, (*within, path))
            else:
                yield setting

    def _lines(self, path: Path, *, first: bool) -> list[Setting]:
        name = str(path)
        data = files.read(path, "give the smb.conf of a Samba server", LARGEST)
        no_samba.check_bytes(data, name)
        idle: list[int] = []
        found = list(lines(data, name, idle))
        no_samba.check_kind(found, name, first=first)
        codec, why = charset.charset(data)
        self._note(name, data, codec, why)
        self._note_lines(name, data, codec, idle)
        return [
            Setting(
                f"{name}:{line.number}",
                charsets.decoded(line.name, codec),
                None if line.value is None else charsets.decoded(line.value, codec),
            )
            for line in found
        ]

    def _note(self, name: str, data: bytes, codec: str, why: str) -> None:
        self.opened.append(name)
        if why:
            self.remarks.append(f"{name} is no UTF-8, and was read as {codec}: {why}")
        if data.startswith(_BOM):
            self.remarks.append(
                f"{name} begins with a byte order mark, which Samba takes for a part of the first line: it "
                "does not know that line, and neither does the lab"
            )

    def _note_lines(self, name: str, data: bytes, codec: str, idle: Sequence[int]) -> None:
        """Lines that are not what they look like."""
        if idle:
            where = ", ".join(map(str, idle[:_MOST_TOLD])) + ", …" * (len(idle) > _MOST_TOLD)
            which = f"lines {where} have" if len(idle) > 1 else f"line {where} has"
            self.remarks.append(f'{name}: {which} no "=", and Samba ignores what is there')
        if codec not in _TRAILING:
            return
        for number, line in enumerate(data.split(b"\n"), 1):
            text = charsets.decoded(line.strip(), codec)
            if line.rstrip().endswith(b"\\") and not text.endswith("\\") and text[:1] not in ("#", ";"):
                self.remarks.append(
                    f"{name}:{number} ends in {text[-1]!r}, whose last byte is a backslash: Samba takes the "
                    "next line for a part of it"
                )

    def _included(self, value: str, place: str, within: tuple[Path, ...]) -> Iterator[Setting]:
        target = value.strip('"')
        if not target:
            return
        if target not in self._found:
            self._found[target] = self._find(target)
            if (path := self._found[target][0]) is not None and str(path) != target:
                self.remarks.append(f"{place}: include = {value}: read from {path}")
        found, why = self._found[target]
        if found is None:
            self.instead.append(Instead(shown(self._section), "include", shown(value), why))
        elif found in within:
            raise UsageError(
                f"{place}: include = {value} leads back to a file that includes it: Samba gives up after 100 "
                "of them, and loads nothing"
            )
        else:
            yield from self._read(found, within)

    def _find(self, target: str) -> tuple[Path | None, str]:
        """Where an included file is, or None and what was done instead."""
        if "%" in target:
            return None, "is not followed: which file it is depends on who connects"
        if target.lower() == "registry":
            return None, (
                "is left out: what is in the registry is not in this file; net conf list prints it, to be "
                "given as a file of its own"
            )
        wanted = PurePosixPath(target)
        for other in self.others:
            if str(other) == target or other.name == wanted.name:
                return other, ""
        folder = self.first.parent
        try:
            for one in _beside(folder, wanted):
                # A link out of the folder is a file that nobody named.
                if one.resolve().is_relative_to(folder.resolve()) and one.is_file():
                    return one, ""
        except (OSError, ValueError, RuntimeError):
            return None, "is not read: there can be no file of such a name"
        return None, (
            "is left out: it was not named, and does not lie beside the first file; a Samba that does not "
            "find it loads the rest without a word"
        )


def _beside(folder: Path, wanted: PurePosixPath) -> Iterator[Path]:
    """Where a file could lie in a folder or below: nowhere else is looked, not even whether it is there."""
    if ".." not in wanted.parts:
        if not wanted.is_absolute():
            yield folder / wanted
        elif wanted.is_relative_to(folder.absolute()):
            yield folder / wanted.relative_to(folder.absolute())
    if wanted.name:
        yield folder / wanted.name


def shown(text: str) -> str:
    """A text of a file as it can be shown and kept: no control characters, and not without end."""
    line = _NEVER_SHOWN.sub(lambda match: f"\\x{ord(match[0]):02x}", text)
    return line if len(line) <= 500 else f"{line[:499]}…"
