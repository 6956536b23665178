"""The machines that a stored rollout plan reckons with, against those that there are now."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from harness.errors import UsageError
from harness.result.machines import MachineGroup
from harness.system import files

_MOST: Final = 2**26
_HINT: Final = "make one: rehearse rollout --write plan.json --fleet NAME"


class _Shape(BaseModel):
    # A plan has more in it than concerns here.
    model_config = ConfigDict(extra="ignore", frozen=True)


class _Group(_Shape):
    clients: tuple[str, ...]
    machines: int = Field(ge=0)


class _Fleet(_Shape):
    name: str
    groups: tuple[_Group, ...]


class _Plan(_Shape):
    fleet: _Fleet


@dataclass(frozen=True, slots=True)
class More:
    """Machines that may be some kinds, of which there are more than the plan reckons with."""

    group: MachineGroup
    """How many more; ``clients`` are what they may be."""
    planned: int
    """How many of just these the plan has."""


def read(path: Path) -> tuple[MachineGroup, ...]:
    """The machines of a plan. Raises UsageError for a file that is none, and for a plan without a fleet."""
    try:
        found = _Plan.model_validate_json(files.read(path, _HINT, _MOST)).fleet
    except ValidationError as error:
        raise UsageError(f"{path}: is no rollout plan: {files.first_mistake(error)}", _HINT) from error
    if not found.name:
        raise UsageError(f"{path}: this plan was made without a fleet", _HINT)
    return tuple(MachineGroup(tuple(sorted(one.clients)), one.machines) for one in found.groups)


def more(plan: Iterable[MachineGroup], now: Iterable[MachineGroup]) -> tuple[More, ...]:
    """Of whom there are more now. A machine of which more is known than before is no other machine."""
    planned, there = _counts(plan), _counts(now)
    left = Counter({clients: planned[clients] - there[clients] for clients in planned})
    dialects = {one.clients: one.dialect for one in now}
    found = []
    for clients, number in sorted(there.items(), key=lambda one: (-one[1], one[0])):
        surplus = number - planned[clients]
        for wider in sorted(left, key=len):
            if surplus > 0 and left[wider] > 0 and set(clients) < set(wider):
                known = min(surplus, left[wider])
                left[wider] -= known
                surplus -= known
        if surplus > 0:
            group = MachineGroup(clients, surplus, len(clients) == 1, dialects.get(clients, ""))
            found.append(More(group, planned[clients]))
    return tuple(found)


def _counts(groups: Iterable[MachineGroup]) -> Counter[tuple[str, ...]]:
    found: Counter[tuple[str, ...]] = Counter()
    for one in groups:
        found[one.clients] += one.count
    return found
