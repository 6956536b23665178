"""What a Linux kernel tells of one use of its SMB client: trace points, kernel log, table of sessions.

The script of ``kernel_cifs`` prints them in sections and marks in both logs what it does next. Formats:
fs/smb/client/trace.h (smb3_cmd_err and others, since Linux 4.18), the kernel log of fs/smb/client with its
debug messages on, and /proc/fs/cifs/DebugData; read from captures of 5.10, 6.1 and 6.12.
SMB1 has no trace points: its commands stand in the kernel log alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum


class Kind(StrEnum):
    """What the kernel tells of."""

    CONNECT = "connect"
    COMMAND = "command"
    TREE = "tree"


@dataclass(frozen=True, slots=True)
class Told:
    """One thing that the kernel told."""

    kind: Kind
    phase: str
    """What the script was doing."""
    at: float
    """Seconds since the guest's start."""
    command: int = -1
    """The command code of [MS-SMB2] 2.2.1 or, where ``smb1``, of [MS-CIFS] 2.2.2.1."""
    status: int = 0
    """The NTSTATUS of the answer."""
    errno: int = 0
    """What the kernel made of it: 0 or a positive errno(3)."""
    name: str = ""
    """The share of a tree connect."""
    smb1: bool = False


@dataclass(frozen=True, slots=True)
class Facts:
    """What /proc/fs/cifs/DebugData says of the connection."""

    dialect: int | None
    """The DialectRevision of [MS-SMB2] 2.2.4, 0 for SMB1; None where there is no connection."""
    signed: bool
    encrypted: bool
    guest: bool
    kerberos: bool = False
    """Its session was set up with a ticket."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """One of klist(1): for which service, and the encryption types of its session's key and of itself."""

    service: str
    session: str
    ticket: str


@dataclass(frozen=True, slots=True)
class Report:
    """What the script printed."""

    kernel: str
    """Its release, as uname(1) says."""
    ends: dict[str, int]
    """By phase: the exit status of its program."""
    said: dict[str, str]
    """By phase: what its program wrote."""
    told: tuple[Told, ...]
    log: str
    """The kernel log of the attempt."""
    facts: Facts
    tickets: tuple[Ticket, ...] = ()
    ports: tuple[int, ...] = ()
    """Of this guest: those that it had connections to an SMB server from, in this use alone."""
    died: bool = False
    """Since the guest's start a part of its kernel has come to its end by an oops."""


_DIED = 1 << 7
"""Of /proc/sys/kernel/tainted: "kernel died recently", an OOPS or BUG (Linux, tainted-kernels.rst)."""
_SECTION = re.compile(r"^@@ (\w+)(?: ([^\n]*))?$", re.MULTILINE)
_TRACE = re.compile(r"^.{0,40}?\[\d{3}\]\s+\S+\s+(?P<at>\d{1,12}\.\d{1,9}):\s+(?P<name>\w+):\s*(?P<rest>.*)$")
_DMESG = re.compile(r"^(?:<\d+>)?\[\s*(?P<at>\d{1,12}\.\d{1,9})\]\s?(?P<text>.*)$")
MARK = "rehearse-cifs"
"""What the script's marks begin with, in the trace and in the kernel log."""


def sections(text: str) -> dict[str, tuple[str, str]]:
    """The sections of the script's output: name -> (word behind it, body). The last of a name counts."""
    found = list(_SECTION.finditer(text))
    ends = [*(match.start() for match in found[1:]), len(text)][: len(found)]
    return {
        match[1]: (match[2] or "", text[match.end() : end].strip("\n"))
        for match, end in zip(found, ends, strict=True)
    }


def read(text: str) -> Report:
    """The whole output of the script. Raises ValueError when it is none, or was cut off."""
    parts = sections(text)
    if "kernel" not in parts or "done" not in parts:
        raise ValueError("the report of the guest is not whole")
    ends: dict[str, int] = {}
    said: dict[str, str] = {}
    for name in ("ticket", "mount", "list", "create", "read", "delete"):
        if name in parts:
            word, body = parts[name]
            ends[name] = int(word) if re.fullmatch(r"-?[0-9]{1,5}", word) else -1
            said[name] = body
    log = parts.get("dmesg", ("", ""))[1]
    told = [*trace(parts.get("trace", ("", ""))[1]), *kernel_log(log)]
    seen = facts(parts.get("debug", ("", ""))[1])
    died = bool(max(0, _number(parts.get("tainted", ("", ""))[0])) & _DIED)
    before, after = (parts.get(name, ("", ""))[0].split() for name in ("before", "ports"))
    own = (word for word in after if word not in before and re.fullmatch(r"[0-9A-F]{4}", word))
    ports = tuple(int(word, 16) for word in own)
    held = tuple(tickets(parts.get("tickets", ("", ""))[1]))
    return Report(parts["kernel"][0], ends, said, tuple(told), log, seen, held, ports, died)


def trace(text: str) -> Iterator[Told]:
    """The trace points of SMB2 and newer, in order."""
    phase = ""
    for line in text.splitlines():
        match = _TRACE.match(line)
        if match is None:
            continue
        at, rest = float(match["at"]), match["rest"]
        values = dict(re.findall(r"(\w+)=(\S+)", rest))
        match match["name"]:
            case "tracing_mark_write":
                phase = _mark(rest) or phase
            case "smb3_connect_done":
                yield Told(Kind.CONNECT, phase, at)
            case "smb3_connect_err":
                yield Told(Kind.CONNECT, phase, at, errno=_errno(values.get("rc")))
            case "smb3_cmd_done":
                yield Told(Kind.COMMAND, phase, at, _number(values.get("cmd")))
            case "smb3_cmd_err":
                yield Told(
                    Kind.COMMAND,
                    phase,
                    at,
                    _number(values.get("cmd")),
                    _number(values.get("status")),
                    _errno(values.get("rc")),
                )
            case "smb3_tcon":
                share = values.get("unc_name", "").rpartition("\\")[2]
                yield Told(Kind.TREE, phase, at, errno=_errno(values.get("rc")), name=share)
            case _:
                continue


def kernel_log(text: str) -> Iterator[Told]:
    """The commands of SMB1 in the kernel log, in order; a status stands right behind its command.

    One whose command is missing has the command -1.
    """
    phase = ""
    pending: Told | None = None
    fresh = False
    for at, line in lines(text):
        if MARK in line:
            phase = _mark(line) or phase
        answered = re.search(r"cifs_sync_mid_result: cmd=(\d{1,5}) mid=\d+ state=(\d+)", line)
        status = re.search(r"Status code returned (0x[0-9a-f]{1,8})", line)
        mapped = re.search(r"(?:to POSIX err|negprot rc) -(\d{1,5})", line)
        if status is not None and not fresh:
            # The kernel holds back what one place says more than ten times in 5 s: its command is missing.
            if pending is not None:
                yield pending
            pending = Told(Kind.COMMAND, phase, at, smb1=True)
        fresh = answered is not None
        if answered is not None:
            if pending is not None:
                yield pending
            pending = Told(Kind.COMMAND, phase, at, int(answered[1]), smb1=True)
        elif status is not None and pending is not None:
            pending = replace(pending, status=int(status[1], 16))
        elif mapped is not None and pending is not None:
            pending = replace(pending, errno=int(mapped[1]))
    if pending is not None:
        yield pending


def lines(text: str) -> Iterator[tuple[float, str]]:
    """The lines of dmesg(1): seconds since the start, and what is said."""
    for line in text.splitlines():
        match = _DMESG.match(line)
        if match is not None:
            yield float(match["at"]), match["text"]


def complaints(text: str) -> list[str]:
    """What the SMB client itself complains of in the kernel log, without its prefix, each once."""
    found = (
        re.sub(r"^CIFS: VFS: (?:\\\\\S+ )?", "", line)
        for _, line in lines(text)
        if line.startswith("CIFS: VFS: ")
    )
    return list(dict.fromkeys(_plain(found)))


def facts(text: str) -> Facts:
    """DebugData of one connection."""
    dialect = re.search(r"\bDialect (0x[0-9a-fA-F]{1,4})\b([^\n]*)", text)
    return Facts(
        int(dialect[1], 16) if dialect else None,
        bool(dialect and re.search(r"\bsigned\b", dialect[2])),
        bool(re.search(r"\b(?:encrypted|Encryption: )", text)),
        bool(re.search(r"\bGuest\b", text)),
        bool(re.search(r"\bSecurity type: Kerberos\b", text)),
    )


def tickets(text: str) -> Iterator[Ticket]:
    """What klist(1) of MIT tells with -e."""
    service = ""
    for line in text.splitlines():
        if types := re.search(r"Etype \(skey, tkt\): (?:\w+:)?(\S+), (?:\w+:)?(\S+)", line):
            yield Ticket(service, *types.groups())
        elif begun := re.match(r"\S+ \S+ +\S+ \S+ +(\S+)@", line):
            service = begun[1]


def _plain(found: Iterable[str]) -> Iterator[str]:
    for line in found:
        if line and not line.startswith(("in ", "leaving ", "Use of the less secure")):
            yield line


def _mark(text: str) -> str:
    match = re.search(rf"{MARK} (\w+)", text)
    return match[1] if match else ""


def _number(text: str | None) -> int:
    try:
        return int(text or "", 0)
    except ValueError:
        return -1


def _errno(text: str | None) -> int:
    number = _number(text)
    return -number if number < 0 else number
