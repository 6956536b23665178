"""Machines: what all sources together say of each, and which kinds of client each may be."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from harness.fleet.sighting import Logon, Role
from harness.model import Dialect
from harness.result.machines import FleetFact, MachineGroup, together

DEFAULT: Final = "fleet"
"""What a fleet is called that nobody named."""


@dataclass(frozen=True, slots=True)
class Machine:
    """One machine, merged from its sightings. Facts that the sources do not tell are empty."""

    name: str
    """As reports call it: its name, else its address (or the hash of it)."""
    addresses: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    dialects: Mapping[Dialect, datetime | None] | None = None
    """Dialects that were chosen with it, and when each was seen last."""
    smb2: bool = False
    """A source says that it spoke SMB2 or later, and not which dialect."""
    unknown_dialects: tuple[str, ...] = ()
    offered: tuple[Dialect, ...] = ()
    """The fullest offer that was seen of it."""
    held_at: frozenset[Dialect] = frozenset()
    """Dialects that were the newest chosen with it in a source in which others chose a newer one: the server
    speaks more, and this machine did not."""
    smb1_refused: bool = False
    logons: Mapping[Logon, datetime | None] | None = None
    """Ways in which it logged on; independent of ``dialects``."""
    signed: frozenset[bool] = frozenset()
    """Both values where some sessions were signed and others not."""
    cannot_sign: bool = False
    encrypted: frozenset[bool] = frozenset()
    cannot_encrypt: bool = False
    wrong_spn: bool = False
    """It sent no, an unknown or an empty service principal name: a server that requires SPN validation
    refuses it. That tells no kinds apart, and no change that is rehearsed asks for it."""
    serves: tuple[Dialect, ...] = ()
    """Dialects that it speaks as a server, by a scanner."""
    said: tuple[str, ...] = ()
    named: Mapping[str, str] | None = None
    """Kinds of client of the catalogue that sources name by that very name, and where (``FILE:LINE``)."""
    roles: frozenset[Role] = frozenset()
    first_seen: datetime | None = None
    last_seen: datetime | None = None
    sources: tuple[str, ...] = ()
    sightings: int = 0
    count: int = 1
    """How many machines this entry stands for."""
    remarks: tuple[str, ...] = ()
    """What does not fit together about it: several addresses, an address that others had, too."""

    @property
    def newest(self) -> Dialect | None:
        """The newest dialect that was chosen with it."""
        return max(self.dialects or (), key=lambda one: one.revision, default=None)


class Basis(StrEnum):
    """What the placing of a machine rests on."""

    NAMED = "named"
    """A source names the kind by its name in the catalogue."""
    WORDS = "words"
    """What sources say of its make, and nothing that was seen speaks against it."""
    FITS = "fits"
    """What was seen fits these kinds, and no other of the catalogue. The catalogue has not every kind that
    there is: a machine is not known to be of one because only that one fits."""
    NOTHING = "nothing"
    """Nothing that was seen tells kinds apart, or nothing of the catalogue fits."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A machine, and the kinds of client of the catalogue that it may be."""

    machine: Machine
    personas: tuple[str, ...]
    """One: it is that kind. Several: the sources do not tell them apart. None: nothing of the catalogue
    fits."""
    why: str
    """The evidence in one sentence, e.g. "named so by inventory.csv:12", "speaks SMB1 alone, NTLMv1"."""
    basis: Basis = Basis.NOTHING

    @property
    def sure(self) -> bool:
        """Whether it is of one known kind, by what names it and not because no other kind fits."""
        return len(self.personas) == 1 and self.basis in (Basis.NAMED, Basis.WORDS)

    @property
    def group(self) -> MachineGroup:
        """What a run may know of it: no address, no name."""
        # Who was refused SMB1 is known by that, too.
        newest = self.machine.newest or (Dialect.NT1 if self.machine.smb1_refused else None)
        return MachineGroup(
            tuple(sorted(self.personas)), self.machine.count, self.sure, newest.value if newest else ""
        )


def size(some: Iterable[Placed]) -> int:
    """How many machines these are, lists with numbers counted by their numbers."""
    return sum(one.machine.count for one in some)


@dataclass(frozen=True, slots=True)
class Fleet:
    """All machines. Those that fit no kind stay in every number as unknown."""

    machines: tuple[Placed, ...]
    """Those that connect, or that a list with numbers names: the clients."""
    servers: tuple[Placed, ...] = ()
    """Those that were only seen to serve: nobody saw them connect."""
    listed: tuple[Placed, ...] = ()
    """Those that only a list of devices has: nobody saw them connect."""
    name: str = DEFAULT

    @property
    def size(self) -> int:
        """How many machines connect, lists with numbers counted by their numbers."""
        return size(self.machines)

    @property
    def fact(self) -> FleetFact:
        """What a run keeps of it: kinds and numbers."""
        days = [one.machine.last_seen.date() for one in self.machines if one.machine.last_seen]
        last = max(days, default=None)
        return FleetFact(
            self.name, together(one.group for one in self.machines), last.isoformat() if last else ""
        )
