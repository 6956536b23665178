"""The JSON documents of ``rehearse fleet``, as models: of ``import``, of ``show``, of ``watch``.

Times are ISO 8601, as far as the source tells them; "" where it tells none. Fields are only added.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from harness.fleet.machine import Basis
from harness.fleet.sighting import Logon, Role
from harness.fleet.watching import News
from harness.model import Dialect
from harness.report.documents.part import Part, Words


class ExamplePart(Part):
    """A line that was not understood."""

    line: int
    """Its number, from 1."""
    text: Words
    """Its beginning."""


class OddPart(Part):
    """Lines that were not understood for one reason."""

    reason: Words
    lines: int
    """How many."""
    examples: tuple[ExamplePart, ...]
    """Three of them at the most."""


class ReadPart(Part):
    """A file that was read."""

    file: Words
    """As it was named."""
    kind: Words
    """Of the source, as ``--as`` takes it."""
    failed: Words
    """Why it could not be read at all; "" where it could."""
    read_before: Words
    """When the very same file was read already, which counts once; "" for a new one."""
    lines: int
    sightings: int
    machines: int
    without_anybody: int
    """Sightings that name no address, no name and no kind."""
    passed_over: int
    """Lines that are understood and say nothing of a machine."""
    not_understood: tuple[OddPart, ...]
    notices: tuple[Words, ...]
    answers_nothing: Words
    """Why it says nothing of any machine, although it was read; "" where it answers."""


class KindPart(Part):
    """Machines that may be the same kinds of client."""

    clients: tuple[Words, ...]
    """The kinds that they may be; none where nothing of the catalogue fits."""
    machines: int
    sure: bool
    """Something names their kind."""
    dialect: Dialect | Literal[""]
    """The newest that was chosen with them; "" where no source tells."""


class NumbersPart(Part):
    """A fleet in numbers."""

    machines: int
    """How many connect, or stand in a list with numbers."""
    serve_only: int
    """How many were only seen to serve. They are in no other number."""
    listed_only: int
    """How many stand only in a list of devices. They are in no other number."""
    last_seen: Words
    """The day; "" where no source tells one."""
    kinds: tuple[KindPart, ...]


class ImportDocument(NumbersPart):
    """What files held, and the fleet that they are in now."""

    schema_: Literal[1] = Field(alias="schema")
    fleet: Words
    stored: Words
    """The file that it is kept in."""
    hashed: bool
    """Addresses and names are keyed hashes."""
    machines_before: int
    files: tuple[ReadPart, ...]


class MachinePart(Part):
    """One machine: what all sources together say of it."""

    machine: Words
    """Its name, else its address, or the hash of it."""
    role: Role
    count: int
    """How many machines this entry stands for: more than one only of a list with numbers."""
    names: tuple[Words, ...]
    addresses: tuple[Words, ...]
    clients: tuple[Words, ...]
    """The kinds of client that it may be; none where nothing of the catalogue fits."""
    sure: bool
    basis: Basis
    why: Words
    dialects: dict[Dialect, Words]
    """Those that were chosen with it, and when each was seen last."""
    smb2: bool
    """It spoke SMB2 or later, and a source does not say which dialect."""
    unknown_dialects: tuple[Words, ...]
    offered: tuple[Dialect, ...]
    smb1_refused: bool
    logons: dict[Logon, Words]
    """The ways in which it logged on, and when each was seen last; independent of the dialects."""
    signed: tuple[bool, ...]
    """Both values where some sessions were signed and others not; none where no source tells."""
    cannot_sign: bool
    encrypted: tuple[bool, ...]
    cannot_encrypt: bool
    wrong_spn: bool
    """It sent no, an unknown or an empty service principal name with its logon."""
    serves: tuple[Dialect, ...]
    said: tuple[Words, ...]
    """What sources say of its make."""
    first_seen: Words
    last_seen: Words
    sightings: int
    sources: tuple[Words, ...]
    remarks: tuple[Words, ...]
    """What does not fit together about it."""


class FilePart(Part):
    """A file that the fleet is made of."""

    file: Words
    kind: Words
    imported: Words
    lines: int
    sightings: int
    machines: int


class ShowDocument(NumbersPart):
    """A fleet, machine by machine."""

    schema_: Literal[1] = Field(alias="schema")
    fleet: Words
    hashed: bool
    """Addresses and names are keyed hashes."""
    each: tuple[MachinePart, ...]
    files: tuple[FilePart, ...]


class MorePart(Part):
    """Machines of which there are more than a plan reckons with."""

    clients: tuple[Words, ...]
    more: int
    planned: int


class ChangePart(Part):
    """A machine that is not as it was."""

    news: News
    worse: bool
    """A plan that was made before did not reckon with it."""
    machine: Words
    count: int
    clients: tuple[Words, ...]
    what: Words


class WatchDocument(Part):
    """A later sample, compared with the fleet."""

    schema_: Literal[1] = Field(alias="schema")
    fleet: Words
    files: tuple[ReadPart, ...]
    worse: int
    """Machines that a plan of before did not reckon with; the exit status is 1 where there are any."""
    beyond_the_plan: tuple[MorePart, ...]
    """With ``--plan``; the exit status is 1 where there are any."""
    changes: tuple[ChangePart, ...]
