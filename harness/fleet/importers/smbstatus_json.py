"""``smbstatus --json`` of Samba 4.17 and later: one document, or several behind one another."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from harness.fleet import addresses
from harness.fleet.forms.json_members import BEGUN, Path, members
from harness.fleet.forms.when import moment
from harness.fleet.importers._dialects import dialect
from harness.fleet.importers._repeated import Repeated
from harness.fleet.importers._smbstatus import (
    ANOTHER_USER,
    LOOPBACK,
    REASONS,
    UNKNOWN_DIALECT,
    Protection,
    is_json,
    protection,
    signed_beside,
)
from harness.fleet.reading import Tally
from harness.fleet.sighting import Place, Sighting

_SECTIONS: Final = {("sessions",), ("tcons",), ("open_files",)}
_SIGNS: Final = '{}[],"'
_NO_MACHINE: Final = "a session or connection in which no machine can be found"
_NO_SESSIONS: Final = (
    "this JSON has no sessions, only {}: it was made with an option such as --locks. Run smbstatus --json "
    "without options, as root"
)
_SHARES_ALONE: Final = (
    "connections to shares stand there without their sessions, so machines without dialects: run smbstatus "
    "--json without options, as root"
)


@dataclass(slots=True)
class _Document:
    """What the document at hand says before its sections."""

    time: datetime | None = None
    sessions: int = 0
    tcons: int = 0
    known: Repeated[Hashable, Sighting] = field(default_factory=Repeated)

    def count(self, section: str) -> None:
        if section == "sessions":
            self.sessions += 1
        else:
            self.tcons += 1

    def seen(self, said: dict[str, object]) -> datetime | None:
        """When a machine was connected: when the document was made, else since when."""
        since = _text(said, "connected_at") or _text(said, "auth_time") or _text(said, "creation_time")
        return self.time or moment(since)


class SmbStatusJson:
    """``smbstatus --json``."""

    name = "smbstatus-json"
    title = "smbstatus --json, run as root on the Samba server (4.17 and later)"

    def recognises(self, head: str) -> bool:
        """By names that every document has at its beginning, 4.17 to 4.25."""
        return is_json(head)

    def read(self, source: str, lines: Iterable[str], tally: Tally) -> Iterator[Sighting]:
        """A sighting a session, and one a connection to a share."""
        document, number, answered = _Document(), 0, False
        held: dict[str, None] = {}
        for path, value in members(_explained(lines, tally), tally, _deeper):
            match path:
                case ():
                    answered |= _ended(document, tally)
                    document = _Document()
                case ("timestamp",):
                    document.time = moment(str(value))
                case ("sessions" | "tcons" as section,) if value is BEGUN:
                    answered = True
                    held[section] = None
                case (section,) if value is BEGUN:
                    held[section] = None
                case ("sessions" | "tcons" as section, _):
                    number += 1
                    yield from _sighting(Place(source, number), section, value, document, tally)
        _ended(document, tally)
        if answered and tally.answers_nothing:
            # A document beside an error message answers nevertheless: of another server, or a later try.
            tally.notice(tally.answers_nothing)
            tally.answers_nothing = ""
        if not answered and not tally.not_understood and not tally.answers_nothing:
            tally.answers_nothing = _NO_SESSIONS.format(" and ".join(held) or "its heading")


def _deeper(path: Path) -> bool:
    return path == () or path in _SECTIONS


def _explained(lines: Iterable[str], tally: Tally) -> Iterator[str]:
    """The lines, those aside that say why there is no document."""
    for line in lines:
        # What begins as JSON is none, and these are half a million.
        said = line.lstrip()[:1] not in _SIGNS
        reason = next((why for pattern, why in REASONS if pattern.match(line)), "") if said else ""
        if reason:
            tally.answers_nothing = tally.answers_nothing or reason
        else:
            yield line


def _ended(document: _Document, tally: Tally) -> bool:
    if document.tcons and not document.sessions:
        tally.notice(_SHARES_ALONE)
    return bool(document.sessions or document.tcons)


def _sighting(
    place: Place, section: str, value: object, document: _Document, tally: Tally
) -> Iterator[Sighting]:
    said = value if isinstance(value, dict) else {}
    key = _key(section, said)
    try:
        known = document.known.get(key) if key else None
    except TypeError:
        # A list or a table in the place of a word.
        key, known = None, None
    if known is not None:
        document.count(section)
        yield known.again(place, document.seen(said))
        return
    machine = _text(said, "remote_machine" if section == "sessions" else "machine")
    address = addresses.address(_text(said, "hostname")) or addresses.address(machine)
    name = addresses.name(machine)
    if not address and not name:
        tally.wonder(_NO_MACHINE, place.line, str(value)[:200])
        return
    document.count(section)
    if addresses.is_self(address):
        tally.leave_out(LOOPBACK)
        return
    spoken, unknown = dialect(_text(said, "session_dialect"))
    if unknown:
        tally.notice(UNKNOWN_DIALECT.format(unknown))
    if said.get("username") == "nobody":
        tally.notice(ANOTHER_USER)
    signed, encrypted = _protected(said, "signing"), _protected(said, "encryption")
    if section == "tcons":
        # A dash means that the share itself asks for nothing: the session may be signed or encrypted.
        one = Sighting(
            place,
            address=address,
            name=name,
            seen=document.seen(said),
            signed=signed.whole or None,
            encrypted=encrypted.partly or None,
            cipher=encrypted.cipher,
        )
        yield document.known.keep(key, one) if key else one
        return
    # "channels" has further addresses of the same machine (multichannel): they would look like others.
    one = Sighting(
        place,
        address=address,
        name=name,
        seen=document.seen(said),
        dialect=spoken,
        unknown_dialect=unknown,
        signed=signed_beside(signed, encrypted),
        encrypted=encrypted.partly,
        cipher=encrypted.cipher,
    )
    yield document.known.keep(key, one) if key else one


def _key(section: str, said: dict[str, object]) -> Hashable:
    """What a session or connection says but for its numbers and times; None where it has no address."""
    host = said.get("hostname" if section == "sessions" else "machine")
    if not isinstance(host, str) or not _WITH_PORT.fullmatch(host):
        return None
    signing, encryption = said.get("signing"), said.get("encryption")
    return (
        section,
        host.rpartition(":")[0] if section == "sessions" else host,
        said.get("hostname") if section != "sessions" else said.get("remote_machine"),
        said.get("session_dialect"),
        said.get("username") == "nobody",
        *(signing.items() if isinstance(signing, dict) else (signing,)),
        "",
        *(encryption.items() if isinstance(encryption, dict) else (encryption,)),
    )


_WITH_PORT: Final = re.compile(r"ipv4:[0-9.]+:[0-9]+|[0-9.]+")


def _text(said: dict[str, object], name: str) -> str:
    value = said.get(name)
    return addresses.clean(value) if isinstance(value, str) else ""


def _protected(said: dict[str, object], name: str) -> Protection:
    table = said.get(name)
    if not isinstance(table, dict):
        return protection(None)
    return protection(_text(table, "cipher"), _text(table, "degree"))


IMPORTER = SmbStatusJson()
