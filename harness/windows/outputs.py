"""Parsers of what Windows prints: lists of cmdlets, sc.exe, reg.exe, versions. No I/O, no Windows needed.

Each takes what the named document shows, and leaves out what it cannot read instead of guessing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from harness.model import Dialect

_PAIR = re.compile(r"^(?P<name>[A-Za-z][\w ()-]*?) *: ?(?P<value>.*)$")


def format_list(text: str) -> list[dict[str, str]]:
    """The objects of PowerShell's list format (``Name : value``), e.g. of Get-SmbServerConfiguration.

    An empty line ends an object; a line that begins with blanks goes on with the value above.
    """
    found: list[dict[str, str]] = []
    current: dict[str, str] = {}
    last = ""
    for line in text.splitlines():
        pair = _PAIR.match(line)
        if not line.strip():
            if current:
                found.append(current)
            current, last = {}, ""
        elif pair and not line[0].isspace():
            last = pair["name"]
            current[last] = pair["value"].strip()
        elif last:
            current[last] = f"{current[last]} {line.strip()}".strip()
    return [*found, current] if current else found


def features(text: str) -> dict[str, str]:
    """The optional features that Get-WindowsOptionalFeature lists, with their state."""
    found = format_list(text)
    return {one["FeatureName"]: one["State"] for one in found if "FeatureName" in one and "State" in one}


def event_fields(message: str) -> dict[str, str]:
    """The ``Name: value`` lines of an event's text, e.g. SMBClient 30803's Error and Server name.

    The names are in the language of that Windows.
    """
    pairs = (re.fullmatch(r"\s*([^:]{1,40}):[ \t]+(\S.*?)\s*", line) for line in message.splitlines())
    return {pair[1].strip(): pair[2] for pair in pairs if pair}


@dataclass(frozen=True, slots=True)
class ServiceState:
    """What ``sc.exe query`` and ``sc.exe qc`` tell of a service or driver."""

    exists: bool
    running: bool | None = None
    start: str = ""
    """boot, system, auto, demand or disabled; "" when not told."""
    depends: tuple[str, ...] = ()


_STARTS = ("boot", "system", "auto", "demand", "disabled")
_ABSENT = re.compile(r"\b1060\b")
"""ERROR_SERVICE_DOES_NOT_EXIST: the words around it are that Windows' own, the number is not."""


def service(query: str | None, config: str | None) -> ServiceState | None:
    """The state of a service; None when sc.exe told nothing. The numbers are read, not the words beside them.

    Microsoft, "sc.exe query": ``STATE : 4  RUNNING``; "sc.exe qc": ``START_TYPE : 2   AUTO_START`` and
    ``DEPENDENCIES``, whose further lines begin with a colon.
    """
    told = (query or "") + "\n" + (config or "")
    state = re.search(r"^\s*STATE\s*:\s*(\d+)", told, re.MULTILINE)
    start = re.search(r"^\s*START_TYPE\s*:\s*([0-4])\b", told, re.MULTILINE)
    if state is None and start is None:
        return ServiceState(False) if _ABSENT.search(told) else None
    depends = re.search(r"^\s*DEPENDENCIES[ \t]*((?::.*(?:\n|$)[ \t]*)+)", told, re.MULTILINE)
    lines = depends[1].splitlines() if depends else []
    names = (line.strip().removeprefix(":").strip() for line in lines)
    return ServiceState(
        True,
        state[1] == "4" if state else None,
        _STARTS[int(start[1])] if start else "",
        tuple(name for name in names if name),
    )


RegistryValue = int | str | tuple[str, ...]


def registry(text: str | None) -> dict[str, RegistryValue]:
    """The values of the one key that ``reg.exe query`` was asked for, without those of keys below it.

    Microsoft, "reg query": name, type and data stand four blanks apart. A REG_DWORD is hexadecimal.
    """
    found: dict[str, RegistryValue] = {}
    for line in (text or "").splitlines():
        parts = re.fullmatch(r" {4}(\S.*?) {4}(REG_[A-Z_]+)(?: {4}(.*))?", line)
        if parts is None:
            continue
        name, kind, data = parts[1], parts[2], (parts[3] or "").strip()
        if kind in ("REG_DWORD", "REG_QWORD"):
            if re.fullmatch(r"0x[0-9a-fA-F]+", data):
                found[name] = int(data, 16)
        elif kind == "REG_MULTI_SZ":
            found[name] = tuple(word for word in data.split("\\0") if word)
        else:
            found[name] = data
    return found


def switch(configuration: Mapping[str, str], name: str) -> bool | None:
    """A Boolean of a configuration; None when that Windows has no such parameter."""
    return {"True": True, "False": False}.get(configuration.get(name, ""))


_DIALECTS = {
    "1.5": Dialect.NT1,
    "2.0.2": Dialect.SMB2_02,
    "2.0": Dialect.SMB2_02,
    "2.1": Dialect.SMB2_10,
    "2.10": Dialect.SMB2_10,
    "3.0": Dialect.SMB3_00,
    "3.00": Dialect.SMB3_00,
    "3.0.0": Dialect.SMB3_00,
    "3.0.2": Dialect.SMB3_02,
    "3.02": Dialect.SMB3_02,
    "3.1.1": Dialect.SMB3_11,
}


def dialect(text: str) -> Dialect | None:
    """The dialect as Get-SmbConnection and Get-SmbSession write it; None for one that is not known.

    3.02 and 3.1.1 are seen in public samples; Microsoft calls SMB1's 1.5; the others follow their pattern.
    """
    return _DIALECTS.get(text.strip())


Version = tuple[int, int, int, int]
"""Of a file; compared as a tuple."""


def version(text: str) -> Version | None:
    """A file version such as ``6.1.7601.23689 (win7sp1_ldr.170209-0600)`` as a tuple; None for no version."""
    found = re.match(r"\s*(\d{1,5})\.(\d{1,5})\.(\d{1,5})\.(\d{1,5})(?!\d)", text)
    if found is None:
        return None
    major, minor, build, revision = map(int, found.groups())
    return (major, minor, build, revision)
