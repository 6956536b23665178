"""Captures of traffic as sightings: what ``rehearse learn`` sees of each client."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from harness.fleet.addresses import is_self
from harness.fleet.reading import Tally
from harness.fleet.sighting import Logon, Place, Sighting
from harness.learn.magic import MAGIC
from harness.learn.words import HIDDEN
from harness.model import Dialect
from harness.smb.offer import SMB2_ANY, SMB2_FIRST

if TYPE_CHECKING:
    from harness.learn.hosts import Host
    from harness.learn.matching import KnownPersona
    from harness.learn.observe import Contact
    from harness.learn.observe import Logon as SeenLogon
    from harness.learn.study import Client, Study

NAME: Final = "capture"
TITLE: Final = "pcap or pcapng of SMB traffic: tcpdump -i any -s 0 -w FILE 'tcp port 445 or tcp port 139'"
_LOGONS: Final = {
    "NTLMv1": Logon.NTLMV1,
    "LM": Logon.NTLMV1,
    "NTLMv2": Logon.NTLMV2,
    "Kerberos": Logon.KERBEROS,
    "anonymous": Logon.ANONYMOUS,
}
_OK: Final = frozenset({"", "STATUS_SUCCESS"})


def is_capture(head: bytes) -> bool:
    """Whether a file that begins so is a capture."""
    return head[:4] in MAGIC


def read(path: Path, tally: Tally, known: Callable[[], Sequence[KnownPersona]]) -> Iterator[Sighting]:
    """A sighting a kind of connection and host. Raises UsageError where the file cannot be read.

    The whole capture is read first, in bounded memory: which dialect a host offered may stand behind which
    was chosen.
    """
    # Loaded for a capture alone: what takes packets apart takes as long as all else of an import.
    from harness.learn.study import NothingSeen, study

    try:
        found = study([path], known())
    except NothingSeen as nothing:
        tally.answers_nothing = nothing.message
        found = nothing.study
    for missing in found.missing:
        tally.notice(missing)
    tally.lines = sum(notes.packets for notes in found.captures)
    number = 0
    for host in found.hosts:
        for client, contact in _contacts(found, host):
            number += 1
            if not is_self(host.address):
                yield from _sightings(Place(str(path), number), host, client, contact)


def _contacts(found: Study, host: Host) -> Iterator[tuple[Client | None, Contact]]:
    owners = {contact: client for client in found.of(host) for contact in client.software.contacts}
    for contact in host.contacts:
        yield owners.get(contact), contact


def _sightings(place: Place, host: Host, client: Client | None, contact: Contact) -> Iterator[Sighting]:
    """One of the connection, and one more for each further way in which it logged on."""
    offered = _offered(contact)
    strings = contact.smb1.dialects if contact.smb1 else ()
    framed_only = contact.smb1 is not None and contact.smb2 is None and SMB2_ANY not in strings
    chosen = next((one for one in Dialect if one.value == contact.chosen), None)
    for logon in contact.logons or (None,):
        yield Sighting(
            place,
            address=host.address,
            seen=datetime.fromtimestamp(host.time, UTC) if 0 < host.time < 2**32 else None,
            dialect=chosen,
            # NT LANMAN 1.0 and what is older still has no other name.
            unknown_dialect="" if chosen or not contact.chosen else contact.chosen,
            offered=() if contact.channel else offered,
            smb1_asked=contact.smb1 is not None,
            smb1_refused=framed_only and not contact.chosen and bool(contact.ended),
            logon=_logon(logon) if logon else None,
            signed=contact.signed,
            encrypted=contact.encrypted or None,
            refused=logon.result if logon and logon.result not in _OK else "",
            said=_said(contact),
            persona=_persona(client),
        )


def _logon(logon: SeenLogon) -> Logon | None:
    return Logon.GUEST if logon.guest else _LOGONS.get(logon.kind)


def _offered(contact: Contact) -> tuple[Dialect, ...]:
    """The dialects that [MS-SMB2] and [MS-CIFS] know, in its order."""
    strings = contact.smb1.dialects if contact.smb1 else ()
    found = [Dialect.NT1] if Dialect.NT1.value in strings else []
    if contact.smb2:
        revisions = {one.revision: one for one in Dialect if one is not Dialect.NT1}
        found += [revisions[number] for number in contact.smb2.dialects if number in revisions]
    else:
        found += [Dialect.SMB2_02] if SMB2_FIRST in strings else []
        # "SMB 2.???" is any from 2.1 on, [MS-SMB2] 2.2.3: the least that it can be.
        found += [Dialect.SMB2_10] if SMB2_ANY in strings else []
    return tuple(found)


def _said(contact: Contact) -> str:
    names = (logon.session.native_os for logon in contact.logons)
    return next((one for one in names if one not in ("", HIDDEN)), "")


def _persona(client: Client | None) -> str:
    """The one kind that it is recognised as, where no other fits equally well."""
    if client is None or not client.recognised or client.equally:
        return ""
    return client.like[0].persona.data.name
