"""Interactions that hardening guides warn of, spelled out where this very run shows them.

Each is looked for in what was measured; one that the run does not show is not mentioned.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from harness.balance.weigh import SAFE, parts_of, seen
from harness.model import CellId, Check, Effect, Hole, Phase, StepName
from harness.result import CellResult, RunResult

RAP = "rap-listing"
"""The exposure: shares are listed by RAP, over SMB1 and without a named pipe that can be switched off."""
PIPES_OFF = ("nt-pipe-support-off", "nt-pipe-support-off-reload")
SIGNING_CLIENT, SIGNING_SERVER = "signing-client-required", "signing-required"
ALIAS, SMB3, SMB311 = "smb3-alias", "smb3-only", "smb311-only"


class Known(StrEnum):
    """The interactions that are looked for."""

    PIPES_LEAVE_RAP = "pipes-off-leaves-rap"
    """Named pipes are off, and over SMB1 the shares are still listed: RAP needs no such pipe."""
    SIGNING_SHUTS_GUESTS = "signing-shuts-out-guests"
    """A guest's session has no key, so it cannot sign ([MS-SMB2] 3.3.5.5.3)."""
    SIGNING_SPARES_GUESTS = "signing-spares-guests"
    """The server requires signing, and takes unsigned requests of guests all the same."""
    ALIAS_IS_311 = "smb3-means-311"
    """``SMB3`` in smb.conf(5) names the newest 3.x dialect, not all of them."""


@dataclass(frozen=True, slots=True)
class Interaction:
    """One known interaction as this run shows it."""

    known: Known
    mitigation: str
    server: str
    cells: tuple[CellId, ...]
    """The cells that show it; may be empty where a probe does."""
    evidence: str = ""
    """What the probe saw; "" where cells show it."""
    cures: tuple[str, ...] = ()
    """Changes of this run that contain the same one and do not have the problem; the smallest first."""
    same: int = 0
    """For ``smb3-means-311``: how many cells are as under SMB 3.1.1 alone; 0 where that was not measured."""


def interactions(result: RunResult) -> tuple[Interaction, ...]:
    """All that the run shows, by the order of the plan."""
    pairs = dict.fromkeys((cell.cell.mitigation, cell.cell.server) for cell in result.cells)
    looks: tuple[Callable[[RunResult, str, str], Interaction | None], ...] = (_rap, _guests, _spared, _alias)
    return tuple(_found(result, pairs, looks))


def _found(
    result: RunResult,
    pairs: dict[tuple[str, str], None],
    looks: tuple[Callable[[RunResult, str, str], Interaction | None], ...],
) -> Iterator[Interaction]:
    for look in looks:
        for change, server in pairs:
            one = look(result, change, server)
            if one is not None:
                yield one


def _rap(result: RunResult, change: str, server: str) -> Interaction | None:
    if change not in PIPES_OFF:
        return None
    listed = [cell.cell for cell in _of(result, change, server) if _lists_without_pipe(cell)]
    under = {
        one.mitigation: one
        for one in result.exposures
        if one.server == server and one.exposure == RAP and seen(one, Phase.BASELINE) is Hole.OPEN
    }
    is_open = change in under and seen(under[change], Phase.APPLIED) is Hole.OPEN
    if not listed and not is_open:
        return None
    cures = [
        name for name, one in under.items() if change in parts_of(name) and seen(one, Phase.APPLIED) in SAFE
    ]
    evidence = under[change].phases[Phase.APPLIED].evidence if is_open else ""
    cures.sort(key=lambda name: len(parts_of(name)))
    return Interaction(Known.PIPES_LEAVE_RAP, change, server, tuple(listed), evidence, tuple(cures))


def _lists_without_pipe(cell: CellResult) -> bool:
    """The list came although the pipe was refused on the way to it."""
    if cell.cell.check != Check.BROWSE or cell.effect is not Effect.KEPT:
        return False
    steps = cell.phases[Phase.APPLIED].steps
    refused = any(step.name is StepName.CREATE_PIPE and not step.ok for step in steps)
    return refused and any(step.name is StepName.ENUMERATE_SHARES and step.ok for step in steps)


def _guests(result: RunResult, change: str, server: str) -> Interaction | None:
    if change not in (SIGNING_CLIENT, SIGNING_SERVER):
        return None
    guests = [cell for cell in _of(result, change, server) if _guest(cell, Phase.BASELINE)]
    lost = tuple(cell.cell for cell in guests if cell.effect is Effect.LOST)
    return Interaction(Known.SIGNING_SHUTS_GUESTS, change, server, lost) if lost else None


def _spared(result: RunResult, change: str, server: str) -> Interaction | None:
    if change != SIGNING_SERVER:
        return None
    kept = [
        cell.cell
        for cell in _of(result, change, server)
        if cell.effect is Effect.KEPT
        and _guest(cell, Phase.APPLIED)
        and cell.phases[Phase.APPLIED].signed is False
    ]
    return Interaction(Known.SIGNING_SPARES_GUESTS, change, server, tuple(kept)) if kept else None


def _guest(cell: CellResult, phase: Phase) -> bool:
    return phase in cell.phases and cell.phases[phase].auth == "guest"


def _alias(result: RunResult, change: str, server: str) -> Interaction | None:
    """The name against what it seems to mean (3.0 and newer) and what it means (3.1.1)."""
    if change != ALIAS:
        return None
    named, seems, means = (_effects(result, name, server) for name in (ALIAS, SMB3, SMB311))
    differ = [task for task in named if named[task] is Effect.LOST and seems.get(task) is Effect.KEPT]
    both = [task for task in named if task in means]
    if not differ or any(named[task] is not means[task] for task in both):
        return None
    cells = tuple(CellId(ALIAS, server, *task) for task in differ)
    return Interaction(Known.ALIAS_IS_311, ALIAS, server, cells, same=len(both))


def _of(result: RunResult, change: str, server: str) -> list[CellResult]:
    return [cell for cell in result.cells if (cell.cell.mitigation, cell.cell.server) == (change, server)]


def _effects(result: RunResult, change: str, server: str) -> dict[tuple[str, str], Effect]:
    found = _of(result, change, server)
    return {(one.cell.client, one.cell.check): one.effect for one in found if one.effect is not Effect.FAULT}
