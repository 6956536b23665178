"""Which persona a client is most like, by what the capture shows of it, and in which fields they differ.

What many personas have in common tells nothing: an agreement counts as much as it tells kinds apart, a
disagreement in full.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from pathlib import Path
from typing import Final

from harness.clients import persona, persona_file
from harness.clients.persona_file import PersonaData, PersonaFile
from harness.learn.facts import Facts, Table, Value

RECOGNISED: Final = 0.7
"""The likeness from which on a client is taken for the kind of the persona that it is most like.

In the captures that the tests read, clients of a kind that has a persona reach 0.72 or more (the lowest are
an old cifs.ko with an option and a Windows Server 2003 without service pack). Libraries and systems that have
none reach 0.56 at most, but for one of LAN Manager dialects alone: 0.67 of the little that it shows. The
recorded personas, compared with those of other makers alone, stay below 0.6.
"""
_WEIGHTS: Final = {
    "smb1_negotiate.dialects": 6.0,
    "smb2_negotiate.dialects": 6.0,
    "smb2_negotiate.contexts": 4.0,
    "smb2_negotiate.capabilities": 2.0,
    "ntlm.level": 2.0,
    "ntlm.flags": 2.0,
    "ntlm.spnego": 6.0,
    "smb1_session.native_os": 8.0,
}
"""What tells kinds of client apart best; any other field counts 1. Chosen so that every capture of a client
that has a persona finds it (tests/learn)."""
_ABSENT: Final = 2.0
"""Weight of a whole table that was not seen: often the connection merely had no use for it."""
_VARYING: Final = {"smb1_negotiate.pid": "smb1_negotiate", "smb2_negotiate.pid": "smb2_negotiate"}
"""Says nothing where it is the number of the process that speaks."""
_TELLS_NOTHING: Final = frozenset(
    {
        "smb1_negotiate.mid",
        "smb1_negotiate.pid_varies",
        "smb2_negotiate.pid_varies",
        "smb2_negotiate.unreleased",
        # All that are newer than Windows Vista send the same, but for Linux.
        "ntlm.target_name",
        # What the domain's policy, its KDC and the server's name have a part in.
        "kerberos.transport",
        "kerberos.as_etypes",
        "kerberos.tgs_etypes",
        "kerberos.asks_first",
        "kerberos.as_padata",
        "kerberos.tgs_padata",
    }
)
_KERBEROS: Final = "kerberos."
_MOST_KEPT: Final = 10_000


@dataclass(frozen=True, slots=True)
class KnownPersona:
    """A persona as data and as it is written in its file."""

    data: PersonaData
    written: Table
    openings: tuple[tuple[str, Mapping[str, Value]], ...]
    """When it opens so, "" for its usual opening, and all its fields then, by dotted names; a table that it
    has not stands under its own name as None."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A field in which a client is not like a persona."""

    field: str
    seen: Value
    persona: Value


@dataclass(frozen=True, slots=True)
class Match:
    """How much a client is like a persona, in that of its openings that it is most like."""

    persona: KnownPersona
    when: str
    """When the persona opens so; "" for its usual opening."""
    alike: float
    """From 0 to 1, of what the capture shows and what tells kinds apart."""
    _facts: Facts = field(repr=False)
    _fields: Mapping[str, Value] = field(repr=False)

    @property
    def differences(self) -> tuple[Difference, ...]:
        """The fields in which they differ."""
        found = []
        for name, seen in _compared(self._facts):
            theirs, likeness = _against(name, seen, self._fields)
            if likeness is not None and likeness < 1.0:
                found.append(Difference(name, seen, theirs))
        return tuple(found)


def personas(folder: Path = persona.FOLDER) -> list[KnownPersona]:
    """The personas of a folder, without variants of others. Raises UsageError for a file that is none."""
    found = []
    for path in sorted(folder.glob("*.toml")):
        data = persona_file.read(path)
        if data.based_on:
            continue
        written = PersonaFile.model_validate(tomllib.loads(path.read_text("utf-8")))
        table = written.model_dump(mode="json")
        openings = [("", _flat(table))]
        for other in table["also"]:
            tables = {name: other[name] for name in ("smb1_negotiate", "smb2_negotiate")}
            openings.append((other["when"], _flat(table | tables)))
        found.append(KnownPersona(data, table, tuple(openings)))
    return found


def _flat(table: Table) -> dict[str, Value]:
    flat: dict[str, Value] = {}
    for name, value in table.items():
        if isinstance(value, dict):
            flat |= {f"{name}.{inner}": _bare(deeper) for inner, deeper in value.items()}
        else:
            flat[name] = value
    return flat


def _bare(value: Value) -> Value:
    """Without the entries that say nothing, as the facts are."""
    if isinstance(value, list):
        return [
            {key: inner for key, inner in one.items() if inner} if isinstance(one, dict) else one
            for one in value
        ]
    return value


@dataclass(frozen=True, slots=True)
class _Compared:
    """One value that was seen, against all openings of all personas."""

    weight: float
    likeness: Sequence[float | None]
    """Of each opening; None where the field tells nothing."""
    tells: float
    """How much an agreement tells: the share of the personas that have another value."""


class Catalogue:
    """All personas, ready to be compared with many clients."""

    def __init__(self, known: Iterable[KnownPersona]) -> None:
        self._openings = [(one, when, fields) for one in known for when, fields in one.openings]
        self._personas = len({one.data.name for one, _, _ in self._openings})
        self._kept: dict[tuple[str, str], _Compared] = {}

    def matches(self, facts: Facts) -> list[Match]:
        """All personas, the one most like the client first."""
        compared = [self._compared(name, seen) for name, seen in _compared(facts)]
        best: dict[str, tuple[float, int, Match]] = {}
        for at, (one, when, fields) in enumerate(self._openings):
            total = alike = 0.0
            differing = 0
            for found in compared:
                likeness = found.likeness[at]
                if likeness is not None:
                    agreed = found.weight * likeness * found.tells
                    alike += agreed
                    total += agreed + found.weight * (1.0 - likeness)
                    differing += likeness < 1.0
            rank = alike / total if total else 0.0
            known = best.get(one.data.name)
            if known is None or (rank, -differing) > known[:2]:
                best[one.data.name] = rank, -differing, Match(one, when, rank, facts, fields)
        ordered = sorted(best.items(), key=lambda item: (-item[1][0], -item[1][1], item[0]))
        return [found for _, (_, _, found) in ordered]

    def _compared(self, name: str, seen: Value) -> _Compared:
        key = name, repr(seen)
        found = self._kept.get(key)
        if found is None:
            likeness = [_against(name, seen, fields)[1] for _, _, fields in self._openings]
            same = {
                one.data.name
                for (one, _, _), alike in zip(self._openings, likeness, strict=True)
                if alike is not None and alike == 1.0
            }
            weight = _ABSENT if seen is None else _WEIGHTS.get(name, 1.0)
            found = _Compared(weight, likeness, 1.0 - len(same) / max(self._personas, 1))
            if len(self._kept) < _MOST_KEPT:
                self._kept[key] = found
        return found


def _compared(facts: Facts) -> Iterable[tuple[str, Value]]:
    """What is compared of a client."""
    for name, seen in facts.fields.items():
        # A policy follows from the offer, which is compared already.
        if name.startswith("policy.") or name in _TELLS_NOTHING:
            continue
        if not facts.fields.get(f"{_VARYING.get(name, '')}.pid_varies"):
            yield name, seen


def _against(name: str, seen: Value, fields: Mapping[str, Value]) -> tuple[Value, float | None]:
    """What an opening of a persona has there, and how alike both are; None where that tells nothing."""
    if fields.get(f"{_VARYING.get(name, '')}.pid_varies"):
        return None, None
    if name.startswith(_KERBEROS) and name not in fields:
        return None, None  # how its kind does Kerberos is not known
    if seen is None:
        # No table of that name here: there it may have one.
        theirs: Value = None if name in fields else "present"
    else:
        theirs = fields.get(name)
    return theirs, _likeness(seen, theirs)


def _likeness(mine: Value, theirs: Value) -> float:
    if mine == theirs:
        return 1.0
    if isinstance(mine, list) and isinstance(theirs, list):
        # Order counts a little: it is the client's preference.
        one, other = {repr(item) for item in mine}, {repr(item) for item in theirs}
        return 0.9 * len(one & other) / len(one | other) if one | other else 1.0
    if isinstance(mine, str) and isinstance(theirs, str):
        # "Mac OS X 10.9" and "Mac OS X 10.10" have more in common than either has with "Unix".
        alike = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(mine, theirs, strict=False)))
        return 0.9 * alike / max(len(mine), len(theirs))
    return 0.0
