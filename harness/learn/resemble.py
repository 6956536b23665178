"""Which persona a client is most like, by what the capture shows of it, and in which fields they differ."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Final

from harness.clients import _persona_file, persona
from harness.clients._persona_file import PersonaData, PersonaFile
from harness.learn.facts import Facts, Table, Value

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
_VARYING: Final = {
    "smb1_negotiate.pid": "smb1_negotiate.pid_varies",
    "smb2_negotiate.pid": "smb2_negotiate.pid_varies",
}
"""Says nothing where it is the number of the process that speaks."""


@dataclass(frozen=True, slots=True)
class Known:
    """A persona as data and as it is written in its file."""

    data: PersonaData
    written: Table
    fields: Mapping[str, Value]
    """Its fields by dotted names; a table that it has not stands under its own name as None."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A field in which a client is not like a persona."""

    field: str
    seen: Value
    persona: Value


@dataclass(frozen=True, slots=True)
class Resemblance:
    """How much a client is like a persona."""

    persona: Known
    alike: float
    """From 0 to 1, of what the capture shows."""
    differences: tuple[Difference, ...]


def personas(folder: Path = persona.FOLDER) -> list[Known]:
    """The personas of a folder. Raises UsageError for a file that is none."""
    found = []
    for path in sorted(folder.glob("*.toml")):
        data = _persona_file.read(path)
        written = PersonaFile.model_validate(tomllib.loads(path.read_text("utf-8")))
        table = written.model_dump(mode="json")
        found.append(Known(data, table, _flat(table)))
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


def resemblances(facts: Facts, known: Iterable[Known]) -> list[Resemblance]:
    """All personas, the one most like the client first."""
    found = [_compare(facts, one) for one in known]
    return sorted(found, key=lambda one: (-one.alike, len(one.differences), one.persona.data.name))


def _compare(facts: Facts, known: Known) -> Resemblance:
    total = alike = 0.0
    differences = []
    for name, seen in facts.fields.items():
        # A policy follows from the offer, which is compared already.
        if name.startswith("policy.") or known.fields.get(_VARYING.get(name, "")):
            continue
        weight = _WEIGHTS.get(name, 1.0)
        theirs = known.fields.get(name)
        if seen is None:
            # No table of that name here: there it may have one.
            theirs = None if name in known.fields else "present"
            weight = _ABSENT
        total += weight
        likeness = _likeness(seen, theirs)
        alike += weight * likeness
        if likeness < 1.0:
            differences.append(Difference(name, seen, theirs))
    return Resemblance(known, alike / total if total else 0.0, tuple(differences))


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
