"""A capture studied: its clients, which known ones they resemble, and each as a persona."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Final

from harness.errors import RehearsalError
from harness.learn import persona, tools
from harness.learn.capture import Notes, segments
from harness.learn.facts import ONLY_CHANNELS, Facts, facts
from harness.learn.hosts import Host, Hosts, Software, software
from harness.learn.kdc import Datagrams, KdcListener
from harness.learn.matching import RECOGNISED, Catalogue, KnownPersona, Match
from harness.learn.observe import Contact, Listener
from harness.learn.packets import Datagram
from harness.learn.streams import KERBEROS, Streams
from harness.learn.tools import Signature
from harness.system.plain import many

_EXTENDED_SECURITY: Final = 0x0800
"""SMB_FLAGS2_EXTENDED_SECURITY, [MS-SMB] 2.2.3.1."""


@dataclass(frozen=True, slots=True)
class Client:
    """One client of the capture."""

    address: str
    software: Software
    facts: Facts
    like: tuple[Match, ...]
    """All personas, the one most like it first."""
    tool: Signature | None
    """The program or system of old that it is, where it is one that we know and have no persona of."""
    learned: persona.Learned | None
    why_not: str = ""
    """Why no persona could be made of it."""

    @property
    def recognised(self) -> bool:
        """It is of the kind of the persona that it is most like; else its policies are not known."""
        return _recognised(self.like, self.tool)

    @property
    def equally(self) -> list[str]:
        """The other personas that cannot be told from the nearest by what the capture shows."""
        if not self.recognised:
            return []
        best = [one for one in self.like[1:] if one.alike == self.like[0].alike]
        return [one.persona.data.name for one in best]


@dataclass
class Study:
    """All that one or several captures tell."""

    captures: list[Notes]
    hosts: list[Host] = field(default_factory=list)
    clients: list[Client] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    """What the capture does not show, a line each: knowledge is partial then."""

    def of(self, host: Host) -> Sequence[Client]:
        """The clients of a host."""
        return self._by_host.get(host.address, ())

    @cached_property
    def _by_host(self) -> dict[str, list[Client]]:
        found: dict[str, list[Client]] = {}
        for client in self.clients:
            found.setdefault(client.address, []).append(client)
        return found


class NothingSeen(RehearsalError):
    """The capture could be read and shows no client; ``study`` is what it tells all the same."""

    exit_status = 3

    def __init__(self, message: str, study: Study) -> None:
        super().__init__(message)
        self.study = study


def study(paths: Sequence[Path], known: Iterable[KnownPersona]) -> Study:
    """Read captures. Raises UsageError when one is none, NothingSeen when no client is in any of them."""
    captures: list[Notes] = []
    hosts = Hosts()
    given_up = 0
    for number, path in enumerate(paths):
        notes = Notes()
        captures.append(notes)
        hosts.capture = number
        streams = Streams(lambda key, time: Listener(key, time, hosts.hand_in))
        kdcs = Streams(lambda key, time: KdcListener(key, time, hosts.asked), KERBEROS)
        datagrams = Datagrams(hosts.asked)
        for said in segments(path, notes):
            if isinstance(said, Datagram):
                datagrams.add(said)
            else:
                (kdcs if said.kdc else streams).add(said)
        streams.end()
        kdcs.end()
        datagrams.end()
        given_up += streams.given_up + kdcs.given_up
    return judged(captures, hosts, known, given_up)


def judged(captures: list[Notes], hosts: Hosts, known: Iterable[KnownPersona], given_up: int = 0) -> Study:
    """What was gathered, as clients. Raises NothingSeen when there is none."""
    found = Study(captures, list(hosts.found.values()))
    for notes in captures:
        lines = notes.partial()
        if len(captures) > 1:
            lines = [f"{notes.name}: {line}" for line in ([] if notes.segments else ["holds no SMB"]) + lines]
        found.missing += lines
    catalogue = Catalogue(known)
    for host in found.hosts:
        of = [captures[number] for number in sorted(host.captures)]
        programs = software(host)
        for number, one in enumerate(programs, 1):
            seen = facts(one, host.exchanges, alone=len(programs) == 1)
            found.clients.append(_client(host, number, one, seen, catalogue, of))
    if given_up:
        found.missing.append(f"{given_up} connections were cut short: too many were open at once")
    left_out = hosts.left_out + sum(host.left_out for host in found.hosts)
    if left_out:
        found.missing.append(f"{left_out} connections were left out: too many different ones")
    if not found.clients:
        raise NothingSeen(_nothing(found), found)
    return found


def _nothing(found: Study) -> str:
    segments = sum(notes.segments for notes in found.captures)
    packets = sum(notes.packets for notes in found.captures)
    asking = sum(bool(host.exchanges) for host in found.hosts)
    if asking == len(found.hosts) > 0 and not _count(found.hosts):
        why = f"no SMB: only what {many(asking, 'host')} asked Kerberos KDCs, of which no persona can be made"
    elif found.hosts:
        why = f"no client's NEGOTIATE, only other pieces of {_count(found.hosts)} SMB connections"
    elif segments:
        why = f"no SMB: {segments} TCP segments of port 445 or 139, and none tells a message"
    else:
        why = f"no SMB: {packets} packets, none of TCP port 445 or 139, and no NEGOTIATE on any other"
    names = ", ".join(notes.name for notes in found.captures)
    holds = "holds" if len(found.captures) == 1 else "hold"
    return "; ".join([f"{names} {holds} {why}", *found.missing])


def _count(hosts: list[Host]) -> int:
    return sum(host.connections for host in hosts)


def _client(
    host: Host, number: int, one: Software, seen: Facts, catalogue: Catalogue, captures: list[Notes]
) -> Client:
    like = tuple(catalogue.matches(seen))
    tool = tools.known_as(seen)
    name = persona.name_of(host.address, number)
    if all(contact.channel for contact in one.contacts):
        return Client(host.address, one, seen, like, tool, None, ONLY_CHANNELS)
    base = _base(seen, like) if _recognised(like, tool) else None
    called = title(one, seen, like, tool)
    try:
        learned = persona.make(name, host.address, seen, base, captures, called)
    except RehearsalError as error:
        return Client(host.address, one, seen, like, tool, None, str(error))
    return Client(host.address, one, seen, like, tool, learned)


def _recognised(like: Sequence[Match], tool: Signature | None) -> bool:
    return tool is None and bool(like) and like[0].alike >= RECOGNISED


def _base(seen: Facts, like: tuple[Match, ...]) -> KnownPersona:
    """The persona most like it whose ways go together with what was seen."""
    fitting = [one.persona for one in like if _goes_together(seen, one.persona)]
    return (fitting or [like[0].persona])[0]


def _goes_together(seen: Facts, known: KnownPersona) -> bool:
    fields, opening = seen.fields, known.data.opening
    if "smb2_negotiate" not in fields and "smb2_negotiate.dialects" not in fields and not opening.smb2:
        return False
    flags2 = fields.get("smb1_negotiate.flags2")
    if isinstance(flags2, int) and "smb1_session.flags2" not in fields:
        # How it sets up sessions is inferred: with extended security as it announced, or without.
        theirs = opening.smb1.flags2 if opening.smb1 else 0
        return (flags2 ^ theirs) & _EXTENDED_SECURITY == 0
    return True


def title(one: Software, seen: Facts, like: Sequence[Match], tool: Signature | None = None) -> str:
    """One line for a person."""
    ways = ", ".join(dict.fromkeys(str(contact.opening) for contact in one.contacts))
    if not _recognised(like, tool):
        own = tools.calls_itself(seen)
        kind = tool.name if tool else f"it calls itself {own}" if own else "an unknown kind"
        return f"learned: {ways}; like none of ours: {kind} (emulated from a capture of it, its offer alone)"
    nearest = like[0]
    count = len(nearest.differences)
    differs = f"differs in {count} field{'s' if count > 1 else ''}" if count else "nothing differs"
    return (
        f"learned: {ways}; most like {nearest.persona.data.name}, {differs} (emulated from a capture of it)"
    )


def write(found: Study, folder: Path) -> dict[str, Path]:
    """Write every client that can be a persona; name -> file. Raises UsageError."""
    learned = [client.learned for client in found.clients if client.learned]
    return {one.name: persona.write(one, folder) for one in learned}


def kinds(contacts: Iterable[tuple[Contact, int]]) -> Counter[tuple[str, tuple[int, ...]]]:
    """How many connections of which kind: how they began, and the ports that they went to."""
    counted: Counter[tuple[str, tuple[int, ...]]] = Counter()
    ports: dict[str, set[int]] = {}
    numbers: Counter[str] = Counter()
    for contact, count in contacts:
        kind = "further channel (multichannel)" if contact.channel else str(contact.opening)
        numbers[kind] += count
        ports.setdefault(kind, set()).add(contact.port)
    for kind, count in numbers.items():
        counted[kind, tuple(sorted(ports[kind]))] = count
    return counted
