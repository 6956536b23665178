"""Files that testparm would load, and that are no smb.conf(5): scripts, templates, a ksmbd.conf.

"Loaded services file OK" proves nothing: testparm of every release loads a shell script, its functions as
parameters and its tests as sections (measured with files from the field).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePath

from harness.errors import UsageError
from harness.importing.lines import Line
from harness.servers.base import parameter_key

_WRITES = re.compile(
    rb"^[^#;\n]*(?:<<-?\s*['\"]?\w+|\becho\s+-?\w*\s*['\"]\s*\[global)|['\"]\s*>+\s*\S*smb\.conf", re.M
)
"""A here-document, or an echo of [global] into a file."""
_SHELL = re.compile(
    rb"^[ \t]*(?:(?:if|elif|while|until|printf|sudo|sed|for)[ \t].*|then|fi|done|esac|case[ \t].*[ \t]in"
    rb"|exit(?: \d+)?|\w+[ \t]*\(\)[ \t]*\{?|(?:local|export)[ \t]+\w+=.*)[ \t]*\r?$",
    re.M,
)
_OF_WINDOWS = re.compile(
    rb"[\"\s](?:EnableSMB[12]Protocol|RequireSecuritySignature|RejectUnencryptedAccess|FolderEnumerationMode)\"?\s*:"
)
"""Properties that Get-SmbServerConfiguration and Get-SmbShare write, as JSON or as a list."""
_ENOUGH = 3
"""Lines of shell in a file that is one; a smb.conf has none, for such a line says nothing to Samba."""
_PLACEHOLDER = re.compile(
    r"\{\{.*?\}\}|\{%.*?%\}|<%.*?%>|\$\{\w[^}]*\}"
    r"|(?<!\S)(?:\|[A-Z][A-Z0-9_]*\||@[A-Z][A-Z0-9_]*@|__[A-Z][A-Z0-9_]*__)(?!\S)"
)
_OF_KSMBD = frozenset(
    map(
        parameter_key,
        (
            "ipc timeout",
            "tcp port",
            "max active sessions",
            "kerberos support",
            "kerberos service name",
            "smbd max io size",
            "max ip connections",
            "sessions cap",
            "crossmnt",
            "smb3 encryption",
        ),
    )
)
"""What ksmbd.conf(5) has and smb.conf(5) has not."""


def check_bytes(data: bytes, file: str) -> None:
    """Raises UsageError, saying what it is, for bytes that are no text, and for a program that writes one."""
    if _OF_WINDOWS.search(data.replace(b"\0", b"")):
        raise UsageError(
            f"{file}: is what PowerShell says of a Windows server, and no smb.conf",
            "name it with --windows-server, its shares with --windows-shares",
        )
    if data.startswith((b"\xff\xfe\0\0", b"\0\0\xfe\xff")):
        raise UsageError(f"{file}: is UTF-32, which Samba does not read", "save it as UTF-8")
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise UsageError(f"{file}: is UTF-16, which Samba does not read", "save it as UTF-8")
    at = data.find(b"\0")
    if at >= 0:
        line = data.count(b"\n", 0, at) + 1
        raise UsageError(
            f"{file}:{line}: has a NUL byte: it is no text, and Samba reads such a file only in part"
        )
    if b"\r" in data and b"\n" not in data:
        raise UsageError(
            f"{file}: its lines end with CR alone, so that Samba reads it as one", "save it with LF"
        )
    if re.match(rb"#![ \t]*/", data):
        raise _script(file, f"it begins with {_first_line(data)}")
    if match := _WRITES.search(data):
        raise _script(file, f"line {_line(data, match)} writes another file: {_first_line(match[0])}")
    shell = list(_SHELL.finditer(data))
    if len(shell) >= _ENOUGH:
        raise _script(file, f"line {_line(data, shell[0])} is shell: {_first_line(shell[0][0])}")


def _line(data: bytes, match: re.Match[bytes]) -> int:
    return data.count(b"\n", 0, match.start()) + 1


def _first_line(data: bytes) -> str:
    return data.strip().split(b"\n")[0].decode("ascii", "replace").strip()[:80]


def check_kind(lines: Sequence[Line], file: str, *, first: bool) -> None:
    """Raises UsageError for a first file without anything that counts, and for a ksmbd.conf(5)."""
    if first and not lines:
        raise UsageError(f"{file}: nothing in it counts for Samba: no section, and no parameter with a value")
    own = [line for line in lines if parameter_key(line.name.decode("latin-1")) in _OF_KSMBD]
    if own or "ksmbd" in PurePath(file).name.lower():
        why = f"line {own[0].number} has {own[0].name.decode('latin-1')!r}" if own else "it is called so"
        raise UsageError(
            f"{file}: is a ksmbd.conf, for the server in the Linux kernel ({why}); it is not brought along",
            "give the smb.conf of a Samba; a ksmbd can be rehearsed as the server ksmbd",
        )


def placeholder(text: str) -> str:
    """What a template has in a text, to be filled in later, e.g. ``{{ name }}``; "" where there is none."""
    match = _PLACEHOLDER.search(text)
    return match[0] if match else ""


def _script(file: str, why: str) -> UsageError:
    return UsageError(
        f"{file}: is a script that writes a smb.conf, and none itself: {why}",
        "give the file that it writes",
    )
