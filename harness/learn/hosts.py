"""The clients of a capture: what was seen, by host, and which of it is the same software.

One host makes several kinds of connection: a first one, repeated ones that know the server already, further
channels that offer 3.1.1 alone. And one host may run several SMB clients.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from harness.learn import words
from harness.learn.kdc import Exchange
from harness.learn.observe import Contact, Finished, Logon, Opening, Smb1Offer, Smb2Offer
from harness.learn.streams import Key
from harness.model import Dialect
from harness.smb.offer import SMB2_ANY, SMB2_FIRST

MAX_HOSTS: Final = 2000
MAX_FORMS: Final = 64
"""Different connections of one host that are kept."""
MAX_EXCHANGES: Final = 64
"""Different questions of one host to KDCs that are kept."""
MAX_ALL_FORMS: Final = 8192
MAX_KNOWN_AGAIN: Final = 65536
"""Ends of connections that are remembered, to know a connection again in another capture."""
_SWITCHED: Final = 0x0810
"""Bits of flags2 that one program sets on some connections only: Windows 0x0010, which means nothing, and
nmap 0x0800, for it asks with and without extended security."""


@dataclass(slots=True)
class Host:
    """One address and the connections that it made."""

    address: str
    time: float
    """Of its first segment, seconds since 1970."""
    contacts: Counter[Contact] = field(default_factory=Counter)
    pids: dict[Contact, set[tuple[int | None, int | None]]] = field(default_factory=dict)
    """Process numbers of the SMB1 and SMB2 NEGOTIATE; two are enough to know that they vary."""
    captures: set[int] = field(default_factory=set)
    """In which of several captures it was seen, by their order."""
    left_out: int = 0
    """Connections that are not among the contacts, for there were too many different ones."""
    exchanges: dict[Exchange, None] = field(default_factory=dict)
    """What it asked KDCs, each different question and answer once."""

    @property
    def connections(self) -> int:
        """How many connections it made."""
        return self.contacts.total() + self.left_out

    def add(self, contact: Contact) -> None:
        """One more connection of a form that is known."""
        self.contacts[contact] += 1
        pids = self.pids.setdefault(contact, set())
        if len(pids) < 2:
            pids.add(_pids(contact))

    def take_back(self, contact: Contact) -> None:
        """A connection is known better from another capture."""
        self.contacts[contact] -= 1
        if not self.contacts[contact]:
            del self.contacts[contact]


def _pids(contact: Contact) -> tuple[int | None, int | None]:
    return (
        contact.smb1.fingerprint.pid if contact.smb1 else None,
        contact.smb2.fingerprint.pid if contact.smb2 else None,
    )


@dataclass(slots=True)
class _Made:
    """A connection that was handed in, to know it again in another capture."""

    opened: int | None
    capture: int
    contact: Contact


@dataclass(slots=True)
class Hosts:
    """Collects contacts by host, within bounds. One connection in several captures counts once."""

    found: dict[str, Host] = field(default_factory=dict)
    left_out: int = 0
    """Connections of hosts beyond the bound."""
    capture: int = 0
    """Which of several captures is being read, from 0."""
    _forms: int = 0
    _made: dict[Key, list[_Made]] = field(default_factory=dict)

    def hand_in(self, finished: Finished) -> None:
        """One more finished connection."""
        address, time, contact = finished.address, finished.time, finished.contact
        if self._again(finished):
            return
        host = self._host(address, time)
        if host is None:
            self.left_out += 1
            return
        if contact not in host.contacts:
            if len(host.contacts) >= MAX_FORMS or self._forms >= MAX_ALL_FORMS:
                host.left_out += 1
                return
            self._forms += 1
        host.add(contact)
        if len(self._made) < MAX_KNOWN_AGAIN:
            made = _Made(finished.opened, self.capture, contact)
            self._made.setdefault(finished.key, []).append(made)

    def asked(self, address: str, time: float, exchange: Exchange) -> None:
        """One more question of a host to a KDC."""
        host = self._host(address, time)
        if host is not None and len(host.exchanges) < MAX_EXCHANGES:
            host.exchanges[exchange] = None

    def _host(self, address: str, time: float) -> Host | None:
        """The host of that address, seen in this capture; None beyond the bound."""
        host = self.found.get(address)
        if host is None:
            if len(self.found) >= MAX_HOSTS:
                return None
            host = self.found[address] = Host(address, time)
        host.time = min(host.time, time)
        host.captures.add(self.capture)
        return host

    def _again(self, finished: Finished) -> bool:
        """True for a connection that an earlier capture holds too; the fuller account of it is kept.

        The same ends and the same first sequence number, where both captures have the SYN.
        """
        host = self.found.get(finished.address)
        if not self.capture or host is None:
            return False
        for made in self._made.get(finished.key, ()):
            known = made.opened is not None and finished.opened is not None
            if made.capture == self.capture or (known and made.opened != finished.opened):
                continue
            made.capture = self.capture
            host.captures.add(self.capture)
            if _lacks(finished.contact) < _lacks(made.contact):
                host.take_back(made.contact)
                host.add(finished.contact)
                made.contact = finished.contact
            return True
        return False


def _lacks(contact: Contact) -> tuple[bool, int, int]:
    """Small for a connection that is told in full."""
    told = len(contact.logons) + len(contact.opened)
    return contact.opening is Opening.UNSEEN, len(contact.missing), -told


@dataclass(slots=True)
class Software:
    """Connections of one host that one and the same software made, as far as they tell."""

    contacts: Counter[Contact] = field(default_factory=Counter)
    pids: set[tuple[int | None, int | None]] = field(default_factory=set)
    """As those of its host, of its own connections."""

    def _logons(self) -> Iterator[Logon]:
        for contact in self.contacts:
            yield from contact.logons

    @property
    def systems(self) -> set[str]:
        """Every NativeOS that it named."""
        return {logon.session.native_os for logon in self._logons()} - {"", words.HIDDEN}

    @property
    def versions(self) -> set[tuple[int, int, int]]:
        """Every version that its NTLM messages claimed."""
        messages = (logon.session.ntlm for logon in self._logons())
        return {message.version for message in messages if message and message.version}

    def fits(self, contact: Contact) -> bool:
        """True when the contact shows the same offer and nothing that speaks against it."""
        one = Software(Counter([contact]))
        for mine, other in ((self.systems, one.systems), (self.versions, one.versions)):
            if mine and other and not mine & other:
                return False
        return any(_alike(known, contact) for known in self.contacts)


def _alike(known: Contact, contact: Contact) -> bool:
    if contact.channel and known.smb2:
        return True
    if known.smb2 and contact.smb2:
        return _offer(known.smb2) == _offer(contact.smb2)
    if known.smb1 and contact.smb1:
        return _core(known.smb1) == _core(contact.smb1)
    return _announced(known, contact) or _announced(contact, known)


def _offer(offer: Smb2Offer) -> tuple[object, ...]:
    """What is the same in all connections of one program; credits and flags are not."""
    fingerprint = offer.fingerprint
    return offer.dialects, fingerprint.security_mode, fingerprint.capabilities, fingerprint.contexts


def _core(offer: Smb1Offer) -> tuple[object, ...]:
    """The dialect strings of SMB1 itself, and the flags: a probe may have the same strings by chance."""
    strings = tuple(name for name in offer.dialects if not name.startswith("SMB 2."))
    return strings, offer.fingerprint.flags, offer.fingerprint.flags2 & ~_SWITCHED


def _announced(framed: Contact, direct: Contact) -> bool:
    """The strings in an SMB1 frame that was not followed by SMB2 announce what the other offers.

    So it is where a server chose 2.0.2 from the frame itself, and another was spoken to in SMB2 at once.
    """
    if framed.smb1 is None or framed.smb2 is not None or direct.smb2 is None:
        return False
    strings, revisions = framed.smb1.dialects, direct.smb2.dialects
    first = Dialect.SMB2_02.revision
    newer = any(number != first for number in revisions)
    return (SMB2_FIRST in strings) == (first in revisions) and (SMB2_ANY in strings) == newer


_ORDER: Final = (Opening.MULTI, Opening.DIRECT, Opening.SMB1_ONLY)


def software(host: Host) -> list[Software]:
    """The clients of a host. Connections whose beginning is not in the capture belong to none of them."""
    told = [contact for contact in host.contacts if contact.opening is not Opening.UNSEEN]
    told.sort(
        key=lambda one: (one.channel, _ORDER.index(one.opening), -len(one.smb2.dialects) if one.smb2 else 0)
    )
    found: list[Software] = []
    for contact in told:
        one = next((known for known in found if known.fits(contact)), None)
        if one is None:
            one = Software()
            found.append(one)
        one.contacts[contact] = host.contacts[contact]
        one.pids |= host.pids[contact]
    return found
