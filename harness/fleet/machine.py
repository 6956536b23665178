"""Machines: what all sources together say of each, and which kinds of client each may be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from harness.fleet.sighting import Logon
from harness.model import Dialect


@dataclass(frozen=True, slots=True)
class Machine:
    """One machine, merged from its sightings. Facts that the sources do not tell are empty."""

    name: str
    """As reports call it: its name, else its address (or the hash of it)."""
    addresses: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    dialects: Mapping[Dialect, datetime | None] | None = None
    """Dialects that were chosen with it, and when each was seen last."""
    unknown_dialects: tuple[str, ...] = ()
    offered: tuple[Dialect, ...] = ()
    """The fullest offer that was seen of it."""
    smb1_refused: bool = False
    logons: Mapping[Logon, datetime | None] | None = None
    """Ways in which it logged on; independent of ``dialects``."""
    signed: frozenset[bool] = frozenset()
    """Both values where some sessions were signed and others not."""
    cannot_sign: bool = False
    encrypted: frozenset[bool] = frozenset()
    cannot_encrypt: bool = False
    serves: tuple[Dialect, ...] = ()
    """Dialects that it speaks as a server, by a scanner."""
    said: tuple[str, ...] = ()
    first_seen: datetime | None = None
    last_seen: datetime | None = None
    sources: tuple[str, ...] = ()
    sightings: int = 0
    count: int = 1
    """How many machines this entry stands for."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A machine, and the kinds of client of the catalogue that it may be."""

    machine: Machine
    personas: tuple[str, ...]
    """One: it is that kind. Several: the sources do not tell them apart. None: nothing of the catalogue
    fits."""
    why: str
    """The evidence in one sentence, e.g. "named so by inventory.csv:12", "speaks SMB1 alone, NTLMv1"."""

    @property
    def sure(self) -> bool:
        """Whether it is of one known kind."""
        return len(self.personas) == 1


@dataclass(frozen=True, slots=True)
class Fleet:
    """All machines. ``unplaced`` of them fit no kind, and stay in every number as unknown."""

    machines: tuple[Placed, ...]

    @property
    def size(self) -> int:
        """How many machines there are, lists with numbers counted by their numbers."""
        return sum(one.machine.count for one in self.machines)
