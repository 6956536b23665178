"""Settings of smb.conf(5) that a Samba does not know or does not take, told by the name of the parameter.

Only what a change sets is looked at: the server's own smb.conf may have what this release does not know, and
that is nobody's fault. testparm gets these settings alone, so whatever it says is about them. Measured on
Samba 4.13 to 4.25: it says so of an unknown name, of a wrong word, truth value, size or octal number, and of
a parameter of [global] in a share; its exit status says nothing; a word where a number belongs it reads as
another number, without telling. Words in a list (``server smb3 encryption algorithms``) and modules (``vfs
objects``) only smbd itself looks at, when somebody connects, and says so in its log. What neither looks at
cannot be seen: paths, hosts, users, and parametric options (``name:option``).
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable
from dataclasses import dataclass

from harness.errors import LabFault
from harness.labs import server_internals
from harness.labs.samba_conf import SHARE
from harness.servers.base import Conf, parameter_key

_GLOBAL = "global"
_ALIKE = 0.85
"""How much a known name must be like an unknown one to be meant: a parameter of a newer release is not."""
_READS_OTHERWISE = frozenset({"loglevel", "debuglevel", "kdcsupportedenctypes"})
"""testparm shows its own log level in their place, and a sum for the names of encryption types (24: AES)."""
_TROUBLE = re.compile(
    r"^.*(?:Ignoring unknown parameter|Ignoring invalid|value is not|Invalid octal|found in service section"
    r"|Error loading services).*$",
    re.MULTILINE,
)
_REFUSED_WORD = re.compile(r"Ignoring invalid (?:list )?value '([^'\n]*)' for parameter '([^'\n]*)'")
_NO_MODULE = re.compile(r"Error loading module '[^'\n]*/([^/'\n]+)\.so'")


@dataclass(frozen=True, slots=True)
class Setting:
    """One line of smb.conf(5)."""

    section: str
    name: str
    value: str

    def __str__(self) -> str:
        return f'"{self.name} = {self.value}"'

    @property
    def key(self) -> str:
        """The parameter as ``parameter_key`` has it."""
        return parameter_key(self.name)

    @property
    def words(self) -> frozenset[str]:
        """The value and, where it is a list, what is in it."""
        return frozenset((self.value.strip(), *re.split(r"[\s,]+", self.value.strip())))


@dataclass(frozen=True, slots=True)
class ConfCheck:
    """What ``testparm -sv`` said to a smb.conf(5)."""

    stdout: str
    stderr: str


Ask = Callable[[str], ConfCheck]
"""Has testparm read a text. Raises LabFault when it does not answer."""


def settings(before: Conf, after: Conf) -> tuple[Setting, ...]:
    """What ``after`` sets that ``before`` does not, or otherwise."""
    return tuple(
        Setting(section, name, value)
        for section, was, now in (
            (_GLOBAL, before.globals, after.globals),
            (SHARE, before.share, after.share),
            *((name, before.sections.get(name, {}), now) for name, now in after.sections.items()),
        )
        for name, value in now.items()
        if was.get(name) != value
    )


def unheeded(
    server: str, changed: tuple[Setting, ...], ask: Ask, log: str, share: str = ""
) -> tuple[str, ...]:
    """What a server does not know or take of these settings: a sentence each, with the parameter's name.

    ``log`` is that of its smbd, to which somebody connected with these settings; with ``share`` to that one,
    so that what the log says of a setting of another share is somebody else's. Raises LabFault like ``ask``.
    """
    here = {_GLOBAL, share} if share else {setting.section for setting in changed}
    said = _asked(ask, *changed)
    doubtful = changed if _TROUBLE.search(said.stderr) else ()
    # testparm stops at the first value that it does not take, and often does not say whose it is.
    told = {setting: _told(server, setting, _asked(ask, setting)) for setting in doubtful}
    found = (
        told.get(setting)
        or _misread(server, setting, said)
        or _logged(server, setting, log if setting.section in here else "")
        for setting in changed
    )
    return tuple(filter(None, found))


def _asked(ask: Ask, *changed: Setting) -> ConfCheck:
    lines = [f"[{_GLOBAL}]"]
    for section in dict.fromkeys((_GLOBAL, *(setting.section for setting in changed))):
        own = [f"{setting.name} = {setting.value}" for setting in changed if setting.section == section]
        lines += own if section == _GLOBAL else [f"[{section}]", "path = /", *own]
    said = ask("\n".join(lines) + "\n")
    if "Load smb config files" not in said.stderr:
        last = (said.stderr.strip().splitlines() or ["no word"])[-1]
        raise LabFault(f"testparm does not read a smb.conf: {last}")
    return said


def _told(server: str, setting: Setting, said: ConfCheck) -> str:
    """What testparm says against a setting that it was given alone."""
    found = [line.strip() for line in _TROUBLE.findall(said.stderr)]
    if not found:
        return ""
    first = found[0]
    if "unknown parameter" in first:
        known = server_internals.sections(said.stdout).get(_GLOBAL, {})
        near = difflib.get_close_matches(setting.name.lower(), known, n=1, cutoff=_ALIKE)
        meant = f' (did you mean "{near[0]}"?)' if near else ""
        return f'{server} does not know the parameter "{setting.name}"{meant}; testparm says: {first}'
    if "found in service section" in first:
        ignored = f'"{setting.name}" belongs into [global], and {server} ignores it in a share'
        return f"{ignored}; testparm says: {first}"
    return f"{server} does not take {setting}; testparm says: {first}"


def _misread(server: str, setting: Setting, said: ConfCheck) -> str:
    """A word where a number belongs: Samba takes it for another number, mostly 0, and says nothing."""
    found = server_internals.sections(said.stdout).get(setting.section, {})
    read = next((value for name, value in found.items() if parameter_key(name) == setting.key), "")
    if setting.key in _READS_OTHERWISE:
        return ""
    if re.fullmatch(r"-?\d+", read) and not re.match(r"[-+]?\d", setting.value.strip()):
        return f"{server} reads {setting} as {read}"
    return ""


def _logged(server: str, setting: Setting, log: str) -> str:
    """What smbd's log says against a setting."""
    for match in _REFUSED_WORD.finditer(log):
        if parameter_key(match[2]) == setting.key and match[1].strip() in setting.words:
            return f"{server} does not take {setting}; smbd says: {match[0]}"
    if setting.key in ("vfsobjects", "vfsobject"):
        for match in _NO_MODULE.finditer(log):
            if match[1] in setting.words:
                return f"{server} cannot do {setting}; smbd says: {match[0]}"
    return ""
