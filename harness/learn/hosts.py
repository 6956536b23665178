"""The clients of a capture: what was seen, by host, and which of it is the same software.

One host makes several kinds of connection: a first one, repeated ones that know the server already, further
channels that offer 3.1.1 alone. And one host may run several SMB clients.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from harness.learn.observe import Contact, Logon, Opening

MAX_HOSTS: Final = 2000
MAX_FORMS: Final = 64
"""Different connections of one host that are kept."""
MAX_ALL_FORMS: Final = 8192


@dataclass(slots=True)
class Host:
    """One address and the connections that it made."""

    address: str
    time: float
    """Of its first segment, seconds since 1970."""
    contacts: Counter[Contact] = field(default_factory=Counter)
    left_out: int = 0
    """Connections that are not among the contacts, for there were too many different ones."""

    @property
    def connections(self) -> int:
        """How many connections it made."""
        return self.contacts.total() + self.left_out


@dataclass(slots=True)
class Hosts:
    """Collects contacts by host, within bounds."""

    found: dict[str, Host] = field(default_factory=dict)
    left_out: int = 0
    """Connections of hosts beyond the bound."""
    _forms: int = 0

    def hand_in(self, address: str, time: float, contact: Contact) -> None:
        """One more finished connection."""
        host = self.found.get(address)
        if host is None:
            if len(self.found) >= MAX_HOSTS:
                self.left_out += 1
                return
            host = self.found[address] = Host(address, time)
        host.time = min(host.time, time)
        if contact not in host.contacts:
            if len(host.contacts) >= MAX_FORMS or self._forms >= MAX_ALL_FORMS:
                host.left_out += 1
                return
            self._forms += 1
        host.contacts[contact] += 1


@dataclass(slots=True)
class Software:
    """Connections of one host that one and the same software made, as far as they tell."""

    contacts: Counter[Contact] = field(default_factory=Counter)

    def _logons(self) -> Iterator[Logon]:
        for contact in self.contacts:
            yield from contact.logons

    @property
    def systems(self) -> set[str]:
        """Every NativeOS that it named."""
        return {logon.session.native_os for logon in self._logons()} - {""}

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
        return known.smb2.dialects == contact.smb2.dialects
    if known.smb1 and contact.smb1:
        return _core(known) == _core(contact)
    return False


def _core(contact: Contact) -> tuple[str, ...]:
    """The dialect strings of SMB1 itself."""
    strings = contact.smb1.dialects if contact.smb1 else ()
    return tuple(name for name in strings if not name.startswith("SMB 2."))


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
    return found
