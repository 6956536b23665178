"""The sections of a configuration as Samba has them after reading: loadparm.c, measured with testparm.

A section that comes twice is one; of a parameter that comes twice the last counts. A share starts with what
[global] has said for all shares until there, so that what a later [global] says is for the shares behind it
alone. ``copy`` takes what the other share has so far and this one has not said itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from harness.errors import UsageError
from harness.importing.source import Setting
from harness.servers.allowed import OPPOSITES, known, of_shares, spelled
from harness.servers.base import parameter_key

GLOBAL: Final = "global"
_GLOBALS: Final = frozenset({GLOBAL, "globals"})


@dataclass(slots=True)
class Section:
    """A share, or [global]."""

    name: str
    settings: dict[str, Setting] = field(default_factory=dict)
    """By what they are about: a parameter, its other names and its opposite are one."""
    own: set[str] = field(default_factory=set)
    """What it says itself, and neither a later [global] nor a section that it copies."""


@dataclass(slots=True)
class Sections:
    """What was read."""

    common: Section = field(default_factory=lambda: Section(GLOBAL))
    shares: dict[str, Section] = field(default_factory=dict)
    """By their names in small letters, in which alone Samba tells them apart."""
    remarks: list[str] = field(default_factory=list)
    _late: dict[str, Setting] = field(default_factory=dict)
    _section: Section | None = None

    def read(self, settings: Iterable[Setting]) -> Sections:
        """Take lines in their order. Raises UsageError as Samba refuses to load a file."""
        for setting in settings:
            if setting.value is None:
                self._open(setting.name)
            elif setting.key == "copy" and self._section is not None:
                self._copy(self._section, setting)
            else:
                self._set(self._section, setting)
        return self

    def _open(self, name: str) -> None:
        if parameter_key(name) in _GLOBALS:
            self._section = None
            return
        folded = name.lower()
        if folded not in self.shares:
            self.shares[folded] = Section(name, dict(self._late))
        self._section = self.shares[folded]

    def _set(self, section: Section | None, setting: Setting) -> None:
        about = subject(setting.name)
        if section is not None and known(setting.name) and not of_shares(setting.name):
            self.remarks.append(
                f'{setting.place}: "{setting.name}" belongs into [global], and Samba ignores it in '
                f"[{section.name}]"
            )
            return
        into = section or self.common
        if section is None and self.shares and of_shares(setting.name):
            self._late[about] = setting
            self.remarks.append(
                f'{setting.place}: "{setting.name}" stands in [global] behind shares, and counts only for '
                "those that come after it"
            )
            return
        if about in into.own and _says(into.settings[about]) != _says(setting):
            self.remarks.append(
                f'{setting.place}: "{setting.name}" comes again in [{into.name}], and the last one counts'
            )
        into.settings[about] = setting
        into.own.add(about)

    def _copy(self, section: Section, setting: Setting) -> None:
        wanted = (setting.value or "").lower()
        source = self.shares.get(wanted)
        if source is None or source is section:
            why = "no share of that name stands before it" if source is None else "it is that share itself"
            raise UsageError(f"{setting.place}: copy = {setting.value}: {why}, and Samba loads no such file")
        section.settings.update({a: s for a, s in source.settings.items() if a not in section.own})
        self.remarks.append(
            f"{setting.place}: what [{source.name}] has so far was copied into [{section.name}]"
        )


def subject(name: str) -> str:
    """What a parameter is about, by any of its names: ``writeable`` says the contrary of ``read only``."""
    if not name.isascii():
        return name
    main = spelled(name)
    return parameter_key(OPPOSITES.get(main, main))


def _says(setting: Setting) -> str:
    """What a line says, however it is written."""
    value = (setting.value or "").lower()
    truth = {"yes": "1", "true": "1", "on": "1", "no": "0", "false": "0", "off": "0"}.get(value, value)
    contrary = known(setting.name) and spelled(setting.name) in OPPOSITES
    return {"1": "0", "0": "1"}.get(truth, truth) if contrary else truth
