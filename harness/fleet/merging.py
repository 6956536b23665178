"""From records to machines: which of them speak of the same machine, and what all say of it.

A name tells machines apart, an address only where no name is known: DHCP gives one address to several names,
and a notebook has several addresses. A record of an address alone belongs to the one name that has it; where
several names have had it nobody knows which, so that it stays a machine of its own, and says so.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from operator import attrgetter
from typing import Final

from harness.fleet.machine import Machine
from harness.fleet.records import Record, together

NO_NAMES: Final = frozenset(
    {"", "-", "--", "?", "*", "(null)", "null", "none", "unknown", "localhost", "workstation", "n/a", "nil"}
)
"""What stands in the place of a name and names nobody (casefolded)."""
_MOST_NAMED: Final = 3
"""Other machines that a remark names; of more the rest is counted."""


@dataclass(frozen=True, slots=True)
class Group:
    """The records that speak of one machine."""

    records: Sequence[Record]
    remarks: tuple[str, ...] = ()

    def machine(self) -> Machine:
        """What all of them say together."""
        return _machine(self.records, self.remarks)


def machines(records: Iterable[Record]) -> tuple[Machine, ...]:
    """The machines that records speak of, in the order of their names and addresses."""
    made = [group.machine() for group in groups(together(records))]
    return tuple(
        sorted(made, key=lambda one: (_in_order(one.name), one.names, one.addresses, one.said, one.sources))
    )


def number(records: Iterable[Record]) -> int:
    """How many machines these are, lists with numbers counted by their numbers."""
    # A machine that is absorbed from several records stands for the most of them: ``Record.absorb``.
    return sum(max(one.count for one in group.records) for group in groups(together(records)))


def groups(records: Sequence[Record]) -> list[Group]:
    """Which records speak of the same machine."""
    lists: dict[str, list[Record]] = {}
    named: dict[str, list[Record]] = {}
    bare: dict[str, list[Record]] = {}
    full = _full_names(records)
    for record in records:
        name = canonical(record.name)
        if record.line:
            lists.setdefault(record.line, []).append(record)
        elif name:
            named.setdefault(full.get(name, name), []).append(record)
        else:
            bare.setdefault(record.address or record.name, []).append(record)
    owners: dict[str, list[str]] = {}
    for name, its in named.items():
        for address in {record.address for record in its if record.address}:
            owners.setdefault(address, []).append(name)
    alone: list[Group] = []
    for address, its in bare.items():
        had_it = sorted(owners.get(address, ()))
        if len(had_it) == 1:
            named[had_it[0]] += its
        else:
            alone.append(Group(its, _whose(had_it)))
    return [
        *(Group(its, _remarks(name, its, owners)) for name, its in named.items()),
        *alone,
        *map(Group, lists.values()),
    ]


def canonical(name: str) -> str:
    """A name as it is compared; "" for what names nobody, and for an address in the place of a name."""
    plain = name.strip().strip("\\").rstrip(".$").casefold()
    if plain in NO_NAMES:
        return ""
    return plain if _number(plain.strip("[]")) is None else ""


def _full_names(records: Sequence[Record]) -> dict[str, str]:
    """Short names, and the only full name that begins with each: PC-12 is pc-12.example.org."""
    names = {canonical(record.name) for record in records}
    by_short: dict[str, list[str]] = {}
    for name in names:
        short, dot, _ = name.partition(".")
        if dot:
            by_short.setdefault(short, []).append(name)
    return {short: full[0] for short, full in by_short.items() if len(full) == 1 and short in names}


def _whose(names: Sequence[str]) -> tuple[str, ...]:
    if not names:
        return ()
    return (f"several machines had this address ({_few(names)}): which one this was no source tells",)


def _remarks(name: str, records: Sequence[Record], owners: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    addresses = sorted({record.address for record in records if record.address}, key=_in_order)
    found = []
    for version in (4, 6):
        many = sum(_version(address) == version for address in addresses)
        if many > 1:
            found.append(f"{many} IPv{version} addresses under one name: one machine that moves, or several")
    for address in addresses:
        others = sorted(other for other in owners.get(address, ()) if other != name)
        if others:
            found.append(f"the address {address} was that of {_few(others)}, too")
    return tuple(found[: 2 * _MOST_NAMED])


def _few(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_MOST_NAMED])
    return shown if len(names) <= _MOST_NAMED else f"{shown} and {len(names) - _MOST_NAMED} more"


def _version(address: str) -> int:
    found = _number(address)
    # Of a hidden one it is still said.
    return found[0] if found else {"ipv4-": 4, "ipv6-": 6}.get(address[:5], 0)


def _in_order(text: str) -> tuple[int, int, str]:
    """Names first, then addresses as numbers."""
    found = _number(text)
    return (1, found[1], text) if found else (0, 0, text.casefold())


@lru_cache(maxsize=65536)
def _number(text: str) -> tuple[int, int] | None:
    """Version and number of an address; None for any other text. Each is asked for several times."""
    if text[:1] not in _BEGIN_ADDRESSES:
        return None
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        return None
    return found.version, int(found)


_BEGIN_ADDRESSES: Final = frozenset("0123456789abcdefABCDEF:")


def _machine(records: Sequence[Record], remarks: tuple[str, ...]) -> Machine:
    whole = records[0]
    if len(records) > 1:
        whole = Record()
        for record in records:
            whole.absorb(record)
    names = sorted({record.name for record in records if canonical(record.name)}, key=_longest_first)
    addresses = sorted({record.address for record in records if record.address}, key=_in_order)
    said = tuple(sorted(whole.said))
    written = [record.name for record in records if record.name]
    return Machine(
        name=next(iter((*names, *addresses, *said, *sorted(whole.named), *written)), "?"),
        addresses=tuple(addresses),
        names=tuple(names),
        dialects=dict(whole.dialects),
        smb2=whole.smb2,
        unknown_dialects=tuple(sorted(whole.unknown_dialects)),
        offered=whole.offered,
        # Held at one dialect by one source, and seen with a newer one in another: it is not held.
        held_at=frozenset(one for one in whole.held_at if one is whole.newest),
        smb1_refused=whole.smb1_refused,
        logons=dict(whole.logons),
        signed=frozenset(whole.signed),
        cannot_sign=whole.cannot_sign,
        encrypted=frozenset(whole.encrypted),
        cannot_encrypt=whole.cannot_encrypt,
        wrong_spn=whole.wrong_spn,
        serves=tuple(sorted(whole.serves, key=attrgetter("revision"))),
        said=said,
        named=dict(sorted(whole.named.items())),
        roles=frozenset(whole.roles),
        first_seen=whole.first_seen,
        last_seen=whole.last_seen,
        sources=tuple(sorted(whole.sources)),
        sightings=sum(sum(record.sources.values()) for record in records),
        count=whole.count,
        remarks=remarks,
    )


def _longest_first(name: str) -> tuple[int, str, str]:
    return -len(name), name.casefold(), name
