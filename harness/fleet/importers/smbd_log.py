"""Logs of smbd from level 3 on: what a client offered, what was chosen, how it logged on, what was refused.

An entry is a heading and the message below it. Without ``debug pid = yes`` nothing tells whose an entry is
but the order in which they come; where two clients connect at once it does not, and neither gets a dialect.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Final

from harness.fleet import addresses
from harness.fleet.forms.syslog import entry
from harness.fleet.forms.when import moment
from harness.fleet.importers import _auth
from harness.fleet.importers._connections import Connection, Connections
from harness.fleet.importers._full_audit import Audited, Prefix
from harness.fleet.importers._smbd import heading, is_smbd_log
from harness.fleet.importers._smbstatus import LOOPBACK
from harness.fleet.importers.samba_auth import sighting
from harness.fleet.reading import Tally
from harness.fleet.sighting import Logon, Place, Sighting

_NO_NEGOTIATION: Final = (
    'no line of this log tells of a dialect: smbd says "Selected protocol" at "log level = 3" and above'
)
_TICKET: Final = (
    "Kerberos tickets could not be verified ({}): that is between the server's keytab and the domain, and "
    "would be so with any dialect, signing or encryption"
)
_GUEST_SIGNS: Final = (
    "a signature was wrong and the client is a guest: a guest's session has no key to sign with, so that "
    "signing is what was refused, not permissions"
)
_SIGNATURE: Final = "a signature of a client was wrong: signing is what was refused, not permissions"
_DAMAGED: Final = "a record of authentication that is damaged or cut off"
_SUFFIXES: Final = re.compile(r"(?:\.old|\.\d+|\.gz)+$")
_PROGRAMS: Final = re.compile(
    r"smbd|nmbd|samba|winbindd?.*|wb-.*|rpc.*|samba-.*|ctdb|lsasd|epmd|mdssvc|txt|log", re.IGNORECASE
)
"""Logs of that name are no client's (``log file = log.%m``)."""

_MESSAGE: Final = re.compile(
    r"(?:\w+: )?(?:"
    r"Allowed connection from (?P<allowed>\S*) \((?P<allowed_at>[^)]*)\)"
    r"|init_oplocks: (?P<begun>initializing messages)"
    r"|switch message (?P<command>SMB\w+) \(pid (?P<pid>\d+)\)"
    r"|Requested protocol \[(?P<requested>[^\]]*)\]"
    r"|Selected protocol (?P<selected>\S.*)"
    r"|(?P<none>No protocol supported !)"
    r"|NativeOS=\[(?P<system>[^\]]*)\] NativeLanMan=\[(?P<manager>[^\]]*)\]"
    r"|Got user=\[[^\]]*\] domain=\[[^\]]*\] workstation=\[(?P<workstation>[^\]]*)\]"
    r" len1=\d+ len2=(?P<proof>\d+)"
    r"|Checking password for unmapped user .*@\[(?P<machine>[^\]]*)\]"
    r"|(?:NTLMv1|LanMan) passwords (?P<v1>NOT PERMITTED) for user"
    r"|.*krb5_rd_req with auth failed \((?P<ticket>[^)]*)\)"
    r"|Failed to verify incoming ticket with error (?P<ticket_status>NT_STATUS_\w+)"
    r"|(?P<signature>Bad SMB2 signature for message|.*BAD SIG(?:: |:)seq)"
    r"|reject (?P<what>session|tcon) (?:from \S+ )?with dialect\[(?P<unencrypted>0x[0-9A-Fa-f]+)\]"
    r" +as encryption is required"
    r"|reject (?P<guest>guest)(?: session)? as encryption is required"
    r"|.*status\[(?P<status>NT_STATUS_\w+)\] \|\| at \S*smb2_(?:negprot|sesssetup)\.c:"
    r"|error packet at \S*sesssetup\.c\(\d+\) .* (?P<old_status>NT_STATUS_\w+)"
    r"|(?P<client>\S+) \((?P<client_at>ip[^)]*)\) (?:signed )?connect to service"
    r"|Server exit \((?P<exit>[^)]*)"
    r")"
)
_BESIDE: Final = {
    "allowed_at": ("allowed",),
    "manager": ("system",),
    "proof": ("workstation",),
    "client_at": ("client",),
}
"""What stands in a message before its last group."""
_DENIED: Final = "NT_STATUS_ACCESS_DENIED"
_MORE: Final = "NT_STATUS_MORE_PROCESSING_REQUIRED"
_OF_V1: Final = 24
"""Bytes of every NTLMv1 response, [MS-NLMP] 2.2.2.6; those of NTLMv2 are longer."""


class SmbdLog:
    """log.smbd, or a log for each client."""

    name = "smbd-log"
    title = "a log of smbd: log level = 3 auth_json_audit:3 in smb.conf, debug pid = yes beside it"

    def recognises(self, head: str) -> bool:
        """By a heading with date and level in brackets, or by its lines of dialects."""
        return is_smbd_log(head)

    def read(self, source: str, lines: Iterable[str], tally: Tally) -> Iterator[Sighting]:
        """A sighting a connection, and one more where it logs on again in another way."""
        reading = _Reading(source, tally)
        for number, line in enumerate(lines, 1):
            yield from reading.line(number, line)
        yield from reading.end()


class _Reading:
    """One log on its way."""

    def __init__(self, source: str, tally: Tally) -> None:
        self._source = source
        self._tally = tally
        own = _own(source)
        self._all = Connections(source, tally, addresses.address(own), addresses.name(own))
        self._audit = Prefix()
        self._function = ""
        self._negotiated = False

    def line(self, number: int, line: str) -> Iterator[Sighting]:
        """One line."""
        if not line or line.isspace():
            self._tally.passed_over += 1
            return
        text = line
        if line[0] not in " \t[":
            said = entry(line)
            text = said.text
            if said.host:
                self._all.of(said.pid)
        found = heading(text)
        if found is not None:
            self._function = found.function
            self._all.of(found.pid)
            self._all.at = moment(found.when)
            text = found.rest
            if not text:
                self._tally.passed_over += 1
                return
        yield from self._message(number, text)

    def end(self) -> Iterator[Sighting]:
        """What is still open when the log ends."""
        yield from self._all.end()
        if not self._negotiated:
            self._tally.notice(_NO_NEGOTIATION)

    def _message(self, number: int, text: str) -> Iterator[Sighting]:
        if self._function == "do_log" and (audited := self._audit.read(text)):
            yield from _audited(Place(self._source, number), audited, self._all.at, self._tally)
            return
        if _auth.is_any(text):
            yield from self._logged_on(number, text)
            return
        found = _MESSAGE.match(text.lstrip())
        last = found.lastgroup if found else None
        if found is None or last is None:
            self._tally.passed_over += 1
            return
        facts = {name: found[name] for name in (*_BESIDE.get(last, ()), last)}
        if last in _CHANGES:
            connection = self._all.current
            connection.met(number, self._all.at)
            if notice := _CHANGES[last](connection, facts):
                self._tally.notice(notice)
        else:
            yield from self._step(last, number, facts)

    def _step(self, last: str, number: int, facts: dict[str, str]) -> Iterator[Sighting]:
        """A message by which a connection may begin or end."""
        match last:
            case "allowed_at":
                address = addresses.address(facts["allowed_at"]) or addresses.address(facts["allowed"])
                yield from self._all.allowed(address, addresses.name(facts["allowed"]))
            case "begun":
                yield from self._all.begin()
            case "pid":
                yield from self._all.process(facts["pid"])
            case "requested":
                self._negotiated = True
                if self._all.current.negotiated:
                    yield from self._all.begin()
                self._all.current.met(number, self._all.at)
                self._all.current.request(facts["requested"])
            case "selected" | "none":
                self._negotiated = True
                yield from self._all.selected(number, facts.get("selected", ""))
            case "proof":
                size = int(facts["proof"][:6])
                kind = Logon.NTLMV1 if size == _OF_V1 else Logon.NTLMV2 if size > _OF_V1 else None
                yield from self._all.logon(number, kind, "")
                self._all.current.name = addresses.name(facts["workstation"]) or self._all.current.name
            case "v1":
                yield from self._all.logon(number, Logon.NTLMV1, "NT_STATUS_WRONG_PASSWORD")
            case "ticket" | "ticket_status":
                if "ticket" in facts:
                    self._tally.notice(_TICKET.format(facts["ticket"][:60]))
                yield from self._all.logon(number, Logon.KERBEROS, facts.get("ticket_status", ""))
            case "client_at":
                # "signed connect" stands there at 3.x whether messages are signed or not, and does not for
                # a signed 2.1 (measured, 4.13 and 4.22): it tells nothing.
                address = addresses.address(facts["client_at"])
                yield from self._all.served(number, address, addresses.name(facts["client"]))
            case "exit":
                yield from self._all.over()

    def _logged_on(self, number: int, text: str) -> Iterator[Sighting]:
        record = _auth.record(text)
        if record is None:
            self._tally.wonder(_DAMAGED, number, text)
            return
        if not record.ours or not record.address or not self._all.current.may_be(record.address):
            yield from sighting(Place(self._source, number), record, self._tally)
            return
        yield from self._all.logon(number, record.logon, record.refused)
        connection = self._all.current
        connection.seen = connection.seen or record.seen
        connection.address = record.address
        connection.name = record.name or connection.name
        if connection.dialect is None and not connection.unknown:
            connection.dialect, connection.smb2 = record.dialect, record.smb2


def _audited(place: Place, said: Audited, at: datetime | None, tally: Tally) -> Iterator[Sighting]:
    """A line of full_audit that went to smbd's own log."""
    if not said.address or addresses.is_self(said.address):
        tally.passed_over += 1
        if said.address:
            tally.notice(LOOPBACK)
        return
    yield Sighting(
        place,
        said.address,
        said.name,
        seen=at,
        dialect=said.dialect,
        unknown_dialect=said.unknown,
        smb2=said.smb2,
    )


def _own(source: str) -> str:
    """Of ``log.NAME`` the name, where it is no program's: ``log file = log.%m`` names the client's."""
    base = re.split(r"[/\\]", source)[-1]
    if not base.startswith("log."):
        return ""
    name = base.removeprefix("log.")
    if not addresses.address(name):
        name = _SUFFIXES.sub("", name)
    return "" if _PROGRAMS.fullmatch(name) else name


def _system(connection: Connection, facts: dict[str, str]) -> str:
    said = facts["system"].strip() or facts["manager"].strip()
    connection.said = addresses.clean(said)[: addresses.MOST_OF_A_NAME] or connection.said
    return ""


def _machine(connection: Connection, facts: dict[str, str]) -> str:
    connection.name = addresses.name(facts["machine"]) or connection.name
    return ""


def _signature(connection: Connection, _facts: dict[str, str]) -> str:
    connection.refused = connection.refused or _DENIED
    return _GUEST_SIGNS if connection.logon is Logon.GUEST else _SIGNATURE


def _unencrypted(connection: Connection, facts: dict[str, str]) -> str:
    connection.cannot_encrypt = True
    connection.select(facts["unencrypted"])
    connection.refused = connection.refused or _DENIED
    return ""


def _guest(connection: Connection, _facts: dict[str, str]) -> str:
    connection.logon = connection.logon or Logon.GUEST
    connection.refused = connection.refused or _DENIED
    return ""


def _status(connection: Connection, facts: dict[str, str]) -> str:
    status = facts.get("status") or facts.get("old_status") or ""
    if status != _MORE:
        connection.refused = connection.refused or status[:80]
    return ""


_CHANGES: Final[dict[str, Callable[[Connection, dict[str, str]], str]]] = {
    "manager": _system,
    "machine": _machine,
    "signature": _signature,
    "unencrypted": _unencrypted,
    "guest": _guest,
    "status": _status,
    "old_status": _status,
}
"""By the last group of a message: what it adds to what is known of a connection, and a notice or ""."""

IMPORTER = SmbdLog()
