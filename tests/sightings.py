"""Sightings made of few words."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from harness.fleet.records import Gathering, Record
from harness.fleet.sighting import Place, Sighting

WHEN = datetime.fromisoformat("2026-11-20T12:00:00")
"""Of no time zone: the local time of whoever wrote it."""


def sighting(address: str = "", name: str = "", *, line: int = 1, **facts: Any) -> Sighting:
    """A sighting of a file ``sample``."""
    return Sighting(Place("sample", line), address, name, **{"seen": WHEN, **facts})


def gathered(*sightings: Sighting, source: str = "sample") -> list[Record]:
    """The records of one file with these sightings."""
    gathering = Gathering(source)
    for one in sightings:
        gathering.add(one)
    return gathering.records()
