"""What ``rehearse fleet`` prints as JSON: what was read, the machines by their kinds, what is new.

``python -m harness.report.schemas`` writes its schema anew.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from harness.fleet.intake import Imported, Read
from harness.fleet.machine import Fleet, Placed, size
from harness.fleet.planned import More
from harness.fleet.store import Stored
from harness.fleet.watching import Change
from harness.report.documents.fleet_parts import ImportDocument, ShowDocument, WatchDocument
from harness.report.documents.part import Part
from harness.report.json_text import dump, schema_of

SCHEMA = 1
"""Grows when a field changes its meaning or goes; additions do not count."""
DOCUMENTS: Final[Mapping[str, type[Part]]] = {
    "import": ImportDocument,
    "show": ShowDocument,
    "watch": WatchDocument,
}
"""By the operation of ``rehearse fleet`` that prints it."""


def import_json(imported: Imported) -> str:
    """Of ``fleet import``: each file, and the fleet in numbers."""
    return _text(
        ImportDocument,
        {
            "schema": SCHEMA,
            "fleet": imported.fleet.name,
            "stored": imported.file,
            "hashed": imported.hashed,
            "machines_before": imported.before,
            "files": list(map(_read, imported.done)),
            **_numbers(imported.fleet),
        },
    )


def _read(one: Read) -> dict[str, Any]:
    return {
        "file": one.name,
        "kind": one.kind,
        "failed": one.failed,
        "read_before": _when(one.again),
        "lines": one.tally.lines,
        "sightings": one.sightings,
        "machines": one.machines,
        "without_anybody": one.nobody,
        "passed_over": one.tally.passed_over,
        "not_understood": [
            {
                "reason": reason,
                "lines": number,
                "examples": [{"line": at, "text": text} for at, text in one.tally.examples.get(reason, ())],
            }
            for reason, number in one.tally.not_understood.items()
        ],
        "notices": list(one.tally.notices),
        "answers_nothing": one.tally.answers_nothing,
    }


def _numbers(fleet: Fleet) -> dict[str, Any]:
    fact = fleet.fact
    return {
        "machines": fleet.size,
        "serve_only": size(fleet.servers),
        "listed_only": size(fleet.listed),
        "last_seen": fact.last_seen,
        "kinds": [
            {"clients": list(one.clients), "machines": one.count, "sure": one.sure, "dialect": one.dialect}
            for one in fact.groups
        ],
    }


def show_json(fleet: Fleet, stored: Stored) -> str:
    """Of ``fleet show``: the kinds, every machine, and the files that it is made of."""
    everybody = [
        *(_machine(one, "client", stored) for one in fleet.machines),
        *(_machine(one, "server", stored) for one in fleet.servers),
        *(_machine(one, "listed", stored) for one in fleet.listed),
    ]
    return _text(
        ShowDocument,
        {
            "schema": SCHEMA,
            "fleet": fleet.name,
            "hashed": stored.hashed,
            **_numbers(fleet),
            "each": everybody,
            "files": [
                {
                    "file": one.name,
                    "kind": one.kind,
                    "imported": one.imported.isoformat(),
                    "lines": one.lines,
                    "sightings": one.sightings,
                    "machines": one.machines,
                }
                for one in stored.files
            ],
        },
    )


def _machine(one: Placed, role: str, stored: Stored) -> dict[str, Any]:
    machine = one.machine
    return {
        "machine": machine.name,
        "role": role,
        "count": machine.count,
        "names": list(machine.names),
        "addresses": list(machine.addresses),
        "clients": list(one.personas),
        "sure": one.sure,
        "basis": one.basis.value,
        "why": one.why,
        "dialects": {key.value: _when(seen) for key, seen in (machine.dialects or {}).items()},
        "smb2": machine.smb2,
        "unknown_dialects": list(machine.unknown_dialects),
        "offered": [dialect.value for dialect in machine.offered],
        "smb1_refused": machine.smb1_refused,
        "logons": {key.value: _when(seen) for key, seen in (machine.logons or {}).items()},
        "signed": sorted(machine.signed),
        "cannot_sign": machine.cannot_sign,
        "encrypted": sorted(machine.encrypted),
        "cannot_encrypt": machine.cannot_encrypt,
        "wrong_spn": machine.wrong_spn,
        "serves": [dialect.value for dialect in machine.serves],
        "said": list(machine.said),
        "first_seen": _when(machine.first_seen),
        "last_seen": _when(machine.last_seen),
        "sightings": machine.sightings,
        "sources": sorted({stored.source(number) for number in machine.sources}),
        "remarks": list(machine.remarks),
    }


def _when(moment: datetime | None) -> str:
    return moment.isoformat() if moment else ""


def watch_json(
    name: str, changes: Sequence[Change], done: Sequence[Read], beyond: Sequence[More] = ()
) -> str:
    """Of ``fleet watch``: what is new of each machine, the worst first; what a plan does not reckon with."""
    return _text(
        WatchDocument,
        {
            "schema": SCHEMA,
            "fleet": name,
            "files": list(map(_read, done)),
            "worse": sum(one.placed.machine.count for one in changes if one.news.bad),
            "beyond_the_plan": [
                {"clients": list(one.group.clients), "more": one.group.count, "planned": one.planned}
                for one in beyond
            ],
            "changes": [
                {
                    "news": one.news.value,
                    "worse": one.news.bad,
                    "machine": one.placed.machine.name,
                    "count": one.placed.machine.count,
                    "clients": list(one.placed.personas),
                    "what": one.text,
                }
                for one in changes
            ],
        },
    )


def _text(document: type[Part], values: dict[str, Any]) -> str:
    return dump(document.model_validate(values).model_dump(mode="json"))


def schema(operation: str) -> dict[str, object]:
    """The JSON Schema (draft 2020-12) of what an operation prints, as the models say."""
    return schema_of(DOCUMENTS[operation], f"fleet-{operation}", SCHEMA)
