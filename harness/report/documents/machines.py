"""The fleet in the result document: who connects, and what each change costs in machines."""

from __future__ import annotations

from collections.abc import Sequence

from harness.balance.machines import Fate, Impact, Loss, Machines
from harness.report.documents.part import Part, Words
from harness.result.machines import FleetFact, MachineGroup


class GroupPart(Part):
    """Machines of which the same is known."""

    clients: tuple[Words, ...]
    """The clients that they may be: one, or several that cannot be told apart; empty where none fits."""
    machines: int
    sure: bool
    """False where nothing names their kind, and it merely fits."""
    dialect: Words
    """The newest dialect that was seen with them; empty where none is known."""


class FleetPart(Part):
    """Who really connects, as the run was planned for it. No address, and no name of a machine."""

    name: Words
    machines: int
    last_seen: Words
    """The day of the newest sighting; empty where no source tells any."""
    groups: tuple[GroupPart, ...]


class MachineLossPart(Part):
    """Checks of which the same machines lose each."""

    checks: tuple[Words, ...]
    lost: tuple[GroupPart, ...]
    """All that these machines may be lose the checks."""
    perhaps: tuple[GroupPart, ...]
    """Some of what these machines may be lose the checks."""


class FatePart(Part):
    """Machines of one fate in all checks together."""

    fate: Words
    """lost, perhaps, not known, not rehearsed, never, kept."""
    groups: tuple[GroupPart, ...]


class MachinesPart(Part):
    """What one change on one server costs the fleet."""

    total: int
    lost: int
    """Machines that lose at least one check."""
    perhaps: int
    """Machines of which only some of what they may be lose one."""
    not_rehearsed: int
    """Machines that are, or may be, of kinds that were not rehearsed: never counted as kept."""
    not_known: int
    never: int
    """Machines of kinds that could not do it in the lab before the change either."""
    kept: int
    losses: tuple[MachineLossPart, ...]
    fates: tuple[FatePart, ...]
    """Every machine once."""


def fleet_part(fleet: FleetFact | None) -> dict[str, object] | None:
    """The fleet of a run."""
    if fleet is None:
        return None
    return {
        "name": fleet.name,
        "machines": fleet.size,
        "last_seen": fleet.last_seen,
        "groups": _groups(fleet.groups),
    }


def machines_part(found: Machines | None) -> dict[str, object] | None:
    """What a change costs in machines; None where the run has no fleet."""
    if found is None:
        return None
    whole: Impact = found.whole
    return {
        "total": whole.total,
        "lost": whole.lost,
        "perhaps": whole.perhaps,
        "not_rehearsed": whole.not_rehearsed,
        "not_known": whole.count(Fate.NOT_KNOWN),
        "never": whole.count(Fate.NEVER),
        "kept": whole.count(Fate.KEPT),
        "losses": [
            {"checks": one.checks, "lost": _groups(one.lost), "perhaps": _groups(one.perhaps)}
            for one in found.losses
        ],
        "fates": [{"fate": fate.value, "groups": _groups(its)} for fate, its in whole.groups.items()],
    }


def _groups(groups: Sequence[MachineGroup]) -> list[dict[str, object]]:
    return [
        {"clients": one.clients, "machines": one.count, "sure": one.sure, "dialect": one.dialect}
        for one in groups
    ]


def machines_again(part: MachinesPart) -> Machines:
    """What a document says, as the sentences of reports are made of it."""
    return Machines(
        tuple(Loss(one.checks, _again(one.lost), _again(one.perhaps)) for one in part.losses),
        Impact({Fate(one.fate): _again(one.groups) for one in part.fates}),
    )


def fleet_again(part: FleetPart) -> FleetFact:
    """The fleet of a document."""
    return FleetFact(part.name, _again(part.groups), part.last_seen)


def _again(groups: Sequence[GroupPart]) -> tuple[MachineGroup, ...]:
    return tuple(MachineGroup(one.clients, one.machines, one.sure, one.dialect) for one in groups)
