"""A learned client as a persona file: what was seen, and the rest as the persona that it is most like.

What the capture does not show is marked as inferred, field by field, in the file's evidence.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import tomli_w
from pydantic import ValidationError

from harness.clients.persona_file import PersonaFile, read
from harness.clients.persona_kerberos import KerberosTable
from harness.errors import RehearsalError, UsageError
from harness.learn import stranger
from harness.learn.capture import Notes
from harness.learn.facts import Facts, Table
from harness.learn.matching import KnownPersona
from harness.model import Dialect, Fidelity

NONE_OF_OURS: Final = "assumed, for it is like none of ours: no limits, no requirements, no words"
_TABLES: Final = ("smb1_negotiate", "smb2_negotiate", "smb1_session", "ntlm", "kerberos", "policy")
_KERBEROS: Final = "kerberos"
_AS_WINDOWS: Final = "assumed: as Windows was recorded, for that kind of client is not known to do Kerberos"
_UNIMPORTANT: Final = frozenset({"pid_varies", "hollow", "uid", "mid", "unreleased"})


@dataclass(frozen=True, slots=True)
class Learned:
    """A persona file that was made, not written yet."""

    name: str
    text: str
    """The file, in TOML."""
    inferred: tuple[str, ...]
    """The fields that the capture does not show, by dotted names."""


def make(
    name: str, address: str, facts: Facts, like: KnownPersona | None, captures: Sequence[Notes], title: str
) -> Learned:
    """The persona of a client; ``like`` is None for one that is like none of ours: its offer alone.

    Raises UsageError when what it showed cannot be said in a persona file.
    """
    table, inferred = _merge(facts, like.written if like else stranger.table(facts))
    base = f"as {like.data.name}" if like else NONE_OF_OURS
    names = ", ".join(notes.name for notes in captures)
    assumed = [field for field in inferred if not like or like.written.get(field.partition(".")[0]) is None]
    assumed = [field for field in assumed if field.startswith(f"{_KERBEROS}.")]
    table |= {
        "name": name,
        "title": title,
        "fidelity": Fidelity.RECORDED.value,
        "counterpart": "",
        # What it cannot do at all no capture shows.
        "checks": None,
        "sees_like": "",
        "sees": dict(like.data.sees) if like else {},
        "also": [],
        "captures": [
            {
                "file": notes.name,
                "sha256": notes.sha256,
                "source": f"learned by rehearse learn{_when(notes)}",
                "clients": [address],
                "what": f"{', '.join(sorted(facts.fields))}: as seen",
            }
            for notes in captures
        ],
        "evidence": [
            {
                "what": f"not seen: {', '.join(field for field in inferred if field not in assumed)}",
                "source": f"inferred: {base}",
            },
            *([{"what": f"not seen: {', '.join(assumed)}", "source": _AS_WINDOWS}] if assumed else ()),
            *({"what": note, "source": f"capture {names}"} for note in facts.notes),
        ],
    }
    try:
        checked = PersonaFile.model_validate(table)
    except ValidationError as mistakes:
        fields = dict.fromkeys(
            ".".join(str(part) for part in mistake["loc"]) for mistake in mistakes.errors()
        )
        raise UsageError(
            f"{address}: no persona can be made: a persona file cannot say its {', '.join(fields)}"
        ) from mistakes
    written = checked.model_dump(mode="json", exclude_defaults=True)
    head = f"# Learned from {names}; what the capture does not show is {base}.\n"
    return Learned(name, head + tomli_w.dumps(written), inferred)


def _when(notes: Notes) -> str:
    return "" if notes.first is None else f", recorded {when_of(notes.first)}"


def when_of(time: float) -> str:
    """A time of a capture for people, UTC; "" for one that no calendar has."""
    try:
        return datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, OverflowError, OSError):
        return "at an unknown time"


def _merge(facts: Facts, base: Table) -> tuple[Table, tuple[str, ...]]:
    """What was seen over what the persona has; and the names of what is the persona's alone."""
    table: Table = json.loads(json.dumps(base))
    inferred = []
    absent = {name for name, value in facts.fields.items() if value is None}
    for name in _TABLES:
        mine = {
            field.partition(".")[2]: value
            for field, value in facts.fields.items()
            if field.startswith(f"{name}.")
        }
        theirs = table.get(name)
        if name == _KERBEROS and mine and theirs is None:
            theirs = KerberosTable().model_dump(mode="json")
        if name in absent:
            table[name] = None
        elif isinstance(theirs, dict):
            inferred += [
                f"{name}.{field}" for field in theirs if field not in mine and field not in _UNIMPORTANT
            ]
            table[name] = theirs | mine
        elif mine:
            table[name] = mine
    taken = ("signing", "habits", "sees", "smb1_removable", "client_settings")
    inferred += [name for name in taken if table.get(name)]
    _fit(table)
    return table, tuple(inferred)


def _fit(table: Table) -> None:
    """A persona's limits and its offer agree, whichever of both was seen."""
    policy, smb1, smb2 = table["policy"], table["smb1_negotiate"], table["smb2_negotiate"]
    assert isinstance(policy, dict)
    names = smb2["dialects"] if isinstance(smb2, dict) else []
    dialects = sorted((Dialect(name) for name in names), key=lambda one: one.revision)
    if not dialects:
        policy["smb1"] = True
        policy["min_dialect"] = policy["max_dialect"] = Dialect.NT1.value
        return
    if not isinstance(smb1, dict) or all(name.startswith("SMB 2.") for name in smb1["dialects"]):
        policy["smb1"] = False
    policy["max_dialect"] = dialects[-1].value
    lowest = Dialect.NT1 if policy["smb1"] else dialects[0]
    if policy["smb1"] or Dialect(policy["min_dialect"]).revision > lowest.revision:
        policy["min_dialect"] = lowest.value


def write(learned: Learned, folder: Path) -> Path:
    """Write the file and read it back. Raises UsageError when the folder cannot be written."""
    path = folder / f"{learned.name}.toml"
    if path.exists() and path.read_text("utf-8").splitlines()[:1] != learned.text.splitlines()[:1]:
        raise UsageError(f"{path} is there and was learned elsewhere", "choose another folder")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(learned.text, "utf-8")
    except OSError as error:
        raise UsageError(f"{path}: cannot be written: {error.strerror}", "choose another folder") from error
    try:
        read(path)
    except RehearsalError:
        path.unlink()
        raise
    return path


def name_of(address: str, number: int) -> str:
    """The name of the client that is the ``number``-th software of a host, from 1."""
    plain = re.sub(r"[^a-z0-9.-]", "-", address.lower()).strip("-.")
    return f"learned-{plain}" + (f"-{number}" if number > 1 else "")
